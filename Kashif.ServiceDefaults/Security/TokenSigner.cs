using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Security;

/// <summary>Signs tokens with ES256 (RFC 7518 section 3.4).</summary>
public sealed class TokenSigner(string keyId, ECDsa key)
{
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly Lock _lock = new(); // an ECDsa instance is not thread-safe

    /// <summary>The default factory would keep every rotated key in a static cache.</summary>
    private readonly SigningCredentials _credentials = new(new ECDsaSecurityKey(key) { KeyId = keyId }, SecurityAlgorithms.EcdsaSha256)
    {
        CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
    };

    /// <summary>The <c>kid</c> of its tokens.</summary>
    public string KeyId => keyId;

    /// <summary>The public half.</summary>
    public JwksKey Public { get; } = JwksKey.Of(keyId, key);

    /// <returns>A compact JWS.</returns>
    public string Sign(SecurityTokenDescriptor token)
    {
        token.SigningCredentials = _credentials;
        lock (_lock)
        {
            return Handler.CreateToken(token);
        }
    }
}

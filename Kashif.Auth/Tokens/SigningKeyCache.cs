using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Kashif.Auth.Data;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Auth.Tokens;

/// <summary>The signing keys in memory: one signs, all are published in the JWKS, and Auth's own endpoints validate with them.</summary>
internal sealed class SigningKeyCache(IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider time, ILogger<SigningKeyCache> logger) : TokenValidationKeys(time, logger)
{
    private readonly TimeProvider _time = time;
    private volatile Keys? _keys;

    /// <summary>The public half of every key.</summary>
    public JwksResponse Published => Loaded.Published;

    /// <summary>The key that signs now: the newest active one.</summary>
    public TokenSigner Current
    {
        get
        {
            var now = _time.GetUtcNow();
            var keys = Loaded.Newest;
            return (keys.FirstOrDefault(key => key.ActiveFrom <= now) ?? keys[^1]).TokenSigner; // the oldest one if this machine's clock is behind
        }
    }

    protected override TimeSpan Freshness => options.Value.KeyRotation.Poll;

    private Keys Loaded => _keys ?? throw new InvalidOperationException("The signing keys are read when the service starts.");

    protected override async Task<OpenIdConnectConfiguration> ReadAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        var stored = await scope.ServiceProvider.GetRequiredService<AuthDbContext>().SigningKeys.AsNoTracking()
            .Where(key => key.RetiredAt == null || key.RetiredAt > now)
            .OrderByDescending(key => key.ActiveFrom)
            .ToListAsync(cancellationToken);

        var opened = _keys?.Newest.ToDictionary(key => key.TokenSigner.KeyId, key => key.TokenSigner) ?? [];
        List<CachedKey> newest = [.. stored.Select(key =>
            new CachedKey(key.ActiveFrom, opened.GetValueOrDefault(key.Id) ?? new TokenSigner(key.Id, key.Open(options.Value.Secrets))))];
        var published = new JwksResponse([.. newest.Select(key => key.TokenSigner.Public)]);

        var keySet = new JsonWebKeySet(JsonSerializer.Serialize(published, AuthJson.Default.JwksResponse));
        var configuration = new OpenIdConnectConfiguration { Issuer = options.Value.Issuer, JsonWebKeySet = keySet };
        foreach (var key in keySet.GetSigningKeys())
        {
            configuration.SigningKeys.Add(key);
        }

        _keys = new Keys(newest, published);
        return configuration;
    }

    /// <param name="Newest">Newest first.</param>
    private sealed record Keys(IReadOnlyList<CachedKey> Newest, JwksResponse Published);

    private sealed record CachedKey(DateTimeOffset ActiveFrom, TokenSigner TokenSigner);
}

/// <summary>Signs tokens with ES256 (RFC 7518 section 3.4).</summary>
internal sealed class TokenSigner(string keyId, ECDsa key)
{
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly Lock _lock = new(); // an ECDsa instance is not thread-safe

    /// <summary>The default factory would keep every rotated key in a static cache.</summary>
    private readonly SigningCredentials _credentials = new(new ECDsaSecurityKey(key) { KeyId = keyId }, SecurityAlgorithms.EcdsaSha256)
    {
        CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
    };

    public string KeyId => keyId;

    public JwksKey Public { get; } = Publish(keyId, key);

    public string Sign(SecurityTokenDescriptor token)
    {
        token.SigningCredentials = _credentials;
        lock (_lock)
        {
            return Handler.CreateToken(token);
        }
    }

    private static JwksKey Publish(string keyId, ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return new JwksKey("EC", "sig", "ES256", "P-256", keyId, Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y));
    }
}

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Security;

/// <summary>A new ES256 key, for storage.</summary>
/// <param name="Id">The key id of tokens and JWKS: the key's RFC 7638 thumbprint.</param>
/// <param name="ProtectedKey">PKCS #8, encrypted and bound to the id.</param>
/// <param name="PublicKey">The public half as SubjectPublicKeyInfo.</param>
public sealed record SealedSigningKey(string Id, byte[] ProtectedKey, byte[] PublicKey)
{
    /// <summary>Encrypts the plain text, bound to the id.</summary>
    public delegate byte[] Seal(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> boundTo);

    public static SealedSigningKey Create(Seal seal)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Base64Url.EncodeToString(new ECDsaSecurityKey(key).ComputeJwkThumbprint());
        var plain = key.ExportPkcs8PrivateKey();
        var protectedKey = seal(plain, Encoding.UTF8.GetBytes(id));
        CryptographicOperations.ZeroMemory(plain);
        return new SealedSigningKey(id, protectedKey, key.ExportSubjectPublicKeyInfo());
    }

    /// <param name="plain">The decrypted key, which is wiped.</param>
    public static ECDsa Import(byte[] plain)
    {
        try
        {
            var key = ECDsa.Create();
            key.ImportPkcs8PrivateKey(plain, out _);
            return key;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }
}

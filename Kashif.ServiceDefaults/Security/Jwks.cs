using System.Buffers.Text;
using System.Security.Cryptography;

namespace Kashif.Security;

/// <summary>A JSON Web Key Set (RFC 7517).</summary>
/// <param name="Keys">The keys that sign now or soon, or did lately.</param>
public sealed record JwksResponse(IReadOnlyList<JwksKey> Keys);

/// <summary>A public elliptic curve key (RFC 7518 section 6.2.1).</summary>
/// <param name="Kty" example="EC">The key type.</param>
/// <param name="Use" example="sig">The use of the key: signatures.</param>
/// <param name="Alg" example="ES256">The algorithm.</param>
/// <param name="Crv" example="P-256">The curve.</param>
/// <param name="Kid" example="0198f0a0111170008000000000000001">The key's id, as in the header of a token.</param>
/// <param name="X" example="f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU">The x coordinate, in base64url.</param>
/// <param name="Y" example="x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0">The y coordinate, in base64url.</param>
public sealed record JwksKey(string Kty, string Use, string Alg, string Crv, string Kid, string X, string Y)
{
    /// <summary>The public half of a key.</summary>
    public static JwksKey Of(string keyId, ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return new JwksKey("EC", "sig", "ES256", "P-256", keyId, Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y));
    }
}

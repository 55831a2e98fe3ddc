using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Tokens;

/// <summary>A key that access tokens are signed with, as the database holds it: encrypted.</summary>
internal sealed class StoredSigningKey
{
    /// <summary>The key id of tokens and JWKS: the key's RFC 7638 thumbprint.</summary>
    public required string Id { get; init; }

    /// <summary>PKCS #8, sealed and bound to <see cref="Id"/>.</summary>
    public required byte[] ProtectedKey { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it begins to sign; validators know it before.</summary>
    public required DateTimeOffset ActiveFrom { get; init; }

    /// <summary>When the last token that it signed has expired: from here on it is not published.</summary>
    public DateTimeOffset? RetiredAt { get; set; }

    public static StoredSigningKey Create(string secret, DateTimeOffset now, DateTimeOffset activeFrom)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Thumbprint(key);
        var plain = key.ExportPkcs8PrivateKey();
        var sealedKey = Sealing.Seal(secret, DerivedKey.SigningKeys, plain, Encoding.UTF8.GetBytes(id));
        CryptographicOperations.ZeroMemory(plain);
        return new StoredSigningKey { Id = id, ProtectedKey = sealedKey, CreatedAt = now, ActiveFrom = activeFrom };
    }

    /// <exception cref="InvalidOperationException">It was encrypted under another secret.</exception>
    public ECDsa Open(string secret)
    {
        byte[]? plain = null;
        try
        {
            plain = Sealing.Open(secret, DerivedKey.SigningKeys, ProtectedKey, Encoding.UTF8.GetBytes(Id));
            var key = ECDsa.Create();
            key.ImportPkcs8PrivateKey(plain, out _);
            return key;
        }
        catch (AuthenticationTagMismatchException exception)
        {
            throw new InvalidOperationException(
                $"Auth:SigningKeySecret is not the secret under which signing key '{Id}' was stored. Set the former one, or delete the rows of signing_keys to begin with a new key (everybody signs in again).", exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>https://www.rfc-editor.org/rfc/rfc7638: the required members in lexicographic order, hashed.</summary>
    private static string Thumbprint(ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        var canonical = $$"""{"crv":"P-256","kty":"EC","x":"{{Base64Url.EncodeToString(point.X)}}","y":"{{Base64Url.EncodeToString(point.Y)}}"}""";
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
    }
}

internal sealed class StoredSigningKeyConfiguration : IEntityTypeConfiguration<StoredSigningKey>
{
    public void Configure(EntityTypeBuilder<StoredSigningKey> builder)
    {
        builder.ToTable("signing_keys");
        builder.Property(key => key.Id).HasMaxLength(64);
    }
}

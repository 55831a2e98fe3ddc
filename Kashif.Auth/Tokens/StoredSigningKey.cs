using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Auth.Tokens;

/// <summary>A key that signs access tokens, as stored in the database: encrypted.</summary>
internal sealed class StoredSigningKey
{
    /// <summary>The key id of tokens and JWKS: the key's RFC 7638 thumbprint.</summary>
    public required string Id { get; init; }

    /// <summary>PKCS #8, encrypted and bound to <see cref="Id"/>.</summary>
    public required byte[] ProtectedKey { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it starts to sign. It is published from its creation.</summary>
    public required DateTimeOffset ActiveFrom { get; init; }

    /// <summary>When the last token that it signed has expired. It is published until then.</summary>
    public DateTimeOffset? RetiredAt { get; set; }

    public static StoredSigningKey Create(string secret, DateTimeOffset now, DateTimeOffset activeFrom)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Base64Url.EncodeToString(new ECDsaSecurityKey(key).ComputeJwkThumbprint());
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
                $"Auth:SigningKeySecret is not the secret that encrypted signing key '{Id}'. Restore the former secret, or delete all rows of signing_keys to start with a new key (all access tokens become invalid).", exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
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

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
    public required byte[] ProtectedKey { get; set; }

    /// <summary><see cref="RootSecrets.CurrentId"/> at the encryption; null if an older version encrypted it.</summary>
    public required string? SecretId { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it starts to sign. It is published from its creation.</summary>
    public required DateTimeOffset ActiveFrom { get; init; }

    /// <summary>When the last token that it signed has expired. It is published until then.</summary>
    public DateTimeOffset? RetiredAt { get; set; }

    public static StoredSigningKey Create(RootSecrets secrets, DateTimeOffset now, DateTimeOffset activeFrom)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Base64Url.EncodeToString(new ECDsaSecurityKey(key).ComputeJwkThumbprint());
        var plain = key.ExportPkcs8PrivateKey();
        var sealedKey = Sealing.Seal(secrets, DerivedKey.SigningKeys, plain, Encoding.UTF8.GetBytes(id));
        CryptographicOperations.ZeroMemory(plain);
        return new StoredSigningKey { Id = id, ProtectedKey = sealedKey, SecretId = secrets.CurrentId, CreatedAt = now, ActiveFrom = activeFrom };
    }

    /// <exception cref="AuthenticationTagMismatchException">It was encrypted under another secret.</exception>
    public ECDsa Open(RootSecrets secrets)
    {
        var plain = Decrypt(secrets);
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

    /// <summary>Encrypts it under the current secret.</summary>
    /// <exception cref="AuthenticationTagMismatchException">It was encrypted under another secret.</exception>
    public void Reencrypt(RootSecrets secrets)
    {
        var plain = Decrypt(secrets);
        ProtectedKey = Sealing.Seal(secrets, DerivedKey.SigningKeys, plain, Encoding.UTF8.GetBytes(Id));
        SecretId = secrets.CurrentId;
        CryptographicOperations.ZeroMemory(plain);
    }

    private byte[] Decrypt(RootSecrets secrets) => Sealing.Open(secrets, DerivedKey.SigningKeys, ProtectedKey, Encoding.UTF8.GetBytes(Id));
}

internal sealed class StoredSigningKeyConfiguration : IEntityTypeConfiguration<StoredSigningKey>
{
    public void Configure(EntityTypeBuilder<StoredSigningKey> builder)
    {
        builder.ToTable("signing_keys");
        builder.Property(key => key.Id).HasMaxLength(64);
        builder.Property(key => key.SecretId).HasMaxLength(RootSecrets.IdLength);
    }
}

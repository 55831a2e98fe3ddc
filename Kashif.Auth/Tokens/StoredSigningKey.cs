using System.Security.Cryptography;
using System.Text;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

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
        var key = SealedSigningKey.Create((plain, id) => secrets.Seal(DerivedKey.SigningKeys, plain, id));
        return new StoredSigningKey { Id = key.Id, ProtectedKey = key.ProtectedKey, SecretId = secrets.CurrentId, CreatedAt = now, ActiveFrom = activeFrom };
    }

    /// <exception cref="AuthenticationTagMismatchException">It was encrypted under another secret.</exception>
    public ECDsa Open(RootSecrets secrets) => SealedSigningKey.Import(Decrypt(secrets));

    /// <summary>Encrypts it under the current secret.</summary>
    /// <exception cref="AuthenticationTagMismatchException">It was encrypted under another secret.</exception>
    public void Reencrypt(RootSecrets secrets)
    {
        var plain = Decrypt(secrets);
        ProtectedKey = secrets.Seal(DerivedKey.SigningKeys, plain, Encoding.UTF8.GetBytes(Id));
        SecretId = secrets.CurrentId;
        CryptographicOperations.ZeroMemory(plain);
    }

    private byte[] Decrypt(RootSecrets secrets) => secrets.Open(DerivedKey.SigningKeys, ProtectedKey, Encoding.UTF8.GetBytes(Id));
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

using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Codes;

/// <summary>A key that signs codes. Its public half is published for as long as codes that it signed may be valid: always.</summary>
internal sealed class CodeSigningKey
{
    public required string Id { get; init; }

    /// <summary>PKCS #8, encrypted and bound to <see cref="Id"/>.</summary>
    public required byte[] ProtectedKey { get; init; }

    /// <summary>SubjectPublicKeyInfo, which needs no secret.</summary>
    public required byte[] PublicKey { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}

internal sealed class CodeSigningKeyConfiguration : IEntityTypeConfiguration<CodeSigningKey>
{
    public void Configure(EntityTypeBuilder<CodeSigningKey> key)
    {
        key.ToTable("code_signing_keys");
        key.Property(row => row.Id).HasMaxLength(64);
    }
}

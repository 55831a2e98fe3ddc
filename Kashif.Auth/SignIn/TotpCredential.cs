using System.Security.Cryptography;
using Kashif.Auth.Users;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.SignIn;

/// <summary>The authenticator app of a user (RFC 6238).</summary>
internal sealed class TotpCredential
{
    public required Guid UserId { get; init; }

    /// <summary>The shared secret, encrypted and bound to the user.</summary>
    public required byte[] ProtectedSecret { get; set; }

    /// <summary><see cref="RootSecrets.CurrentId"/> at the encryption; null if an older version encrypted it.</summary>
    public string? SecretId { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the first code was entered; logins ask for a code from then on.</summary>
    public DateTimeOffset? ConfirmedAt { get; init; }

    /// <summary>The time step of the last accepted code. This step and earlier ones are refused (RFC 6238 section 5.2).</summary>
    public long LastStep { get; init; }

    /// <returns>The shared secret, which the caller wipes.</returns>
    /// <exception cref="AuthenticationTagMismatchException">It was encrypted under another secret.</exception>
    public byte[] Open(RootSecrets secrets) => secrets.Open(DerivedKey.TotpSecrets, ProtectedSecret, UserId.ToByteArray());

    /// <summary>Encrypts it under the current secret.</summary>
    /// <exception cref="AuthenticationTagMismatchException">It was encrypted under another secret.</exception>
    public void Reencrypt(RootSecrets secrets)
    {
        var plain = Open(secrets);
        ProtectedSecret = secrets.Seal(DerivedKey.TotpSecrets, plain, UserId.ToByteArray());
        SecretId = secrets.CurrentId;
        CryptographicOperations.ZeroMemory(plain);
    }
}

/// <summary>Replaces a code of the authenticator app once.</summary>
internal sealed class RecoveryCode
{
    /// <summary>A keyed hash, because a code is short enough for a brute-force search.</summary>
    public required byte[] Hash { get; init; }
    public required Guid UserId { get; init; }
    public DateTimeOffset? UsedAt { get; init; }
}

internal sealed class TotpConfiguration : IEntityTypeConfiguration<TotpCredential>, IEntityTypeConfiguration<RecoveryCode>
{
    public void Configure(EntityTypeBuilder<TotpCredential> builder)
    {
        builder.ToTable("totp_credentials");
        builder.HasKey(credential => credential.UserId);
        builder.Property(credential => credential.SecretId).HasMaxLength(RootSecrets.IdLength);
        builder.HasOne<User>().WithOne().HasForeignKey<TotpCredential>(credential => credential.UserId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<RecoveryCode> builder)
    {
        builder.ToTable("recovery_codes");
        builder.HasKey(code => new { code.UserId, code.Hash });
        builder.HasOne<User>().WithMany().HasForeignKey(code => code.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}

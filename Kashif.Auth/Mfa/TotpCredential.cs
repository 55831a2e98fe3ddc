using Kashif.Auth.Accounts;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Mfa;

/// <summary>The authenticator app of a person (RFC 6238).</summary>
internal sealed class TotpCredential
{
    public required Guid UserId { get; init; }

    /// <summary>The shared secret, encrypted and bound to the user.</summary>
    public required byte[] ProtectedSecret { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Since when a login asks for a code; null until the person has entered a first one.</summary>
    public DateTimeOffset? ConfirmedAt { get; init; }

    /// <summary>The time step of the last code that was accepted: neither it nor an earlier one is accepted again (section 5.2).</summary>
    public long LastStep { get; init; }
}

/// <summary>Stands in for the authenticator app, once.</summary>
internal sealed class RecoveryCode
{
    /// <summary>A keyed hash: the codes are short enough to be tried.</summary>
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
        builder.HasOne<User>().WithOne().HasForeignKey<TotpCredential>(credential => credential.UserId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<RecoveryCode> builder)
    {
        builder.ToTable("recovery_codes");
        builder.HasKey(code => new { code.UserId, code.Hash });
        builder.HasOne<User>().WithMany().HasForeignKey(code => code.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}

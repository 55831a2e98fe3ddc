using Kashif.Auth.Sessions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Audit;

/// <summary>
/// One thing that happened to an account's security. Rows are only added: a trigger refuses every change but the erasure of
/// <see cref="IpAddress"/> and <see cref="UserAgent"/>, which is what a deleted person leaves behind.
/// </summary>
internal sealed class AuditEntry
{
    public const int MaxActionLength = 50;

    public required Guid Id { get; init; }

    /// <summary>Whose account.</summary>
    public required Guid UserId { get; init; }

    /// <summary>Who did it; null for somebody who was not signed in.</summary>
    public Guid? ActorId { get; init; }

    /// <summary>One of <see cref="AuditActions"/>.</summary>
    public required string Action { get; init; }

    /// <summary>What exactly, where the action alone does not say it, as JSON; nothing secret and nothing personal.</summary>
    public string? Details { get; init; }
    public string? IpAddress { get; init; }
    public string? UserAgent { get; init; }
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>Where an admin sat who changed the account is nobody else's business: only of these does its owner see address and device.</summary>
    public bool IsByOwner => ActorId is null || ActorId == UserId;
}

internal sealed class AuditEntryConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    public void Configure(EntityTypeBuilder<AuditEntry> builder)
    {
        builder.ToTable("audit_log");
        builder.Property(entry => entry.Id).ValueGeneratedNever();
        builder.Property(entry => entry.Action).HasMaxLength(AuditEntry.MaxActionLength);
        builder.Property(entry => entry.Details).HasColumnType("jsonb");
        builder.Property(entry => entry.IpAddress).HasMaxLength(Session.MaxAddressLength);
        builder.Property(entry => entry.UserAgent).HasMaxLength(Session.MaxUserAgentLength);

        // No foreign key: entries outlive the account. Both lists are newest first; ids are in the order of time.
        builder.HasIndex(entry => new { entry.UserId, entry.Id });
    }
}

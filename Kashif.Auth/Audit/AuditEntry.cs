using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Audit;

/// <summary>
/// A security event of an account. The table is append-only: a trigger refuses every update and delete, except setting
/// <see cref="IpAddress"/> and <see cref="UserAgent"/> to null when an account is deleted, and <see cref="AuditCleanup"/>.
/// </summary>
internal sealed class AuditEntry
{
    public const int MaxActionLength = 50;

    public required Guid Id { get; init; }

    /// <summary>The account affected; the empty id if there is none.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The signed-in user who acted; null if the client was not signed in.</summary>
    public Guid? ActorId { get; init; }

    /// <summary>One of <see cref="AuditActions"/>.</summary>
    public required string Action { get; init; }

    /// <summary>Further details as JSON; no secrets and no personal data.</summary>
    public string? Details { get; init; }
    public string? IpAddress { get; init; }
    public string? UserAgent { get; init; }
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>Whether the account owner may see address and device: those of an admin who acted stay hidden.</summary>
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
        builder.Property(entry => entry.IpAddress).HasMaxLength(ClientInfo.MaxAddressLength);
        builder.Property(entry => entry.UserAgent).HasMaxLength(ClientInfo.MaxUserAgentLength);

        // No foreign key: entries outlive the account. Ids (version 7) are in time order, so both lists read this index backwards.
        builder.HasIndex(entry => new { entry.UserId, entry.Id });
        builder.HasIndex(entry => entry.ActorId).HasFilter("actor_id IS NOT NULL"); // an erasure reads it
    }
}

using System.Text.Json;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.AuditTrail;

/// <summary>What a member of staff did. Append-only.</summary>
internal sealed class AuditEntry
{
    public Guid Id { get; init; }
    public DateTimeOffset At { get; init; }
    public Guid ActorId { get; init; }

    /// <summary>Such as <c>created</c>, <c>changed</c>, <c>deleted</c>, <c>assigned</c>.</summary>
    public required string Action { get; init; }

    /// <summary>What it was done to, such as <c>crew</c> or <c>report</c>.</summary>
    public required string Kind { get; init; }
    public Guid SubjectId { get; init; }

    /// <summary>The agency of the subject: its staff may read the entry.</summary>
    public Guid? AgencyId { get; init; }

    /// <summary>The new values by their wire names; null if there are none.</summary>
    public JsonElement? Values { get; init; }
}

internal static class Auditing
{
    /// <summary>Adds an entry, which is written with the change itself.</summary>
    public static void Audit(
        this ReportingDbContext database, Guid actor, string action, string kind, Guid subject, Guid? agency, JsonElement? values, DateTimeOffset now) =>
        database.AuditEntries.Add(new AuditEntry
        {
            Id = Guid.CreateVersion7(now),
            At = now,
            ActorId = actor,
            Action = action,
            Kind = kind,
            SubjectId = subject,
            AgencyId = agency,
            Values = values,
        });
}

internal sealed class AuditEntryConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    public void Configure(EntityTypeBuilder<AuditEntry> entry)
    {
        entry.ToTable("audit_entries");
        entry.HasKey(row => row.Id);
        entry.Property(row => row.Id).ValueGeneratedNever();
        entry.HasIndex(row => new { row.SubjectId, row.Id });
        entry.HasIndex(row => row.ActorId);
    }
}

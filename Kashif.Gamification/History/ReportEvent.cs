using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.History;

/// <summary>
/// An event of a report as it arrived: what rules are tried on, and what trust scores are learned from. Events arrive in any order;
/// <see cref="Version"/> orders those of one report.
/// </summary>
internal sealed class ReportEvent
{
    /// <summary>The event's id.</summary>
    public Guid Id { get; init; }
    public Guid ReportId { get; init; }

    /// <summary>The report's owner.</summary>
    public Guid UserId { get; init; }

    /// <summary>The event's wire name.</summary>
    public required string Event { get; init; }

    /// <summary>The report's new status as its wire name; null for events without one.</summary>
    public string? Status { get; init; }

    /// <summary>Whether the owner changed the status.</summary>
    public bool ByOwner { get; init; }

    /// <summary>1 for the report as created, one more at each change.</summary>
    public int Version { get; init; }

    /// <summary>Null if the event does not say, like the coordinates.</summary>
    public string? Category { get; init; }
    public double? Latitude { get; init; }
    public double? Longitude { get; init; }

    /// <summary>Whether staff hide the report; null for events that do not say.</summary>
    public bool? Hidden { get; init; }

    /// <summary>Whether the report is private or anonymous, so that nothing public may name its reporter; null for events that do not say.</summary>
    public bool? Unnamed { get; init; }

    /// <summary>Of a merge: the report of which this one has become a duplicate.</summary>
    public Guid? OriginalId { get; init; }
    public DateTimeOffset At { get; init; }
}

internal sealed class ReportEventConfiguration : IEntityTypeConfiguration<ReportEvent>
{
    public void Configure(EntityTypeBuilder<ReportEvent> row)
    {
        row.ToTable("report_events");
        row.Property(entry => entry.Id).ValueGeneratedNever();
        row.Property(entry => entry.Event).HasMaxLength(100);
        row.Property(entry => entry.Status).HasMaxLength(50);
        row.Property(entry => entry.Category).HasMaxLength(50);
        row.HasIndex(entry => new { entry.ReportId, entry.Version });
        row.HasIndex(entry => new { entry.UserId, entry.At });
        row.HasIndex(entry => new { entry.UserId, entry.Status, entry.ReportId }).IncludeProperties(entry => new { entry.Category, entry.Event, entry.ByOwner }); // achievements count
        row.HasIndex(entry => entry.OriginalId).HasFilter("original_id IS NOT NULL");
        row.HasIndex(entry => entry.At);
    }
}

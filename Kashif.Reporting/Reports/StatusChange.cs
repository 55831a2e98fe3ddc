using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Reports;

/// <summary>An entry of a report's history. Append-only.</summary>
internal sealed class StatusChange
{
    public const int CommentMax = 1000;

    public Guid ReportId { get; init; }

    /// <summary>The report's version after this change.</summary>
    public int Version { get; init; }
    public ReportStatus From { get; init; }
    public ReportStatus To { get; init; }
    public string? Comment { get; init; }
    public Guid ChangedBy { get; init; }
    public DateTimeOffset At { get; init; }
}

internal sealed class StatusChangeConfiguration : IEntityTypeConfiguration<StatusChange>
{
    public void Configure(EntityTypeBuilder<StatusChange> change)
    {
        change.ToTable("status_changes");
        change.HasKey(row => new { row.ReportId, row.Version });
        change.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        change.HasIndex(row => row.ChangedBy); // an erasure and an export read it
        change.HasIndex(row => row.At); // Open311's updates are read by time
        change.Property(row => row.From).HasStatusConversion();
        change.Property(row => row.To).HasStatusConversion();
    }
}

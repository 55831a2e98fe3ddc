using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Imports;

/// <summary>A report that came from another system: its id there makes sending it again safe.</summary>
internal sealed class ImportRecord
{
    public const int ClientIdMax = 128;

    public required string ClientId { get; init; }
    public Guid ReportId { get; init; }

    /// <summary>The report's version after the import: its history up to here happened elsewhere, without events.</summary>
    public int Version { get; init; }
    public DateTimeOffset ImportedAt { get; init; }
}

internal sealed class ImportRecordConfiguration : IEntityTypeConfiguration<ImportRecord>
{
    public void Configure(EntityTypeBuilder<ImportRecord> record)
    {
        // No foreign key: a report that was deleted is not imported again.
        record.ToTable("imported_reports");
        record.HasKey(row => row.ClientId);
        record.Property(row => row.ClientId).HasMaxLength(ImportRecord.ClientIdMax);
        record.HasIndex(row => row.ReportId).IsUnique();
    }
}

using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Batch;

/// <summary>A report that an app has made while it was offline: the app's own id makes sending it again safe.</summary>
internal sealed class ClientReport
{
    public const int ClientIdMax = 64;

    public Guid UserId { get; init; }
    public required string ClientId { get; init; }
    public Guid ReportId { get; init; }
    public DateTimeOffset CapturedAt { get; init; }
}

internal sealed class ClientReportConfiguration : IEntityTypeConfiguration<ClientReport>
{
    public void Configure(EntityTypeBuilder<ClientReport> report)
    {
        // No foreign key: a report that its owner has deleted is not made again.
        report.ToTable("client_reports");
        report.HasKey(row => new { row.UserId, row.ClientId });
        report.Property(row => row.ClientId).HasMaxLength(ClientReport.ClientIdMax);
    }
}

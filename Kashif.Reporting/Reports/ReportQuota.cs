using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Reports;

/// <summary>A limit of reports.</summary>
/// <param name="HolderId">The user, or the API key of Open311.</param>
/// <param name="PerHour">0 means no limit.</param>
internal readonly record struct Allowance(Guid HolderId, int PerHour)
{
    /// <summary>That of who files the report: a user, or an employee of customer service for a customer.</summary>
    public static Allowance Of(NewReport filed, ReportingOptions options) =>
        filed.FiledBy is { } clerk ? new(clerk, options.CounterReportsPerHour) : new(filed.UserId, options.ReportsPerHour);
}

/// <summary>
/// How many reports a holder, a user or an API key, has created in the window that began with the first. Written only by <see cref="ReportWriter"/>.
/// </summary>
internal sealed class ReportQuota
{
    public Guid UserId { get; init; }
    public DateTimeOffset OpenedAt { get; init; }
    public int Used { get; init; }
}

internal sealed class ReportQuotaConfiguration : IEntityTypeConfiguration<ReportQuota>
{
    public void Configure(EntityTypeBuilder<ReportQuota> quota)
    {
        quota.ToTable("report_quotas");
        quota.HasKey(row => row.UserId);
    }
}

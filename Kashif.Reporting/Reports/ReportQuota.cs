using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Reports;

/// <summary>How many reports a user has filed in the hour that began with the first of them. Written by <see cref="ReportFiling"/> alone.</summary>
internal sealed class ReportQuota
{
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

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

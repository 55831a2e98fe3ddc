using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Follows;

/// <summary>A user who is told of the changes of a report.</summary>
internal sealed class Follow
{
    public Guid ReportId { get; init; }
    public Guid UserId { get; init; }
    public DateTimeOffset At { get; init; }

    /// <summary>The duplicate that the user followed before it was merged: they are told of the merge. Null without one.</summary>
    public Guid? MovedFrom { get; init; }
}

internal sealed class FollowConfiguration : IEntityTypeConfiguration<Follow>
{
    public void Configure(EntityTypeBuilder<Follow> follow)
    {
        follow.ToTable("follows");
        follow.HasKey(row => new { row.ReportId, row.UserId });
        follow.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        follow.HasIndex(row => new { row.UserId, row.At, row.ReportId });
        follow.HasIndex(row => new { row.MovedFrom, row.UserId }).HasFilter("moved_from IS NOT NULL");
    }
}

using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Votes;

/// <summary>"Me too": a user confirms a report, once.</summary>
internal sealed class Vote
{
    public Guid ReportId { get; init; }
    public Guid UserId { get; init; }
    public DateTimeOffset At { get; init; }
}

internal sealed class VoteConfiguration : IEntityTypeConfiguration<Vote>
{
    public void Configure(EntityTypeBuilder<Vote> vote)
    {
        vote.ToTable("votes");
        vote.HasKey(row => new { row.ReportId, row.UserId });
        vote.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        vote.HasIndex(row => row.UserId);
    }
}

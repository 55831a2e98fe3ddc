using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Trust;

/// <summary>A user's trust score as Gamification last published it, to order the moderation queue. Only staff may see it.</summary>
internal sealed class ReporterScore
{
    /// <summary>The score of a user without a row.</summary>
    public const double Unknown = 50;

    public Guid UserId { get; init; }

    /// <summary>From 0 to 100.</summary>
    public double Score { get; init; }

    /// <summary>The time of the event, which orders the events of a user.</summary>
    public DateTimeOffset At { get; init; }
}

internal sealed class ReporterScoreConfiguration : IEntityTypeConfiguration<ReporterScore>
{
    public void Configure(EntityTypeBuilder<ReporterScore> score)
    {
        score.ToTable("reporter_scores");
        score.HasKey(row => row.UserId);
        score.Property(row => row.UserId).ValueGeneratedNever();
    }
}

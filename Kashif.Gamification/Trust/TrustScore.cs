using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Trust;

/// <summary>A user's trust score. Users without decided reports have no row, and <see cref="TrustModel.Neutral"/>.</summary>
internal sealed class TrustScore
{
    public Guid UserId { get; init; }

    /// <summary>From 0 to 100.</summary>
    public int Score { get; private set; } = TrustModel.Neutral;

    /// <summary>The model that it comes from; 0 before the first.</summary>
    public int ModelVersion { get; private set; }

    /// <summary>When the score changed. Each change has a later time than the one before, also if clocks differ: it orders the events.</summary>
    public DateTimeOffset ChangedAt { get; private set; }

    /// <returns>Whether the score changed.</returns>
    public bool Set(int score, int modelVersion, DateTimeOffset now)
    {
        ModelVersion = modelVersion;
        if (score == Score)
        {
            return false;
        }

        Score = score;
        var at = now.AddTicks(-(now.UtcTicks % TimeSpan.TicksPerMicrosecond)); // as the database stores it
        var next = ChangedAt.AddMicroseconds(1);
        ChangedAt = at > next ? at : next;
        return true;
    }
}

internal sealed class TrustScoreConfiguration : IEntityTypeConfiguration<TrustScore>
{
    public void Configure(EntityTypeBuilder<TrustScore> score)
    {
        score.ToTable("trust_scores", table => table.HasCheckConstraint("ck_trust_scores_score", "score BETWEEN 0 AND 100"));
        score.HasKey(row => row.UserId);
        score.Property(row => row.UserId).ValueGeneratedNever();
        score.HasIndex(row => new { row.ModelVersion, row.UserId });
    }
}

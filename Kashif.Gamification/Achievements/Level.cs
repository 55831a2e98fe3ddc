using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Achievements;

/// <summary>A level. It depends on the points that a user has earned and kept, so spending does not lower it.</summary>
internal sealed class Level
{
    public const int Most = 100;

    /// <summary>From 1, without gaps.</summary>
    public int Number { get; init; }

    /// <summary>The points at which it begins.</summary>
    public long Threshold { get; init; }
}

internal sealed class LevelConfiguration : IEntityTypeConfiguration<Level>
{
    private static readonly long[] Thresholds = [0, 50, 150, 300, 600, 1_000, 2_000, 4_000, 8_000, 15_000];

    public void Configure(EntityTypeBuilder<Level> level)
    {
        level.ToTable("levels");
        level.HasKey(row => row.Number);
        level.Property(row => row.Number).ValueGeneratedNever().HasColumnName("level");
        level.HasData(Thresholds.Select((threshold, index) => new Level { Number = index + 1, Threshold = threshold }));
    }
}

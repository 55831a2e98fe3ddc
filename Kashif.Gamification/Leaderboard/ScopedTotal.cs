using Kashif.Gamification.Areas;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Leaderboard;

/// <summary>As <see cref="PeriodTotal"/>, for the reports of an area, of a category, or of both.</summary>
internal sealed class ScopedTotal
{
    public Guid UserId { get; init; }
    public Period Period { get; init; }

    /// <summary>From <see cref="Periods.StartOf"/>.</summary>
    public DateOnly StartsOn { get; init; }

    /// <summary>Empty for the whole city.</summary>
    public required string Area { get; init; }

    /// <summary>Empty for all categories.</summary>
    public required string Category { get; init; }
    public long Points { get; init; }
}

internal sealed class ScopedTotalConfiguration : IEntityTypeConfiguration<ScopedTotal>
{
    public void Configure(EntityTypeBuilder<ScopedTotal> total)
    {
        total.ToTable("scoped_totals");
        total.HasKey(row => new { row.UserId, row.Period, row.StartsOn, row.Area, row.Category });
        total.Property(row => row.Period).HasMaxLength(10).HasConversion(
            period => PeriodTotal.Text(period), text => Enum.Parse<Period>(text, ignoreCase: true));
        total.Property(row => row.Area).HasMaxLength(Area.CodeLength);
        total.Property(row => row.Category).HasMaxLength(50);
        total.HasIndex(row => new { row.Period, row.StartsOn, row.Area, row.Category, row.Points, row.UserId }).IsDescending(false, false, false, false, true, false);
    }
}

using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Leaderboard;

/// <summary>
/// The sum of the points that rules awarded a user in one month or week, updated in the same transaction as the ledger, so that the
/// leaderboard need not sum it up. Deleted users have none; those of past periods are deleted.
/// </summary>
internal sealed class PeriodTotal
{
    public Guid UserId { get; init; }
    public Period Period { get; init; }

    /// <summary>From <see cref="Periods.StartOf"/>.</summary>
    public DateOnly StartsOn { get; init; }
    public long Points { get; init; }

    public static string Text(Period period) => period.ToString().ToLowerInvariant();
}

internal sealed class PeriodTotalConfiguration : IEntityTypeConfiguration<PeriodTotal>
{
    public void Configure(EntityTypeBuilder<PeriodTotal> total)
    {
        total.ToTable("period_totals");
        total.HasKey(row => new { row.UserId, row.Period, row.StartsOn });
        total.Property(row => row.Period).HasMaxLength(10).HasConversion(
            period => PeriodTotal.Text(period), text => Enum.Parse<Period>(text, ignoreCase: true));
        total.HasIndex(row => new { row.Period, row.StartsOn, row.Points, row.UserId }).IsDescending(false, false, true, false);
    }
}

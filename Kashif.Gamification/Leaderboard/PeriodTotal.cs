using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
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

    /// <summary>Adds the entries of rules: awards, less what is taken back of them, even where it is owed. The caller holds the lock of all awards, so the order of the rows does not matter.</summary>
    public static Task AddAsync(GamificationDbContext database, IReadOnlyCollection<PointTransaction> entries, CancellationToken cancellationToken)
    {
        if (entries.Count == 0)
        {
            return Task.CompletedTask;
        }

        var sums = (
            from entry in entries
            from period in Periods.Calendar
            group (long)entry.Points - entry.Owed by (entry.UserId, Period: period, StartsOn: period.StartOf(entry.CreatedAt)) into total
            select (total.Key, Points: total.Sum())).ToList();
        return database.Database.ExecuteSqlAsync($"""
            INSERT INTO period_totals AS held (user_id, period, starts_on, points)
            SELECT * FROM unnest(
                {sums.ConvertAll(sum => sum.Key.UserId)},
                {sums.ConvertAll(sum => Text(sum.Key.Period))},
                {sums.ConvertAll(sum => sum.Key.StartsOn)},
                {sums.ConvertAll(sum => sum.Points)})
            ON CONFLICT (user_id, period, starts_on) DO UPDATE SET points = held.points + excluded.points
            """, cancellationToken);
    }
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

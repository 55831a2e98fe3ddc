using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Leaderboard;

/// <summary>Adds entries of rules to the totals of the leaderboards: awards, less what is taken back of them, even where it is owed.</summary>
internal static class Totals
{
    private static readonly Period[] All = Enum.GetValues<Period>();

    /// <summary>The caller holds the lock of all awards, so the order of the rows does not matter.</summary>
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
        var scoped = (
            from entry in entries
            from scope in ScopesOf(entry)
            from period in All
            group (long)entry.Points - entry.Owed by (entry.UserId, Period: period, StartsOn: period.StartOf(entry.CreatedAt), scope.Area, scope.Category) into total
            select (total.Key, Points: total.Sum())).ToList();
        return database.Database.ExecuteSqlAsync($"""
            INSERT INTO period_totals AS held (user_id, period, starts_on, points)
            SELECT * FROM unnest(
                {sums.ConvertAll(sum => sum.Key.UserId)},
                {sums.ConvertAll(sum => PeriodTotal.Text(sum.Key.Period))},
                {sums.ConvertAll(sum => sum.Key.StartsOn)},
                {sums.ConvertAll(sum => sum.Points)})
            ON CONFLICT (user_id, period, starts_on) DO UPDATE SET points = held.points + excluded.points;

            INSERT INTO scoped_totals AS held (user_id, period, starts_on, area, category, points)
            SELECT * FROM unnest(
                {scoped.ConvertAll(sum => sum.Key.UserId)},
                {scoped.ConvertAll(sum => PeriodTotal.Text(sum.Key.Period))},
                {scoped.ConvertAll(sum => sum.Key.StartsOn)},
                {scoped.ConvertAll(sum => sum.Key.Area)},
                {scoped.ConvertAll(sum => sum.Key.Category)},
                {scoped.ConvertAll(sum => sum.Points)})
            ON CONFLICT (user_id, period, starts_on, area, category) DO UPDATE SET points = held.points + excluded.points
            """, cancellationToken);
    }

    private static IEnumerable<(string Area, string Category)> ScopesOf(PointTransaction entry) =>
        new[] { (Area: entry.Area ?? "", Category: ""), (Area: "", Category: entry.Category ?? ""), (Area: entry.Area ?? "", Category: entry.Category ?? "") }
            .Distinct().Where(scope => scope is not ("", ""));
}

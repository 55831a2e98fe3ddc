using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Leaderboard;

/// <summary>
/// Deletes the totals of past months and weeks, and corrects those of the present ones: a former version that awards points beside this
/// one, during an upgrade, writes none.
/// </summary>
internal sealed partial class PeriodCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<PeriodCleanup> logger)
    : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<GamificationDbContext>();
        var now = _time.GetUtcNow();
        foreach (var period in Periods.Calendar)
        {
            var start = period.StartOf(now);
            await database.PeriodTotals.Where(total => total.Period == period && total.StartsOn < start).ExecuteDeleteAsync(cancellationToken);
            await database.ScopedTotals.Where(total => total.Period == period && total.StartsOn < start).ExecuteDeleteAsync(cancellationToken);
        }

        foreach (var period in Enum.GetValues<Period>())
        {
            // One statement sees the ledger and the totals as of one moment, so the check needs no lock.
            if (await WrongAsync(database, period, now, cancellationToken) is not [])
            {
                await CorrectAsync(database, period, now, cancellationToken);
            }
        }
    }

    private async Task CorrectAsync(GamificationDbContext database, Period period, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken);
        var wrong = await WrongAsync(database, period, now, cancellationToken);
        var start = period.StartOf(now);
        var (ofCity, scoped) = (wrong.FindAll(sum => !sum.IsScoped), wrong.FindAll(sum => sum.IsScoped));
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO period_totals (user_id, period, starts_on, points)
            SELECT user_id, {PeriodTotal.Text(period)}, {start}, points
            FROM unnest({ofCity.ConvertAll(sum => sum.UserId)}, {ofCity.ConvertAll(sum => sum.Points)}) AS sum (user_id, points)
            ON CONFLICT (user_id, period, starts_on) DO UPDATE SET points = excluded.points;

            INSERT INTO scoped_totals (user_id, period, starts_on, area, category, points)
            SELECT user_id, {PeriodTotal.Text(period)}, {start}, area, category, points
            FROM unnest(
                {scoped.ConvertAll(sum => sum.UserId)}, {scoped.ConvertAll(sum => sum.Area)}, {scoped.ConvertAll(sum => sum.Category)},
                {scoped.ConvertAll(sum => sum.Points)}) AS sum (user_id, area, category, points)
            ON CONFLICT (user_id, period, starts_on, area, category) DO UPDATE SET points = excluded.points
            """, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Corrected(_logger, wrong.Count, period);
    }

    /// <returns>The ledger's sums that differ from the totals. Of all time, only those of users with entries of this month.</returns>
    private static Task<List<Sum>> WrongAsync(GamificationDbContext database, Period period, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var start = period.StartOf(now);
        var from = new DateTimeOffset(start, TimeOnly.MinValue, TimeSpan.Zero);
        var before = Guid.CreateVersion7(from.AddMilliseconds(-1)); // ids are in the order of time
        var recent = period == Period.All
            ? Guid.CreateVersion7(new DateTimeOffset(Period.Month.StartOf(now), TimeOnly.MinValue, TimeSpan.Zero).AddMilliseconds(-1))
            : before;
        var ofCity = period != Period.All;
        return database.Database.SqlQuery<Sum>($"""
            SELECT user_id, area, category, sums.points FROM (
                SELECT user_id, scope.area, scope.category, sum(points - owed)::bigint AS points
                FROM point_transactions entry CROSS JOIN LATERAL (
                    SELECT '' AS area, '' AS category WHERE {ofCity}
                    UNION ALL SELECT entry.area, '' WHERE entry.area IS NOT NULL
                    UNION ALL SELECT '', entry.category WHERE entry.category IS NOT NULL
                    UNION ALL SELECT entry.area, entry.category WHERE entry.area IS NOT NULL AND entry.category IS NOT NULL
                ) scope
                WHERE id > {before} AND created_at >= {from} AND rule IS NOT NULL AND user_id <> {ErasedUser.Id}
                    AND user_id IN (SELECT user_id FROM point_transactions WHERE id > {recent})
                GROUP BY user_id, scope.area, scope.category
            ) sums LEFT JOIN (
                SELECT user_id, '' AS area, '' AS category, points FROM period_totals WHERE period = {PeriodTotal.Text(period)} AND starts_on = {start}
                UNION ALL
                SELECT user_id, area, category, points FROM scoped_totals WHERE period = {PeriodTotal.Text(period)} AND starts_on = {start}
            ) totals USING (user_id, area, category)
            WHERE sums.points IS DISTINCT FROM totals.points
            """).ToListAsync(cancellationToken);
    }

    private sealed record Sum(Guid UserId, string Area, string Category, long Points)
    {
        public bool IsScoped => this is not { Area: "", Category: "" };
    }

    [LoggerMessage(EventId = 3005, Level = LogLevel.Warning, Message = "Corrected the totals of {Count} users for the present {Period}")]
    private static partial void Corrected(ILogger logger, int count, Period period);
}

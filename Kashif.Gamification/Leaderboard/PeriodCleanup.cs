using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Retention;
using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Leaderboard;

/// <summary>
/// Deletes the totals of past months and weeks, and corrects those of the present ones: a former version that awards points beside this
/// one, during an upgrade, writes none. <see cref="Period.All"/> reads whole ledgers, so it is corrected once a day (UTC).
/// </summary>
internal sealed partial class PeriodCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<PeriodCleanup> logger)
    : HourlyService(scopes, time, logger)
{
    /// <summary>Awards wait for a correction.</summary>
    private const int UsersAtOnce = 1000;

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;
    private DateOnly? _allCheckedOn;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<GamificationDbContext>();
        database.Database.SetCommandTimeout(Timeout);
        var now = _time.GetUtcNow();
        foreach (var period in Periods.Calendar)
        {
            var start = period.StartOf(now);
            await database.PeriodTotals.Where(total => total.Period == period && total.StartsOn < start).ExecuteDeleteAsync(cancellationToken);
            await database.ScopedTotals.Where(total => total.Period == period && total.StartsOn < start).ExecuteDeleteAsync(cancellationToken);
        }

        var today = DateOnly.FromDateTime(now.UtcDateTime);
        Period[] periods = _allCheckedOn == today ? Periods.Calendar : [.. Periods.Calendar, Period.All];
        _allCheckedOn = today; // also if it fails
        var failures = new List<Exception>();
        foreach (var period in periods)
        {
            try
            {
                await CheckAsync(database, period, now, cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                failures.Add(exception); // the other periods do not depend on it
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    private async Task CheckAsync(GamificationDbContext database, Period period, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var users in (await ActiveAsync(database, period, now, cancellationToken)).Chunk(UsersAtOnce))
        {
            // One statement sees the ledger and the totals as of one moment, so the check needs no lock.
            var wrong = await WrongAsync(database, users, period, now, cancellationToken);
            if (wrong is not [])
            {
                await CorrectAsync(database, [.. wrong.Select(sum => sum.UserId).Distinct()], period, now, cancellationToken);
            }
        }
    }

    private async Task CorrectAsync(GamificationDbContext database, Guid[] users, Period period, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken);
        var wrong = await WrongAsync(database, users, period, now, cancellationToken);
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

    /// <returns>The users with awards in the period; of all time, those with awards in the last 31 days.</returns>
    private static Task<List<Guid>> ActiveAsync(GamificationDbContext database, Period period, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var before = TimeOrderedId.Before(period == Period.All ? now.AddDays(-31) : FirstMoment(period, now));
        return database.Transactions.Where(entry => entry.Id > before && entry.Rule != null && entry.UserId != ErasedUser.Id)
            .Select(entry => entry.UserId).Distinct().ToListAsync(cancellationToken);
    }

    /// <returns>The ledger's sums that differ from the totals.</returns>
    private static Task<List<Sum>> WrongAsync(
        GamificationDbContext database, Guid[] users, Period period, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var start = period.StartOf(now);
        var from = FirstMoment(period, now);
        var before = TimeOrderedId.Before(from);
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
                WHERE user_id = ANY ({users}) AND id > {before} AND created_at >= {from} AND rule IS NOT NULL AND user_id <> {ErasedUser.Id}
                GROUP BY user_id, scope.area, scope.category
            ) sums LEFT JOIN (
                SELECT user_id, '' AS area, '' AS category, points FROM period_totals
                WHERE user_id = ANY ({users}) AND period = {PeriodTotal.Text(period)} AND starts_on = {start}
                UNION ALL
                SELECT user_id, area, category, points FROM scoped_totals
                WHERE user_id = ANY ({users}) AND period = {PeriodTotal.Text(period)} AND starts_on = {start}
            ) totals USING (user_id, area, category)
            WHERE sums.points IS DISTINCT FROM totals.points
            """).ToListAsync(cancellationToken);
    }

    private static DateTimeOffset FirstMoment(Period period, DateTimeOffset now) => new(period.StartOf(now), TimeOnly.MinValue, TimeSpan.Zero);

    private sealed record Sum(Guid UserId, string Area, string Category, long Points)
    {
        public bool IsScoped => this is not { Area: "", Category: "" };
    }

    [LoggerMessage(EventId = 3005, Level = LogLevel.Warning, Message = "Corrected the totals of {Count} users for the present {Period}")]
    private static partial void Corrected(ILogger logger, int count, Period period);
}

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
        foreach (var period in Periods.Calendar)
        {
            var start = period.StartOf(_time.GetUtcNow());
            await database.PeriodTotals.Where(total => total.Period == period && total.StartsOn < start).ExecuteDeleteAsync(cancellationToken);

            // One statement sees the ledger and the totals as of one moment, so the check needs no lock.
            if (await WrongAsync(database, period, start, cancellationToken) is not [])
            {
                await CorrectAsync(database, period, start, cancellationToken);
            }
        }
    }

    private async Task CorrectAsync(GamificationDbContext database, Period period, DateOnly start, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken);
        var wrong = await WrongAsync(database, period, start, cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO period_totals (user_id, period, starts_on, points)
            SELECT user_id, {PeriodTotal.Text(period)}, {start}, points
            FROM unnest({wrong.ConvertAll(sum => sum.UserId)}, {wrong.ConvertAll(sum => sum.Points)}) AS sum (user_id, points)
            ON CONFLICT (user_id, period, starts_on) DO UPDATE SET points = excluded.points
            """, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Corrected(_logger, wrong.Count, period);
    }

    /// <returns>The ledger's sums that differ from the totals.</returns>
    private static Task<List<Sum>> WrongAsync(GamificationDbContext database, Period period, DateOnly start, CancellationToken cancellationToken)
    {
        var from = new DateTimeOffset(start, TimeOnly.MinValue, TimeSpan.Zero);
        var before = Guid.CreateVersion7(from.AddMilliseconds(-1)); // ids are in the order of time
        return database.Database.SqlQuery<Sum>($"""
            SELECT user_id, sums.points FROM (
                SELECT user_id, sum(points - owed)::bigint AS points FROM point_transactions
                WHERE id > {before} AND created_at >= {from} AND rule IS NOT NULL AND user_id <> {ErasedUser.Id}
                GROUP BY user_id
            ) sums LEFT JOIN (
                SELECT user_id, points FROM period_totals WHERE period = {PeriodTotal.Text(period)} AND starts_on = {start}
            ) totals USING (user_id)
            WHERE sums.points IS DISTINCT FROM totals.points
            """).ToListAsync(cancellationToken);
    }

    private sealed record Sum(Guid UserId, long Points);

    [LoggerMessage(EventId = 3005, Level = LogLevel.Warning, Message = "Corrected the totals of {Count} users for the present {Period}")]
    private static partial void Corrected(ILogger logger, int count, Period period);
}

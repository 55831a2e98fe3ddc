using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Achievements;

/// <summary>
/// Unlocks achievements in the transaction of the events that cause them, and publishes that. Each is unlocked once, in any order of
/// events: the primary key refuses a second time, and the <see cref="AwardLock"/> lets one batch after the other count.
/// </summary>
internal sealed class AchievementUnlocks(GamificationDbContext database, Progress progress, AchievementMetrics metrics, TimeProvider time) : IBatchStep, ILedgerStep
{
    /// <summary>A streak is looked for around the days of the reports that have changed, from day to day until the first gap.</summary>
    private static readonly string Unlock = $$"""
        WITH touched AS (
            SELECT DISTINCT e.user_id, (e.at AT TIME ZONE {2})::date AS day FROM report_events e
            WHERE e.report_id = ANY ({1}) AND e.event = '{{ReportCreated.Type}}'
        ), pending AS MATERIALIZED ( -- first, because the metrics cost more
            SELECT u.user_id, a.*, {{Progress.Kept}}
            FROM unnest({0}) AS u (user_id)
            CROSS JOIN achievements a
            LEFT JOIN balances b ON b.user_id = u.user_id
            WHERE a.active AND NOT EXISTS (SELECT FROM unlocked_achievements k WHERE k.user_id = u.user_id AND k.code = a.code)
        ), unlocked AS (
            INSERT INTO unlocked_achievements (user_id, code, unlocked_at)
            SELECT p.user_id, p.code, {3} FROM pending p
            WHERE CASE p.metric
                WHEN 'streak_days' THEN EXISTS (
                    SELECT FROM touched t
                    WHERE t.user_id = p.user_id AND p.threshold <= (
                        WITH RECURSIVE before (days) AS (
                            SELECT 0 WHERE {{Progress.HasReport("p.user_id", "t.day", "{2}")}}
                            UNION ALL
                            SELECT days + 1 FROM before WHERE days + 1 < p.threshold AND {{Progress.HasReport("p.user_id", "(t.day - days - 1)", "{2}")}}
                        ), after (days) AS (
                            SELECT 1 WHERE {{Progress.HasReport("p.user_id", "(t.day + 1)", "{2}")}}
                            UNION ALL
                            SELECT days + 1 FROM after WHERE days < p.threshold AND {{Progress.HasReport("p.user_id", "(t.day + days + 1)", "{2}")}}
                        )
                        SELECT (SELECT count(*) FROM before) + (SELECT count(*) FROM after)))
                ELSE p.threshold <= {{Progress.Metric}}
            END
            ON CONFLICT DO NOTHING
            RETURNING user_id, code
        )
        SELECT unlocked.user_id, unlocked.code, title_en, title_ar FROM unlocked JOIN achievements USING (code) ORDER BY user_id, code
        """;

    private readonly Dictionary<Guid, EventCause?> _users = [];
    private readonly HashSet<Guid> _reports = [];
    private readonly List<string> _unlocked = [];

    /// <summary>Remembers a report's event for the end of the batch.</summary>
    public void Add(Guid userId, Guid reportId, EventCause cause)
    {
        if (userId != ErasedUser.Id)
        {
            _users[userId] = cause;
            _reports.Add(reportId);
        }
    }

    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_users.Count == 0)
        {
            return;
        }

        await AwardLock.TakeAsync(database, cancellationToken);
        await database.SaveChangesAsync(cancellationToken); // the statement reads what the handlers have added
        await UnlockAsync(_users, [.. _reports], cancellationToken);
    }

    /// <summary>Unlocks what users have reached by points without an event, such as a correction. After events, the batch does.</summary>
    public Task SavedAsync(IReadOnlyCollection<Booking> bookings, CancellationToken cancellationToken)
    {
        var users = bookings.Where(booking => booking is { Kind: EntryKind.Earned, Event: null }).Select(booking => booking.UserId).Distinct()
            .ToDictionary(user => user, _ => (EventCause?)null);
        return users.Count == 0 ? Task.CompletedTask : UnlockAsync(users, [], cancellationToken);
    }

    /// <summary>Counts what was unlocked. The ledger calls it after each commit, also if nothing was booked.</summary>
    public Task CommittedAsync(IReadOnlyCollection<Balance> balances, CancellationToken cancellationToken)
    {
        _unlocked.ForEach(metrics.Unlocked);
        _unlocked.Clear();
        return Task.CompletedTask;
    }

    private async Task UnlockAsync(Dictionary<Guid, EventCause?> users, Guid[] reports, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var unlocked = await database.Database
            .SqlQueryRaw<Unlocked>(Unlock, users.Keys.Order().ToArray(), reports, progress.Zone, now)
            .ToListAsync(cancellationToken);
        foreach (var (userId, code, titleEn, titleAr) in unlocked)
        {
            database.Publish(new AchievementUnlocked(userId, code, titleEn, titleAr), now, users[userId]);
            _unlocked.Add(code);
        }

        if (unlocked.Count > 0)
        {
            await database.SaveChangesAsync(cancellationToken);
        }
    }

    private sealed record Unlocked(Guid UserId, string Code, string TitleEn, string TitleAr);
}

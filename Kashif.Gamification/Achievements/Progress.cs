using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using NodaTime;

namespace Kashif.Gamification.Achievements;

/// <summary>How far users are with their achievements: SQL that reads the history of reports and the balances by index.</summary>
internal sealed class Progress(GamificationDbContext database, IOptions<PointsOptions> options, TimeProvider time)
{
    /// <summary>
    /// The value of the metric of a row <c>p</c>, an achievement with <c>user_id</c> and <see cref="Kept"/>, counted up to the threshold, so that
    /// a user with thousands of reports costs no more than one with few. Without streaks.
    /// </summary>
    public static readonly string Metric = $"""
        CASE p.metric
            WHEN 'reports_filed' THEN {Reports($"e.status IS NULL AND e.event = '{ReportCreated.Type}'")}
            WHEN 'reports_verified' THEN {Reports("e.status = 'verified' AND NOT e.by_owner")}
            WHEN 'reports_resolved' THEN {Reports("e.status = 'resolved' AND NOT e.by_owner")}
            WHEN 'points' THEN p.kept
            WHEN 'level' THEN (SELECT max(level) FROM levels WHERE levels.threshold <= greatest(p.kept, 0))
        END
        """;

    /// <summary>The points of a balance <c>b</c> that count for levels.</summary>
    public const string Kept = "coalesce(b.earned - b.reversed - b.owed, 0) AS kept";

    private static readonly string CurrentStreak = $$"""
        WITH RECURSIVE streak AS (
            (SELECT recent.day FROM (VALUES ({1}::date), ({1}::date - 1)) AS recent (day) WHERE {{HasReport("{0}", "recent.day", "{2}")}} ORDER BY recent.day DESC LIMIT 1)
            UNION ALL
            SELECT streak.day - 1 FROM streak WHERE streak.day > {1}::date - {{Achievement.LongestStreak}} AND {{HasReport("{0}", "(streak.day - 1)", "{2}")}}
        )
        SELECT count(*)::int AS "Value" FROM streak
        """;

    private static readonly string OfAll = $$"""
        SELECT p.code, least(p.threshold, coalesce({{Metric}}, 0))::int AS value
        FROM (SELECT a.*, {0}::uuid AS user_id, {{Kept}} FROM achievements a LEFT JOIN balances b ON b.user_id = {0} WHERE a.metric <> 'streak_days') p
        """;

    /// <summary>The city's time zone.</summary>
    public string Zone => options.Value.TimeZone;

    /// <summary>SQL: whether the user filed a report on the day that is not rejected, withdrawn, hidden or deleted.</summary>
    public static string HasReport(string user, string day, string zone) => $"""
        EXISTS (
            SELECT FROM report_events c
            WHERE c.user_id = {user} AND c.event = '{ReportCreated.Type}'
                AND c.at >= ({day}::timestamp AT TIME ZONE {zone}) AND c.at < (({day} + 1)::timestamp AT TIME ZONE {zone})
                AND NOT EXISTS (
                    SELECT FROM report_events n
                    WHERE n.report_id = c.report_id
                        AND (n.event = '{ReportDeleted.Type}'
                            OR (n.hidden AND NOT EXISTS (SELECT FROM report_events l WHERE l.report_id = c.report_id AND l.hidden IS NOT NULL AND l.version > n.version))
                            OR (n.status IN ('rejected', 'withdrawn')
                                AND NOT EXISTS (SELECT FROM report_events l WHERE l.report_id = c.report_id AND l.status IS NOT NULL AND l.version > n.version)))))
        """;

    /// <returns>On how many days in a row, until today or yesterday, the user has reported.</returns>
    public Task<int> StreakAsync(Guid userId, CancellationToken cancellationToken)
    {
        var today = Instant.FromDateTimeOffset(time.GetUtcNow()).InZone(DateTimeZoneProviders.Tzdb[Zone]).Date.ToDateOnly();
        return database.Database.SqlQueryRaw<int>(CurrentStreak, userId, today, Zone).SingleAsync(cancellationToken);
    }

    /// <returns>The user's value of each achievement but streaks, at most its threshold.</returns>
    public async Task<Dictionary<string, int>> OfAllAsync(Guid userId, CancellationToken cancellationToken) =>
        await database.Database.SqlQueryRaw<Row>(OfAll, userId).ToDictionaryAsync(row => row.Code, row => row.Value, cancellationToken);

    private static string Reports(string condition) => $"""
        (SELECT count(*) FROM (
            SELECT DISTINCT e.report_id FROM report_events e
            WHERE e.user_id = p.user_id AND {condition} AND (p.category IS NULL OR e.category = p.category)
            LIMIT p.threshold) reached)
        """;

    private sealed record Row(string Code, int Value);
}

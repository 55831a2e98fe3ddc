using Kashif.Gamification.Data;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Trust;

/// <summary>What became of a user's reports: each report counts once, with its newest status.</summary>
/// <param name="Verified">Reports that are verified or in progress.</param>
/// <param name="Answered">Reports with a status whose survey the user has answered.</param>
/// <param name="First">The time of the first decision on a report; null if there is none.</param>
/// <param name="Last">The time of the newest decision.</param>
internal sealed record TrackRecord(int Verified, int Resolved, int Rejected, int Duplicate, int Withdrawn, int Answered, DateTimeOffset? First, DateTimeOffset? Last)
{
    public static readonly TrackRecord None = new(0, 0, 0, 0, 0, 0, null, null);

    /// <summary>
    /// The names of <see cref="Features"/>, in their order; models have their weights by these. A feature is 0 for a user without history, and
    /// about 1 at most.
    /// </summary>
    public static readonly string[] FeatureNames =
        ["verified_rate", "resolved_rate", "rejected_rate", "duplicate_rate", "withdrawn_rate", "experience", "history", "survey_rate"];

    /// <summary>Added to the number of reports: a rate of few reports stays near 0.</summary>
    private const double Smoothing = 5;

    /// <summary>The number of good reports, and of days, at which their features are 1.</summary>
    private const int Experienced = 100;
    private const int Year = 365;

    private int Decided => Verified + Resolved + Rejected + Duplicate + Withdrawn;

    public double[] Features
    {
        get
        {
            var days = First is { } first && Last is { } last ? Math.Max(0, (last - first).TotalDays) : 0;
            return
            [
                Rate(Verified + Resolved), Rate(Resolved), Rate(Rejected), Rate(Duplicate), Rate(Withdrawn),
                Math.Log(1 + Verified + Resolved) / Math.Log(1 + Experienced), Math.Log(1 + days) / Math.Log(1 + Year),
                Rate(Answered),
            ];
        }
    }

    /// <returns>The records of those of the users that have one.</returns>
    public static async Task<Dictionary<Guid, TrackRecord>> ReadAsync(GamificationDbContext database, Guid[] users, CancellationToken cancellationToken)
    {
        var rows = await database.Database
            .SqlQuery<Row>($"""
                WITH decision AS (
                    SELECT user_id, report_id, status, version, at, id FROM report_events
                    WHERE user_id = ANY ({users}) AND status IS NOT NULL AND (NOT by_owner OR status = 'withdrawn')
                ), report AS (
                    SELECT DISTINCT ON (user_id, report_id) user_id, report_id, status FROM decision ORDER BY user_id, report_id, version DESC, at DESC, id DESC
                ), span AS (
                    SELECT user_id, min(at) AS first, max(at) AS last FROM decision GROUP BY user_id
                )
                SELECT user_id, first, last,
                    (count(*) FILTER (WHERE status IN ('verified', 'in_progress')))::int AS verified,
                    (count(*) FILTER (WHERE status = 'resolved'))::int AS resolved, (count(*) FILTER (WHERE status = 'rejected'))::int AS rejected,
                    (count(*) FILTER (WHERE status = 'duplicate'))::int AS duplicate, (count(*) FILTER (WHERE status = 'withdrawn'))::int AS withdrawn,
                    (count(*) FILTER (WHERE EXISTS (
                        SELECT FROM report_events answer WHERE answer.report_id = report.report_id AND answer.event = {SurveyAnswered.Type})))::int AS answered
                FROM report JOIN span USING (user_id) GROUP BY user_id, first, last
                """)
            .ToListAsync(cancellationToken);
        return rows.ToDictionary(
            row => row.UserId, row => new TrackRecord(row.Verified, row.Resolved, row.Rejected, row.Duplicate, row.Withdrawn, row.Answered, row.First, row.Last));
    }

    private double Rate(int reports) => reports / (Decided + Smoothing);

    private sealed record Row(Guid UserId, DateTimeOffset First, DateTimeOffset Last, int Verified, int Resolved, int Rejected, int Duplicate, int Withdrawn, int Answered);
}

using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Surveys;

/// <summary>
/// Asks the reporters of reports that have been resolved for a while: each report once, also if it is resolved again later. One that was reopened, merged or withdrawn
/// meanwhile has another status, and is not asked about. Replicas share the work: each takes rows that no other has locked.
/// </summary>
internal sealed class SurveyAsking(
    IServiceScopeFactory scopes, ReportingMetrics metrics, TimeProvider time, IOptions<SurveyOptions> options, ILogger<SurveyAsking> logger)
    : PeriodicService(scopes, options.Value.Interval, time, logger)
{
    private const int Batch = 500;

    /// <summary>Reports that should have been asked about longer ago, because the service was down, are left out.</summary>
    private static readonly TimeSpan Latest = TimeSpan.FromDays(14);

    /// <summary>
    /// The arguments are the time now, the latest and the earliest time of the resolution, the time before the survey's creation at which a resolution may be, the end of the time
    /// to answer, the id of erased users, and the size of a batch. A survey does not ask about reports whose week was over before it was created.
    /// </summary>
    private const string Ask = """
        WITH due AS (
            SELECT reports.id, reports.user_id, surveys.id AS survey_id FROM status_changes change
                JOIN surveys ON surveys.is_open AND change.at > surveys.created_at - {3}
                JOIN reports ON reports.id = change.report_id
            WHERE change."to" = 'resolved' AND change."from" <> 'resolved' AND change.at <= {1} AND change.at > {2}
                AND NOT EXISTS (SELECT FROM status_changes later WHERE later.report_id = change.report_id AND later.version > change.version AND later."from" <> later."to")
                AND reports.status = 'resolved' AND reports.user_id <> {5}
                AND NOT EXISTS (SELECT FROM imported_reports WHERE imported_reports.report_id = change.report_id AND change.version <= imported_reports.version)
                AND NOT EXISTS (SELECT FROM survey_requests WHERE survey_requests.report_id = reports.id)
            ORDER BY change.at LIMIT {6} FOR NO KEY UPDATE OF reports SKIP LOCKED
        )
        INSERT INTO survey_requests (report_id, survey_id, user_id, asked_at, answer_until) SELECT id, survey_id, user_id, {0}, {4} FROM due
        ON CONFLICT DO NOTHING
        RETURNING *
        """;

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<ReportingDbContext>();
        while (await AskAsync(database, cancellationToken) == Batch)
        {
            database.ChangeTracker.Clear();
        }
    }

    /// <returns>The number of reports asked about.</returns>
    private async Task<int> AskAsync(ReportingDbContext database, CancellationToken cancellationToken)
    {
        var (now, limits) = (_time.GetUtcNow(), options.Value);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var asked = await database.SurveyRequests
            .FromSqlRaw(Ask, now, now - limits.AskAfter, now - limits.AskAfter - Latest, limits.AskAfter, now + limits.AnswerWithin, ErasedUser.Id, Batch)
            .AsNoTracking().ToListAsync(cancellationToken);
        var ids = asked.ConvertAll(request => request.ReportId);
        var titles = await database.Reports.Where(report => ids.Contains(report.Id)).Select(report => new { report.Id, report.Title }).ToDictionaryAsync(
            report => report.Id, report => report.Title, cancellationToken);
        foreach (var request in asked)
        {
            database.Publish(new SurveyRequested(request.ReportId, request.UserId, request.SurveyId, titles[request.ReportId], request.AnswerUntil), now);
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        metrics.SurveysAsked(asked.Count);
        return asked.Count;
    }
}

using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Trust;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Moderation;

/// <summary>A report in the moderation queue.</summary>
/// <param name="Report">The report.</param>
/// <param name="ReporterScore" example="71">The trust score of its reporter, from 0 to 100; 50 if nothing is known of them.</param>
internal sealed record QueuedReport(ReportResponse Report, double ReporterScore);

/// <summary>The part and the order of the moderation queue.</summary>
public sealed class ModerationQueueQuery
{
    /// <summary>`trust`: the reports of the most trusted reporters first, which can be verified fast, among equals the oldest. `oldest`: the oldest first, so that none is left over.</summary>
    [FromQuery(Name = "sort"), RegularExpression("trust|oldest", ErrorMessage = "Must be trust or oldest."), DefaultValue("trust")]
    public string? Sort { get; set; }

    /// <summary>`submitted`: reports that wait for their verification, without hidden ones. `hidden`, `private`: reports that the public does not see, in every status.</summary>
    [FromQuery(Name = "state"), RegularExpression("submitted|hidden|private", ErrorMessage = "Must be submitted, hidden or private."), DefaultValue("submitted")]
    public string? State { get; set; }
}

internal static class ModerationQueue
{
    public static IEndpointRouteBuilder MapModerationQueue(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/api/v1/reports/moderation-queue", ListAsync).RequireAuthorization(Policies.Staff).WithTags("Reports")
            .WithName("ListModerationQueue").WithSummary("List reports for moderation, with their reporters' trust scores");
        return endpoints;
    }

    private static async Task<Results<Ok<Page<QueuedReport>>, ValidationProblem>> ListAsync(
        [AsParameters] ModerationQueueQuery query, [AsParameters] PageRequest page, ClaimsPrincipal caller, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var (score, id) = (0.0, Guid.Empty);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out score, out id))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var reports = database.Reports.AsNoTracking().WorkOf(caller);
        var queue =
            from report in query.State switch
            {
                "hidden" => reports.Where(report => report.Hidden),
                "private" => reports.Where(report => report.Private),
                _ => reports.Where(report => report.Status == ReportStatus.Submitted && !report.Hidden),
            }
            join known in database.ReporterScores on report.UserId equals known.UserId into scores
            from known in scores.DefaultIfEmpty()
            select new { Report = report, Score = (double?)known.Score ?? ReporterScore.Unknown };
        var byAge = query.Sort == "oldest";
        if (page.Cursor is not null)
        {
            queue = byAge
                ? queue.Where(row => row.Report.Id > id)
                : queue.Where(row => row.Score < score || (row.Score == score && row.Report.Id > id));
        }

        var rows = await (byAge ? queue.OrderBy(row => row.Report.Id) : queue.OrderByDescending(row => row.Score).ThenBy(row => row.Report.Id))
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows, page.Size, row => new QueuedReport(ReportResponse.From(row.Report, View.Full), row.Score), last => Cursor.Encode(last.Score, last.Report.Id)));
    }
}

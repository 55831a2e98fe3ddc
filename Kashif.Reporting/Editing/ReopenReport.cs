using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Editing;

/// <summary>Why a report is reopened.</summary>
/// <param name="Reason" example="The hole is still there.">What is not fixed, for the history.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ReopenReportRequest([property: Text(1, StatusChange.CommentMax)] string Reason);

internal static class ReopenReport
{
    /// <param name="id">The report's id.</param>
    public static async Task<Results<Ok<ReportResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id,
        ReopenReportRequest request,
        HttpContext http,
        ReportingDbContext database,
        [FromServices] IEnumerable<IReopenRight> rights,
        UnitOfWork work,
        IOptions<ReportingOptions> options,
        ReportingMetrics metrics,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var report = await database.Reports.SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (report is null || http.User.ViewOf(report) is View.None)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (!await MayReopenAsync(report, http, rights, cancellationToken))
        {
            return Error.Forbidden("forbidden", "Only its reporter, those of its duplicates, its voters and staff can reopen a report; only staff can reopen a rejected one.").ToProblem();
        }

        if (ReportErrors.IsStale(http, report))
        {
            return ReportErrors.Stale.ToProblem();
        }

        if (StatusTransitions.Reopened(report.Status) is null)
        {
            return Error.Rule("not_reopenable", Localized.Format($"A report that is {report.Status.WireName()} cannot be reopened.")).ToProblem();
        }

        var (_, since) = await database.LastStatusAsync(report, cancellationToken);
        var now = time.GetUtcNow();
        if (now - since > options.Value.ReopenWithin)
        {
            return Error.Rule("reopen_window_over", "The time to reopen this report is over. File a new one.").ToProblem();
        }

        database.Publish(report, report.Reopen(request.Reason.Trim(), http.User.UserId, now), byStaff: http.User.WorksOn(report));
        try
        {
            await work.CommitAsync(TypedResults.Ok(), cancellationToken);
        }
        catch (DbUpdateException exception) when (ReportErrors.IsLostRace(exception))
        {
            return ReportErrors.LostRace(http).ToProblem();
        }

        metrics.Changed(report.Status);
        return report.ToResult(http);
    }

    private static async Task<bool> MayReopenAsync(Report report, HttpContext http, IEnumerable<IReopenRight> rights, CancellationToken cancellationToken)
    {
        if (http.User.WorksOn(report) || (http.User.UserId == report.UserId && report.Status is not ReportStatus.Rejected))
        {
            return true;
        }

        if (report.Status is ReportStatus.Rejected)
        {
            return false;
        }

        foreach (var right in rights)
        {
            if (await right.MayReopenAsync(http.User.UserId, report.Id, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }
}

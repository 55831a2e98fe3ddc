using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Editing;

/// <summary>Why a report is deleted.</summary>
public sealed class DeleteReportQuery
{
    /// <summary>Why, for the event `report.deleted`.</summary>
    /// <example>Shows a face</example>
    [FromQuery(Name = "reason"), Text(StatusChange.CommentMax)]
    public string? Reason { get; set; }
}

internal static class DeleteReport
{
    /// <param name="id">The report's id.</param>
    public static async Task<Results<NoContent, ProblemHttpResult>> HandleAsync(
        Guid id, [AsParameters] DeleteReportQuery query, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await database.LockWithDuplicatesAsync(id, work, cancellationToken);
        var report = await database.Reports.SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (report is null || http.User.ViewOf(report) is View.None)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (!http.User.IsModerator)
        {
            if (report.UserId != http.User.UserId)
            {
                return Error.Forbidden("forbidden", "Only its owner and moderators can delete a report.").ToProblem();
            }

            if (report.Status is not ReportStatus.Submitted)
            {
                return EditReport.NotEditable.ToProblem();
            }
        }

        if (ReportErrors.IsStale(http, report))
        {
            return ReportErrors.Stale.ToProblem();
        }

        // No change comes between the checks and the deletion. Its duplicates stay, without an original: their entity tags must change.
        await database.Reports.Where(row => row.DuplicateOf == id).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.DuplicateOf, (Guid?)null).SetProperty(row => row.OriginalHidden, false).SetProperty(row => row.Activity, row => row.Activity + 1), cancellationToken);
        var now = time.GetUtcNow();
        var reason = query.Reason?.Trim() is { Length: > 0 } text ? text : null;
        database.Reports.Remove(report);
        database.Publish(new ReportDeleted(report.Id, report.UserId, http.User.UserId, reason, report.Version + 1, report.AgencyId), now);
        if (report.UserId != http.User.UserId) // its history goes with it
        {
            database.AuditValues(http.User.UserId, "deleted", "report", id, report.AgencyId, new() { ["reason"] = reason, ["category"] = report.Category }, now);
        }

        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }
}

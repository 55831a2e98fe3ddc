using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Reports;

/// <summary>A new status of a report.</summary>
/// <param name="Status">The new status.</param>
/// <param name="Comment" example="We have seen it.">A text for the reporter and the history.</param>
/// <param name="DuplicateOf" example="null">The id of the original report. Required for the status <c>duplicate</c>, not allowed otherwise.</param>
public sealed record ChangeStatusRequest(
    ReportStatus Status,
    [property: Text(0, StatusChange.CommentMax)] string? Comment = null,
    Guid? DuplicateOf = null);

internal static class ChangeStatus
{
    /// <param name="id">The report's id.</param>
    public static async Task<Results<Ok<ReportResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id,
        ChangeStatusRequest request,
        HttpContext http,
        ReportingDbContext database,
        ReportingMetrics metrics,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var report = await database.Reports.SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (report is null || http.User.ViewOf(report) is View.None)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var actor = report.ActorOf(http.User.UserId, http.User.IsStaff);
        var steps = StatusTransitions.Steps(report.Status, request.Status);
        var decision = StatusTransitions.Decide(report.Status, steps[0], actor);
        if (decision is TransitionDecision.Forbidden)
        {
            return Error.Forbidden("forbidden", "Only staff can change a report's status, and only its owner can withdraw it.").ToProblem();
        }

        var condition = http.Request.Headers.IfMatch;
        if (condition.Count > 0 && !ReportETag.IsMatch(condition, report))
        {
            return Stale.ToProblem();
        }

        if (decision is TransitionDecision.Invalid)
        {
            var (from, to) = (report.Status.WireName(), request.Status.WireName());
            return Error.Rule("invalid_status_transition", from == to
                ? Localized.Format($"The report already has the status {to}.")
                : Localized.Format($"A report cannot change from {from} to {to}.")).ToProblem();
        }

        if (await ValidateOriginalAsync(id, request, database, cancellationToken) is { } error)
        {
            return Error.Field("duplicate_of", error);
        }

        var now = time.GetUtcNow();
        var comment = request.Comment?.Trim() is { Length: > 0 } text ? text : null;
        foreach (var step in steps)
        {
            var change = report.ChangeStatus(step, request.DuplicateOf, step == request.Status ? comment : null, http.User.UserId, actor, now);
            database.StatusChanges.Add(change);
            database.Publish(
                new ReportStatusUpdated(
                    report.Id, report.UserId, report.Title, change.From.WireName(), change.To.WireName(), change.Comment, change.ChangedBy, change.Version,
                    report.Category, report.Latitude, report.Longitude),
                change.At);
        }

        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (IsLostRace(exception))
        {
            return (condition.Count > 0 ? Stale : Changed).ToProblem();
        }

        foreach (var step in steps)
        {
            metrics.Changed(step);
        }

        var view = http.User.ViewOf(report);
        http.Response.Headers.ETag = ReportETag.Of(report, view).ToString();
        return TypedResults.Ok(ReportResponse.From(report, view));
    }

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The report's version does not match If-Match. Read the report again.");

    private static Error Changed { get; } = Error.Conflict("report_changed", "Another request has just changed this report. Read it again.");

    /// <summary>Another request has changed the version, or has added the same version to the history.</summary>
    private static bool IsLostRace(DbUpdateException exception) =>
        exception is DbUpdateConcurrencyException or { InnerException: PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } };

    private static async Task<string?> ValidateOriginalAsync(
        Guid id, ChangeStatusRequest request, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (request.Status is not ReportStatus.Duplicate)
        {
            return request.DuplicateOf is null ? null : "Only allowed with the status duplicate.";
        }

        if (request.DuplicateOf is not { } original)
        {
            return "Required with the status duplicate.";
        }

        if (original == id)
        {
            return "A report cannot be a duplicate of itself.";
        }

        var status = await database.Reports.Where(row => row.Id == original).Select(row => (ReportStatus?)row.Status).FirstOrDefaultAsync(cancellationToken);
        return status switch
        {
            null => "Report not found.",
            ReportStatus.Duplicate => "This report is a duplicate itself. Use its original.",
            _ => null,
        };
    }
}

using Kashif.Http;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.Data;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Reports;

/// <param name="DuplicateOf">With the status <c>duplicate</c>, and only then: the report that this one repeats.</param>
public sealed record ChangeStatusRequest(
    ReportStatus Status,
    [property: Text(0, StatusChange.CommentMax)] string? Comment = null,
    Guid? DuplicateOf = null);

internal static class ChangeStatus
{
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
        if (report is null)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var actor = report.ActorOf(http.User.UserId, http.User.IsStaff);
        var verdict = StatusTransitions.Judge(report.Status, request.Status, actor);
        if (verdict is TransitionVerdict.NotTheirs)
        {
            return Error.Forbidden("forbidden", "City staff move reports on; the person who filed one may withdraw it.").ToProblem();
        }

        var condition = http.Request.Headers.IfMatch;
        if (condition.Count > 0 && !ReportETag.Matches(condition, ReportETag.Of(report.Version), strong: true))
        {
            return Stale.ToProblem();
        }

        if (verdict is TransitionVerdict.NoSuchWay)
        {
            return Error.Rule(
                "invalid_status_transition", $"A report that is {report.Status.WireName()} cannot become {request.Status.WireName()}.").ToProblem();
        }

        if (await WhatIsWrongWithOriginalAsync(id, request, database, cancellationToken) is { } wrong)
        {
            return Error.Field("duplicate_of", wrong);
        }

        var now = time.GetUtcNow();
        var comment = request.Comment?.Trim() is { Length: > 0 } text ? text : null;
        var change = report.MoveTo(request.Status, request.DuplicateOf, comment, http.User.UserId, actor, now);
        database.StatusChanges.Add(change);
        database.Publish(
            new ReportStatusUpdated(
                report.Id, report.UserId, report.Title, change.From.WireName(), change.To.WireName(), change.Comment, change.ChangedBy, change.Version),
            now);

        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (IsLostRace(exception))
        {
            return (condition.Count > 0 ? Stale : Raced).ToProblem();
        }

        metrics.Changed(report.Status);
        http.Response.Headers.ETag = ReportETag.Of(report.Version).ToString();
        return TypedResults.Ok(ReportResponse.From(report));
    }

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The report has changed since the version that If-Match names; read it again.");

    private static Error Raced { get; } = Error.Conflict("report_changed", "Somebody else has just changed this report; read it again.");

    /// <summary>The version has moved on, or the history already holds the step that would have been this one.</summary>
    private static bool IsLostRace(DbUpdateException exception) =>
        exception is DbUpdateConcurrencyException or { InnerException: PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } };

    private static async Task<string?> WhatIsWrongWithOriginalAsync(
        Guid id, ChangeStatusRequest request, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (request.Status is not ReportStatus.Duplicate)
        {
            return request.DuplicateOf is null ? null : "Only the status duplicate has an original.";
        }

        if (request.DuplicateOf is not { } original)
        {
            return "The status duplicate needs the report that this one repeats.";
        }

        if (original == id)
        {
            return "A report cannot repeat itself.";
        }

        var status = await database.Reports.Where(row => row.Id == original).Select(row => (ReportStatus?)row.Status).FirstOrDefaultAsync(cancellationToken);
        return status switch
        {
            null => "There is no such report.",
            ReportStatus.Duplicate => "That report is a duplicate itself; name its original.",
            _ => null,
        };
    }
}

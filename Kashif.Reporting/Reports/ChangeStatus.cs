using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Reports;

/// <summary>A new status of a report.</summary>
/// <param name="Status">The new status.</param>
/// <param name="Comment" example="We have seen it.">A text for the reporter and the history. Required to take a status back.</param>
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
        UnitOfWork work,
        ReportMerges merges,
        IOptions<ReportingOptions> options,
        ReportingMetrics metrics,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        // Both reports of a merge are locked: neither may become a duplicate of another meanwhile.
        var isMerge = request.Status is ReportStatus.Duplicate && http.User.IsStaff;
        await using var transaction = isMerge ? await work.BeginAsync(cancellationToken) : null;
        if (isMerge)
        {
            await ReportMerges.LockAsync(database, id, request.DuplicateOf, cancellationToken);
        }

        var report = await database.Reports.SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (report is null || http.User.ViewOf(report) is View.None)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var actor = report.ActorOf(http.User.UserId, http.User.WorksOn(report));
        var steps = StatusTransitions.Steps(report.Status, request.Status);
        var decision = StatusTransitions.Decide(report.Status, steps[0], actor);
        if (decision is TransitionDecision.Forbidden)
        {
            return Error.Forbidden("forbidden", "Only staff can change a report's status, and only its owner can withdraw it.").ToProblem();
        }

        if (ReportErrors.IsStale(http, report))
        {
            return ReportErrors.Stale.ToProblem();
        }

        if (decision is TransitionDecision.Invalid)
        {
            return Invalid(report, request.Status).ToProblem();
        }

        var now = time.GetUtcNow();
        var comment = request.Comment?.Trim() is { Length: > 0 } text ? text : null;
        if (StatusTransitions.IsTakenBack(report.Status, request.Status))
        {
            var (before, since) = await database.LastStatusAsync(report, cancellationToken);
            if (!StatusTransitions.IsWayBack(report.Status, before, request.Status))
            {
                return Invalid(report, request.Status).ToProblem();
            }

            // A merge always: a report with duplicates cannot become one itself before they are taken back.
            if (report.Status is not ReportStatus.Duplicate && now - since > options.Value.TakeBackWithin)
            {
                return Error.Rule("take_back_window_over", "The time to take this status back is over.").ToProblem();
            }

            if (comment is null)
            {
                return Error.Field("comment", "Required to take a status back.");
            }
        }

        if (await merges.ValidateAsync(report, request, http.User, database, cancellationToken) is { } error)
        {
            return Error.Field("duplicate_of", error);
        }

        foreach (var step in steps)
        {
            var change = report.ChangeStatus(step, request.DuplicateOf, step == request.Status ? comment : null, http.User.UserId, actor, now);
            database.Publish(report, change, byStaff: actor.HasFlag(Actor.Staff));
        }

        try
        {
            if (request.DuplicateOf is { } original)
            {
                await merges.MergeAsync(report, original, database, cancellationToken);
            }

            await work.CommitAsync(TypedResults.Ok(), cancellationToken);
        }
        catch (DbUpdateException exception) when (ReportErrors.IsLostRace(exception))
        {
            return ReportErrors.LostRace(http).ToProblem();
        }

        foreach (var step in steps)
        {
            metrics.Changed(step);
        }

        if (report.KeepsPromise)
        {
            metrics.Promised(kept: true);
        }

        return report.ToResult(http, seesOriginal: request.DuplicateOf is not null);
    }

    /// <summary>Adds a change of the status to the report's history, and publishes it.</summary>
    public static void Publish(this ReportingDbContext database, Report report, StatusChange change, bool byStaff)
    {
        database.AddToHistory(report, change, report.AgencyId, byStaff);
        database.Publish(
            new ReportStatusUpdated(
                report.Id, report.UserId, report.Title, change.From.WireName(), change.To.WireName(), change.Comment, change.ChangedBy, change.Version,
                report.Category, report.Latitude, report.Longitude),
            change.At);
    }

    /// <summary>Publishes that another agency is responsible, and that the former one's employee does not work on it any more.</summary>
    /// <param name="former">The agency and the employee before.</param>
    public static void PublishRoute(this ReportingDbContext database, Report report, (Guid? AgencyId, Guid? EmployeeId) former, StatusChange change)
    {
        database.Publish(new ReportRouted(report.Id, report.UserId, report.AgencyId, former.AgencyId, change.ChangedBy, change.Version), change.At);
        if (former.EmployeeId is not null && report.AssigneeId is null)
        {
            database.PublishAssignee(report, change, former.AgencyId);
        }
    }

    /// <summary>Publishes who works on the report now, and adds it to the audit trail.</summary>
    /// <param name="agency">The report's agency before the change: its managers may read the entry.</param>
    public static void PublishAssignee(this ReportingDbContext database, Report report, StatusChange change, Guid? agency)
    {
        database.Publish(new ReportAssigned(report.Id, report.AssigneeId, report.Title, report.Category, change.ChangedBy, change.Version), change.At);
        database.AuditValues(change.ChangedBy, "assigned", "report", report.Id, agency, new JsonObject { ["employee_id"] = report.AssigneeId }, change.At);
    }

    /// <summary>The report as the caller sees it after a change, with its entity tag.</summary>
    /// <param name="answers">The answers that the caller sees, if the change may have changed them.</param>
    /// <param name="seesOriginal">Whether the caller has just named the original.</param>
    public static Ok<ReportResponse> ToResult(this Report report, HttpContext http, VisibleAnswers answers = default, bool seesOriginal = false)
    {
        // Staff who have given a report away do not see it any more, but the change that they made.
        var view = http.User.ViewOf(report) is var now and not View.None ? now : View.Full;
        http.Response.Headers.ETag = ReportETag.Of(report, answers.ArePersonal || view.IsPersonal(report) || (report.OriginalHidden && seesOriginal)).ToString();
        return TypedResults.Ok(ReportResponse.From(report, view, seesOriginal: seesOriginal) with { Answers = answers.Values });
    }

    /// <summary>Why a report cannot change so.</summary>
    public static string Impossible(ReportStatus status, ReportStatus next)
    {
        var (from, to) = (status.WireName(), next.WireName());
        return from == to
            ? Localized.Format($"The report already has the status {to}.")
            : Localized.Format($"A report cannot change from {from} to {to}.");
    }

    private static Error Invalid(Report report, ReportStatus status) => Error.Rule("invalid_status_transition", Impossible(report.Status, status));
}

using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.WorkOrders;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Visits;

/// <summary>Staff tell how a visit ended. The last one may complete the work order and its reports.</summary>
internal static class CompleteVisit
{
    /// <param name="id">The visit's id.</param>
    public static async Task<Results<Ok<VisitResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id, CompleteVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisitAsync(id, http.User, cancellationToken) is not (var order, var visit, true))
        {
            return VisitErrors.NotFound.ToProblem();
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (http.IsStale(visit.Version))
        {
            return VisitErrors.Stale.ToProblem();
        }

        if (!visit.IsOpen)
        {
            return VisitErrors.Closed.ToProblem();
        }

        if (await parts.LockAsync(order, visit, cancellationToken) is not { } reports)
        {
            return OrderReports.Changed.ToProblem();
        }

        var now = time.GetUtcNow();
        var comment = request.Comment?.Trim() is { Length: > 0 } text ? text : null;
        visit.Complete(request.Outcome, now);
        var isLast = !await database.Visits.AnyAsync(
            row => row.WorkOrderId == order.Id && row.Id != id && (row.State == VisitState.Proposed || row.State == VisitState.Confirmed), cancellationToken);
        var closes = isLast && request.Outcome is WorkOutcome.Resolved && order.IsOpen;
        changes.Record(visit, reports, "completed", closes ? null : comment, http.User);
        changes.Completed(visit, order, reports.GetValueOrDefault(visit.ReportId ?? Guid.Empty), comment, http.User);
        var linked = await parts.IdsAsync(order.Id, cancellationToken);
        var own = reports.Values.Where(report => linked.Contains(report.Id)).ToList();
        if (order.State is WorkOrderState.Draft) // again: reports that were added since have not begun
        {
            parts.Start(own, http.User);
        }

        if (closes)
        {
            order.State = WorkOrderState.Completed;
            order.Changed(now);
            changes.Reached(order, http.User);
            parts.Complete(own, resolved: true, comment, http.User);
        }
        else if (order.State is WorkOrderState.Draft or WorkOrderState.Scheduled)
        {
            order.State = WorkOrderState.InProgress;
            order.Changed(now);
            changes.Reached(order, http.User);
        }

        var answer = VisitAccess.AnswerOf(visit, isStaff: true);
        await work.CommitAsync(answer, cancellationToken);
        http.SendVersion(visit.Version);
        changes.Count();
        return answer;
    }
}

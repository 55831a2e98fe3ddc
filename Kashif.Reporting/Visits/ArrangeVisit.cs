using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.WorkOrders;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Reporting.Visits;

/// <summary>Staff and the reporter of an appointment agree on its slot: they confirm it, or move it to another one.</summary>
internal static class ArrangeVisit
{
    /// <param name="id">The visit's id.</param>
    public static async Task<Results<Ok<VisitResponse>, ProblemHttpResult>> ConfirmAsync(
        Guid id, ConfirmVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisitAsync(id, http.User, cancellationToken) is not var (order, visit, isStaff))
        {
            return VisitErrors.NotFound.ToProblem();
        }

        if (http.IsStale(visit.Version))
        {
            return VisitErrors.Stale.ToProblem();
        }

        var now = time.GetUtcNow();
        if (!visit.IsOpen)
        {
            return VisitErrors.Closed.ToProblem();
        }

        if ((visit.StartsAt, visit.EndsAt) != (Slots.Rounded(request.StartsAt), Slots.Rounded(request.EndsAt)))
        {
            return VisitErrors.Moved.ToProblem();
        }

        if (!isStaff && visit.StartsAt <= now)
        {
            return VisitErrors.Begun.ToProblem();
        }

        if (visit.State is VisitState.Proposed)
        {
            if (await parts.LockAsync(order, visit, cancellationToken) is not { } reports)
            {
                return OrderReports.Changed.ToProblem();
            }

            visit.Confirm(now);
            changes.Record(visit, reports, "confirmed", comment: null, http.User);
            changes.Changed("confirmed", visit, order, http.User, reached: true);
        }

        var answer = VisitAccess.AnswerOf(visit, isStaff);
        await work.CommitAsync(answer, cancellationToken);
        http.SendVersion(visit.Version);
        changes.Count();
        return answer;
    }

    /// <param name="id">The visit's id.</param>
    public static async Task<Results<Ok<VisitResponse>, ValidationProblem, ProblemHttpResult>> MoveAsync(
        Guid id, MoveVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work,
        TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisitAsync(id, http.User, cancellationToken) is not var (order, visit, isStaff))
        {
            return VisitErrors.NotFound.ToProblem();
        }

        var now = time.GetUtcNow();
        var errors = await FieldErrors.FindAsync(http, request);
        var (starts, ends) = (Slots.Rounded(request.StartsAt), Slots.Rounded(request.EndsAt));
        errors.Add("ends_at", Slots.Check(starts, ends, now));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (http.IsStale(visit.Version))
        {
            return VisitErrors.Stale.ToProblem();
        }

        if (!order.IsOpen)
        {
            return VisitErrors.OrderClosed.ToProblem();
        }

        if (!visit.IsOpen && !(isStaff && visit.State is VisitState.Missed))
        {
            return VisitErrors.Closed.ToProblem();
        }

        if (!isStaff && visit.StartsAt <= now)
        {
            return VisitErrors.Begun.ToProblem();
        }

        var chosen = visit.Alternatives.FirstOrDefault(slot => slot.StartsAt == starts && slot.EndsAt == ends);
        if (!isStaff && (chosen is null || starts <= now))
        {
            return VisitErrors.NotOffered.ToProblem();
        }

        if (await database.LockAsync(visit, starts, ends, named: isStaff, cancellationToken) is { } busy)
        {
            return busy;
        }

        if (await parts.LockAsync(order, visit, cancellationToken) is not { } reports)
        {
            return OrderReports.Changed.ToProblem();
        }

        if (isStaff || chosen is null)
        {
            visit.MoveByStaff((starts, ends), now);
        }
        else
        {
            visit.MoveByReporter(chosen, now);
        }

        changes.Record(visit, reports, "moved", comment: null, http.User);
        changes.Moved(visit, order, reports.GetValueOrDefault(visit.ReportId ?? Guid.Empty), http.User);
        var answer = VisitAccess.AnswerOf(visit, isStaff);
        if (await changes.TryCommitAsync(http, work, visit, answer, cancellationToken) is { } refusal)
        {
            return refusal.ToProblem();
        }

        return answer;
    }
}

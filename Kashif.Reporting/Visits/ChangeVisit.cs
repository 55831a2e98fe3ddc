using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.WorkOrders;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Reporting.Visits;

/// <summary>Staff change a visit, call it off or delete it.</summary>
internal static class ChangeVisit
{
    /// <param name="id">The visit's id.</param>
    public static async Task<Results<Ok<VisitResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id, ChangeVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var errors = await FieldErrors.FindAsync(http, request);
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisitAsync(id, http.User, cancellationToken) is not (var order, var visit, true))
        {
            return VisitErrors.NotFound.ToProblem();
        }

        var crew = http.Clears("crew_id") ? null : request.CrewId ?? visit.CrewId;
        var vehicle = http.Clears("vehicle_id") ? null : request.VehicleId ?? visit.VehicleId;
        errors.Add("crew_id", crew is null && vehicle is null ? "Required without a vehicle." : null);
        await errors.AddWorkforceErrorsAsync(crew == visit.CrewId ? null : crew, vehicle == visit.VehicleId ? null : vehicle, order.AgencyId, database, cancellationToken);
        errors.Add("state", request.State is null or VisitState.Cancelled or VisitState.Missed ? null : "Must be cancelled or missed.");
        errors.Add("alternatives", request.Alternatives is { Count: > 0 } && visit.ReportId is null ? "Only allowed with report_id." : null);
        Slots.AddErrors(errors, request.Alternatives, now);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (http.IsStale(visit.Version))
        {
            return VisitErrors.Stale.ToProblem();
        }

        var others = crew != visit.CrewId || vehicle != visit.VehicleId;
        if (!visit.IsOpen && (request.State is not null || others))
        {
            return VisitErrors.Closed.ToProblem();
        }

        (visit.CrewId, visit.VehicleId) = (crew, vehicle);
        if (others && request.State is null && await database.LockAsync(visit, visit.StartsAt, visit.EndsAt, named: true, cancellationToken) is { } busy)
        {
            return busy;
        }

        visit.Note = http.Clears("note") ? null : request.Note?.Trim() is { Length: > 0 } note ? note : visit.Note;
        if (request.Alternatives is not null)
        {
            visit.Offer(Slots.Of(request.Alternatives));
        }

        if (request.State is { } state)
        {
            if (await parts.LockAsync(order, visit, cancellationToken) is not { } reports)
            {
                return OrderReports.Changed.ToProblem();
            }

            visit.CallOff(state, now);
            changes.Record(visit, reports, state.WireName(), comment: null, http.User);
            var report = reports.GetValueOrDefault(visit.ReportId ?? Guid.Empty);
            if (state is VisitState.Cancelled)
            {
                changes.Cancelled(visit, order, report, http.User);
            }
            else
            {
                changes.Changed("missed", visit, order, http.User, reached: true);
            }
        }
        else
        {
            visit.Changed(now);
            changes.Changed("changed", visit, order, http.User, reached: false);
        }

        var answer = VisitAccess.AnswerOf(visit, isStaff: true);
        if (await changes.TryCommitAsync(http, work, visit, answer, cancellationToken) is { } refusal)
        {
            return refusal.ToProblem();
        }

        return answer;
    }

    /// <param name="id">The visit's id.</param>
    public static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisitAsync(id, http.User, cancellationToken) is not (var order, var visit, true))
        {
            return VisitErrors.NotFound.ToProblem();
        }

        if (http.IsStale(visit.Version))
        {
            return VisitErrors.Stale.ToProblem();
        }

        if (visit.State is VisitState.Completed)
        {
            return VisitErrors.InUse.ToProblem();
        }

        if (visit.IsOpen)
        {
            if (await parts.LockAsync(order, visit, cancellationToken) is not { } reports)
            {
                return OrderReports.Changed.ToProblem();
            }

            visit.CallOff(VisitState.Cancelled, time.GetUtcNow());
            changes.Record(visit, reports, "cancelled", comment: null, http.User);
            changes.Cancelled(visit, order, reports.GetValueOrDefault(visit.ReportId ?? Guid.Empty), http.User, "deleted");
        }
        else
        {
            changes.Changed("deleted", visit, order, http.User, reached: false);
        }

        database.Visits.Remove(visit);
        if (visit.Note is not null)
        {
            await VisitNotes.ForgetAnswersAsync(database, id, cancellationToken); // no erasure finds a deleted visit
        }

        await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
        changes.Count();
        return TypedResults.NoContent();
    }
}

using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.WorkOrders;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Reporting.Visits;

/// <summary>Staff schedule a visit for a work order.</summary>
internal static class ScheduleVisit
{
    public static async Task<Results<Created<VisitResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        CreateVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var errors = await FieldErrors.FindAsync(http, request);
        var (starts, ends) = (Slots.Rounded(request.StartsAt), Slots.Rounded(request.EndsAt));
        errors.Add("ends_at", Slots.Check(starts, ends, now));
        Slots.AddErrors(errors, request.Alternatives, now);
        await using var transaction = await work.BeginAsync(cancellationToken);
        var order = await database.LockOrderAsync(request.WorkOrderId, http.User, cancellationToken);
        errors.Add("work_order_id", order is null ? "Work order not found." : null);
        var (crew, vehicle) = (request.CrewId ?? order?.CrewId, request.VehicleId ?? order?.VehicleId);
        errors.Add("crew_id", crew is null && vehicle is null ? "Required without a vehicle." : null);
        await errors.AddWorkforceErrorsAsync(crew, vehicle, order?.AgencyId, database, cancellationToken);
        errors.Add("report_id", request.ReportId is { } report && order is not null && !(await parts.IdsAsync(order.Id, cancellationToken)).Contains(report)
            ? "The work order does not have this report."
            : null);
        errors.Add("alternatives", request.Alternatives is { Count: > 0 } && request.ReportId is null ? "Only allowed with report_id." : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (order is not { IsOpen: true })
        {
            return VisitErrors.OrderClosed.ToProblem();
        }

        var visit = Visit.Create(
            order, request.ReportId, crew, vehicle, (starts, ends), request.Confirmed ?? request.ReportId is null, request.Note?.Trim() is { Length: > 0 } note ? note : null,
            Slots.Of(request.Alternatives), now);
        if (await database.LockAsync(visit, starts, ends, named: true, cancellationToken) is { } busy)
        {
            return busy;
        }

        if (await parts.LockAsync(order.Id, [], cancellationToken) is not { } reports || (request.ReportId is { } id && !reports.ContainsKey(id)))
        {
            return OrderReports.Changed.ToProblem();
        }

        if (request.ReportId is { } appointed && !http.User.WorksOn(reports[appointed])) // of another agency by now
        {
            return Error.Field("report_id", "The work order does not have this report.");
        }

        database.Visits.Add(visit);
        if (order.State is WorkOrderState.Draft)
        {
            order.State = WorkOrderState.Scheduled;
            order.Changed(now);
            changes.Reached(order, http.User);
            parts.Start(reports.Values, http.User);
        }

        changes.Record(visit, reports, "scheduled", comment: null, http.User);
        changes.Scheduled(visit, order, reports.GetValueOrDefault(visit.ReportId ?? Guid.Empty), http.User);
        var answer = TypedResults.Created($"{VisitEndpoints.Path}/{visit.Id}", VisitResponse.Of(visit));
        if (await changes.TryCommitAsync(http, work, visit, answer, cancellationToken) is { } refusal)
        {
            return refusal.ToProblem();
        }

        return answer;
    }
}

using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.WorkOrders;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Visits;

/// <summary>Writes what a change of a visit means: its event, the audit trail, and the history of the reports.</summary>
internal sealed class VisitChanges(
    ReportingDbContext database, OrderReports parts, VisitMetrics metrics, IOptions<ReportingOptions> options, TimeProvider time) : IOrderVisits
{
    private readonly List<VisitState> _reached = [];

    private string TimeZone => options.Value.TimeZone;

    public Task<Guid[]> IdsAsync(Guid order, CancellationToken cancellationToken) =>
        database.Visits.Where(visit => visit.WorkOrderId == order).OrderBy(visit => visit.Id).Select(visit => visit.Id).ToArrayAsync(cancellationToken);

    public async Task CancelOpenAsync(WorkOrder order, IReadOnlyDictionary<Guid, Report> reports, ClaimsPrincipal staff, CancellationToken cancellationToken)
    {
        var visits = await database.Visits
            .Where(visit => visit.WorkOrderId == order.Id && (visit.State == VisitState.Proposed || visit.State == VisitState.Confirmed))
            .OrderBy(visit => visit.Id).ToListAsync(cancellationToken);
        var absent = visits.Select(visit => visit.ReportId).OfType<Guid>().Where(id => !reports.ContainsKey(id)).ToArray();
        var owners = await database.Reports.AsNoTracking().Where(report => absent.Contains(report.Id)).ToDictionaryAsync(report => report.Id, cancellationToken);
        foreach (var visit in visits)
        {
            visit.CallOff(VisitState.Cancelled, time.GetUtcNow());
            var report = visit.ReportId is { } id ? reports.GetValueOrDefault(id) : null;
            if (report is not null)
            {
                parts.Record(report, ChangeKind.Visit, "cancelled", comment: null, staff);
            }

            Cancelled(visit, order, report ?? owners.GetValueOrDefault(visit.ReportId ?? Guid.Empty), staff);
        }
    }

    public void Scheduled(Visit visit, WorkOrder order, Report? report, ClaimsPrincipal by)
    {
        database.Publish(
            new VisitScheduled(
                visit.Id, order.Id, visit.ReportId, Reporter(report), report?.Title ?? order.Title, visit.StartsAt, visit.EndsAt, TimeZone,
                visit.State is VisitState.Confirmed, by.UserId, visit.Version),
            visit.UpdatedAt);
        Changed("created", visit, order, by, reached: true);
    }

    public void Moved(Visit visit, WorkOrder order, Report? report, ClaimsPrincipal by)
    {
        database.Publish(
            new VisitMoved(
                visit.Id, order.Id, visit.ReportId, Reporter(report), report?.Title ?? order.Title, visit.StartsAt, visit.EndsAt, TimeZone,
                visit.State is VisitState.Confirmed, by.UserId, visit.Version),
            visit.UpdatedAt);
        Changed("moved", visit, order, by, reached: false);
    }

    public void Completed(Visit visit, WorkOrder order, Report? report, string? comment, ClaimsPrincipal by)
    {
        database.Publish(
            new VisitCompleted(
                visit.Id, order.Id, visit.ReportId, Reporter(report), report?.Title ?? order.Title, visit.StartsAt, visit.EndsAt, TimeZone,
                visit.Outcome is WorkOutcome.Resolved, comment, by.UserId, visit.Version),
            visit.UpdatedAt);
        Changed("completed", visit, order, by, reached: true);
    }

    public void Cancelled(Visit visit, WorkOrder order, Report? report, ClaimsPrincipal by, string action = "cancelled")
    {
        database.Publish(
            new VisitCancelled(
                visit.Id, order.Id, visit.ReportId, Reporter(report), report?.Title ?? order.Title, visit.StartsAt, visit.EndsAt, TimeZone, by.UserId, visit.Version),
            visit.UpdatedAt);
        Changed(action, visit, order, by, reached: true);
    }

    /// <summary>A visit has changed the state of its work order.</summary>
    public void Reached(WorkOrder order, ClaimsPrincipal by) =>
        database.Audit(by.UserId, order.State.WireName(), "work_order", order.Id, order.AgencyId, (JsonElement?)null, time.GetUtcNow());

    /// <param name="reached">Whether the visit has another state.</param>
    public void Changed(string action, Visit visit, WorkOrder order, ClaimsPrincipal by, bool reached)
    {
        var values = new JsonObject
        {
            ["work_order_id"] = order.Id.ToString(),
            ["report_id"] = visit.ReportId?.ToString(),
            ["crew_id"] = visit.CrewId?.ToString(),
            ["vehicle_id"] = visit.VehicleId?.ToString(),
            ["starts_at"] = OrderReports.Text(visit.StartsAt),
            ["ends_at"] = OrderReports.Text(visit.EndsAt),
            ["state"] = visit.State.WireName(),
            ["outcome"] = visit.Outcome?.WireName(),
        };
        database.Audit(by.UserId, action, "visit", visit.Id, order.AgencyId, JsonElement.Parse(values.ToJsonString()), time.GetUtcNow());
        if (reached)
        {
            _reached.Add(visit.State);
        }
    }

    /// <summary>
    /// Adds the change to the history of the report of an appointment, without its time, which is not the public's business: someone is at home then.
    /// Without an appointment, to that of all open reports of the work order, with the time.
    /// </summary>
    /// <param name="reports">The reports, locked and tracked.</param>
    public void Record(Visit visit, IReadOnlyDictionary<Guid, Report> reports, string what, string? comment, ClaimsPrincipal by)
    {
        if (visit.ReportId is { } id)
        {
            if (reports.TryGetValue(id, out var report) && by.ViewOf(report) is View.Full) // its reporter, or staff who work on it
            {
                parts.Record(report, ChangeKind.Visit, what, comment, by);
            }

            return;
        }

        foreach (var report in reports.Values.Where(report => report.Status.IsOpen() && by.WorksOn(report)))
        {
            parts.Record(report, ChangeKind.Visit, what, comment, by, (visit.StartsAt, visit.EndsAt));
        }
    }

    /// <summary>Commits a visit with its slot, and sends its entity tag.</summary>
    /// <returns>Null after the commit; else what a constraint has refused.</returns>
    public async Task<Error?> TryCommitAsync<TResult>(HttpContext http, UnitOfWork work, Visit visit, TResult answer, CancellationToken cancellationToken)
        where TResult : IResult
    {
        try
        {
            await work.CommitAsync(answer, cancellationToken);
        }
        catch (DbUpdateException exception) when (Slots.Refusal(exception) is { } refusal)
        {
            return refusal;
        }

        http.SendVersion(visit.Version);
        Count();
        return null;
    }

    /// <summary>After the commit.</summary>
    public void Count()
    {
        foreach (var state in _reached)
        {
            metrics.Changed(state);
        }

        parts.Count();
    }

    private static Guid Reporter(Report? report) => report?.UserId ?? ErasedUser.Id;
}

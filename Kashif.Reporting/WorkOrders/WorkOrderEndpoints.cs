using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.WorkOrders;

/// <summary>How work ended.</summary>
public enum WorkOutcome
{
    /// <summary>The problem is fixed: reports that are in progress are resolved.</summary>
    Resolved,

    /// <summary>It is not: the reports stay as they are.</summary>
    Unresolved,
}

/// <summary>A new work order.</summary>
/// <param name="Title" example="Fill the potholes of Straight Street">What is to be done.</param>
/// <param name="Description" example="Bring the small roller.">More of it, for the crew.</param>
/// <param name="ProjectId" example="null">The project it belongs to; null for none.</param>
/// <param name="AgencyId" example="null">The agency whose staff work on it; null for the project's, or all. For an agency's employees, always their own.</param>
/// <param name="CrewId" example="null">The crew; null for none yet.</param>
/// <param name="VehicleId" example="null">The vehicle; null for none yet.</param>
/// <param name="Reports" example="[]">The ids of its reports, which are open and in no other open work order.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateWorkOrderRequest(
    [property: Title(1, WorkOrder.TitleMax)] string Title,
    [property: Text(0, WorkOrder.DescriptionMax)] string? Description = null,
    Guid? ProjectId = null,
    Guid? AgencyId = null,
    Guid? CrewId = null,
    Guid? VehicleId = null,
    IReadOnlyList<Guid>? Reports = null);

/// <summary>A change of a work order. Fields that are left out do not change.</summary>
/// <param name="Title" example="Fill the potholes of Straight Street">What is to be done.</param>
/// <param name="Description" example="Bring the small roller.">More of it, for the crew.</param>
/// <param name="ProjectId" example="null">The project it belongs to; null for none.</param>
/// <param name="CrewId" example="null">The crew; null for none. Visits keep theirs.</param>
/// <param name="VehicleId" example="null">The vehicle; null for none. Visits keep theirs.</param>
/// <param name="Reports" example="[]">The ids of all its reports from now on.</param>
/// <param name="State" example="scheduled">
/// The new state. <c>scheduled</c> and <c>in_progress</c> start the work on its reports; <c>completed</c> resolves those in progress, unless <c>outcome</c> says otherwise, and
/// cancels its open visits, as <c>cancelled</c> does. A completed one can be reopened with <c>in_progress</c>, a cancelled one with <c>draft</c>.
/// </param>
/// <param name="Outcome" example="null">With the state <c>completed</c>: how it ended; null for <c>resolved</c>.</param>
/// <param name="Comment" example="null">With the state <c>completed</c>: a text for the reporters of the reports that it resolves.</param>
public sealed record ChangeWorkOrderRequest(
    [property: Title(1, WorkOrder.TitleMax)] string? Title = null,
    [property: Text(0, WorkOrder.DescriptionMax)] string? Description = null,
    Guid? ProjectId = null,
    Guid? CrewId = null,
    Guid? VehicleId = null,
    IReadOnlyList<Guid>? Reports = null,
    WorkOrderState? State = null,
    WorkOutcome? Outcome = null,
    [property: Text(0, StatusChange.CommentMax)] string? Comment = null);

/// <summary>Work for a crew.</summary>
/// <param name="Id">The work order's id.</param>
/// <param name="ProjectId" example="null">The project it belongs to; null for none.</param>
/// <param name="AgencyId" example="null">The agency whose staff work on it; null for all.</param>
/// <param name="Title" example="Fill the potholes of Straight Street">What is to be done.</param>
/// <param name="Description" example="Bring the small roller.">More of it, for the crew.</param>
/// <param name="CrewId" example="null">The crew; null for none.</param>
/// <param name="VehicleId" example="null">The vehicle; null for none.</param>
/// <param name="State" example="scheduled">Its state.</param>
/// <param name="Reports" example="[]">The ids of its reports.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it was changed last.</param>
/// <param name="Version" example="1">Incremented at each change: the `ETag`.</param>
internal sealed record WorkOrderResponse(
    Guid Id, Guid? ProjectId, Guid? AgencyId, string Title, string Description, Guid? CrewId, Guid? VehicleId, WorkOrderState State, IReadOnlyList<Guid> Reports,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Version)
{
    public static WorkOrderResponse Of(WorkOrder order, IReadOnlyList<Guid> reports) => new(
        order.Id, order.ProjectId, order.AgencyId, order.Title, order.Description, order.CrewId, order.VehicleId, order.State, reports, order.CreatedAt, order.UpdatedAt,
        order.Version);
}

/// <summary>Filters of a list of work orders.</summary>
public sealed class WorkOrderQuery
{
    /// <summary>Only work orders that have all of these words in their title or description. Quotes make a phrase; a minus sign excludes a word.</summary>
    /// <example>potholes</example>
    [FromQuery(Name = "q"), Text(200)]
    public string? Text { get; set; }

    /// <summary>Only work orders of this agency.</summary>
    [FromQuery(Name = "agency")]
    public Guid? Agency { get; set; }

    /// <summary>Only work orders of this project.</summary>
    [FromQuery(Name = "project")]
    public Guid? Project { get; set; }

    /// <summary>Only work orders of this crew.</summary>
    [FromQuery(Name = "crew")]
    public Guid? Crew { get; set; }

    /// <summary>Only work orders with this vehicle.</summary>
    [FromQuery(Name = "vehicle")]
    public Guid? Vehicle { get; set; }

    /// <summary>Only work orders that this report is in.</summary>
    [FromQuery(Name = "report")]
    public Guid? Report { get; set; }

    /// <summary>Only work orders with this state.</summary>
    /// <example>scheduled</example>
    [FromQuery(Name = "state"), Values(typeof(WorkOrderState))]
    public string? State { get; set; }
}

internal static class WorkOrderEndpoints
{
    private const string Path = "/api/v1/reports/work-orders";

    public static Error NotFound { get; } = Error.NotFound("Work order not found.");

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The work order's version does not match If-Match. Read the work order again.");

    private static Error InOther { get; } = Error.Conflict("report_in_work_order", "A report is in another open work order.");

    private static Error InUse { get; } = Error.Conflict("in_use", "Visits belong to this work order. Delete them first, or cancel the work order.");

    public static void MapWorkOrders(this IEndpointRouteBuilder endpoints)
    {
        var orders = endpoints.MapGroup(Path).WithTags("Work orders").RequireAuthorization(Policies.Staff);
        orders.MapGet("/", ListAsync).WithName("ListWorkOrders").WithSummary("List work orders, newest first");
        orders.MapPost("/", CreateAsync).WithIdempotency().DisableValidation().WithName("CreateWorkOrder").WithSummary("Create a work order")
            .WithProblems(409, "report_in_work_order", "work_order_changed");
        orders.MapGet("/{id:guid}", GetAsync).WithName("GetWorkOrder").WithSummary("Get a work order");
        orders.MapPatch("/{id:guid}", ChangeAsync).DisableValidation().WithName("ChangeWorkOrder").WithSummary("Change, start, complete or cancel a work order")
            .WithIfMatch("work order").WithProblems(409, "report_in_work_order", "work_order_changed").WithProblems(422, "invalid_state_transition");
        orders.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteWorkOrder").WithSummary("Delete a work order without visits")
            .WithIfMatch("work order").WithProblems(409, "in_use", "work_order_changed");
        orders.MapGet("/{id:guid}/history", HistoryAsync).WithName("GetWorkOrderHistory").WithSummary("Get the history of a work order and its visits, newest first");
    }

    private static async Task<Results<Ok<Page<WorkOrderResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, [AsParameters] WorkOrderQuery query, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var state = query.State is null ? null : States.Parse<WorkOrderState>(query.State);
        if (query.State is not null && state is null)
        {
            return Error.Field("state", Localized.Format($"Must be one of {States.Names<WorkOrderState>()}."));
        }

        var orders = string.IsNullOrWhiteSpace(query.Text)
            ? database.WorkOrders
            : database.WorkOrders.WithWords("work_orders", query.Text);
        var rows = await orders.AsNoTracking().WorkOf(http.User)
            .Where(order => (page.Cursor == null || order.Id < before)
                && (query.Agency == null || order.AgencyId == query.Agency)
                && (query.Project == null || order.ProjectId == query.Project)
                && (query.Crew == null || order.CrewId == query.Crew)
                && (query.Vehicle == null || order.VehicleId == query.Vehicle)
                && (query.Report == null || database.WorkOrderReports.Any(row => row.WorkOrderId == order.Id && row.ReportId == query.Report))
                && (state == null || order.State == state))
            .OrderByDescending(order => order.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        var ids = rows.ConvertAll(order => order.Id);
        var reports = (await database.WorkOrderReports.AsNoTracking().Where(row => ids.Contains(row.WorkOrderId)).OrderBy(row => row.ReportId).ToListAsync(cancellationToken))
            .ToLookup(row => row.WorkOrderId, row => row.ReportId);
        return TypedResults.Ok(Page.Of(rows, page.Size, order => WorkOrderResponse.Of(order, [.. reports[order.Id]]), last => Cursor.Encode(last.Id)));
    }

    /// <param name="id">The work order's id.</param>
    private static async Task<Results<Ok<WorkOrderResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, OrderReports parts, CancellationToken cancellationToken)
    {
        if (await database.WorkOrders.AsNoTracking().WorkOf(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } order)
        {
            return NotFound.ToProblem();
        }

        http.SendVersion(order.Version);
        return TypedResults.Ok(WorkOrderResponse.Of(order, await parts.IdsAsync(id, cancellationToken)));
    }

    private static async Task<Results<Created<WorkOrderResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateWorkOrderRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        var project = await FindProjectAsync(request.ProjectId, errors, http, database, cancellationToken);
        var agency = request.AgencyId ?? http.User.AgencyIdOrNull ?? project?.AgencyId;
        await errors.AddAgencyErrorAsync(agency, http.User, database, cancellationToken);
        await errors.AddWorkforceErrorsAsync(request.CrewId, request.VehicleId, agency, database, cancellationToken);
        Guid[] added = [.. (request.Reports ?? []).Distinct()];
        AddCountError(errors, added.Length);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var now = time.GetUtcNow();
        var order = new WorkOrder
        {
            Id = Guid.CreateVersion7(now),
            ProjectId = request.ProjectId,
            AgencyId = agency,
            Title = request.Title.Trim(),
            Description = request.Description?.Trim() ?? "",
            CrewId = request.CrewId,
            VehicleId = request.VehicleId,
            CreatedAt = now,
            UpdatedAt = now,
        };
        await using var transaction = await work.BeginAsync(cancellationToken);
        database.WorkOrders.Add(order);
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (ReportErrors.IsLostRace(exception)) // the agency, project, crew or vehicle was deleted meanwhile
        {
            return OrderReports.Changed.ToProblem();
        }

        if (await parts.LockAsync(order.Id, added, cancellationToken) is not { } reports)
        {
            return OrderReports.Changed.ToProblem();
        }

        if (await ReportErrorAsync(order, added, reports, http, parts, cancellationToken) is { } error)
        {
            return error.Result is ValidationProblem validation ? validation : (ProblemHttpResult)error.Result;
        }

        foreach (var id in added)
        {
            parts.Add(order, reports[id], http.User);
        }

        Audit(database, http, "created", order, added, now);
        var answer = TypedResults.Created($"{Path}/{order.Id}", WorkOrderResponse.Of(order, [.. added.Order()]));
        try
        {
            await work.CommitAsync(answer, cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return InOther.ToProblem();
        }

        parts.Count();
        http.SendVersion(order.Version);
        return answer;
    }

    /// <param name="id">The work order's id.</param>
    private static async Task<Results<Ok<WorkOrderResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeWorkOrderRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, IOrderVisits visits, UnitOfWork work,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockOrderAsync(id, http.User, cancellationToken) is not { } order)
        {
            return NotFound.ToProblem();
        }

        if (request.ProjectId != order.ProjectId)
        {
            await FindProjectAsync(request.ProjectId, errors, http, database, cancellationToken);
        }

        await errors.AddWorkforceErrorsAsync(
            request.CrewId == order.CrewId ? null : request.CrewId, request.VehicleId == order.VehicleId ? null : request.VehicleId, order.AgencyId, database, cancellationToken);
        errors.Add("outcome", request.Outcome is not null && request.State is not WorkOrderState.Completed ? "Only allowed with the state completed." : null);
        Guid[]? wanted = request.Reports is null ? null : [.. request.Reports.Distinct()];
        AddCountError(errors, wanted?.Length ?? 0);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (http.IsStale(order.Version))
        {
            return Stale.ToProblem();
        }

        var to = request.State ?? order.State;
        if (to != order.State && !order.CanBecome(to))
        {
            return Error.Rule("invalid_state_transition", Localized.Format($"A work order cannot change from {order.State.WireName()} to {to.WireName()}.")).ToProblem();
        }

        if (await parts.LockAsync(id, wanted ?? [], cancellationToken) is not { } reports)
        {
            return OrderReports.Changed.ToProblem();
        }

        var now = time.GetUtcNow();
        var current = await parts.IdsAsync(id, cancellationToken);
        Guid[] added = [.. (wanted ?? []).Except(current)], removed = wanted is null ? [] : [.. current.Except(wanted)];
        if (await ReportErrorAsync(order, added, reports, http, parts, cancellationToken) is { } error)
        {
            return error.Result is ValidationProblem validation ? validation : (ProblemHttpResult)error.Result;
        }

        List<Guid> kept = [.. current.Except(removed), .. added];
        var (wasOpen, from) = (order.IsOpen, order.State);
        order.Title = request.Title?.Trim() ?? order.Title;
        order.Description = request.Description?.Trim() ?? order.Description;
        order.ProjectId = http.Clears("project_id") ? null : request.ProjectId ?? order.ProjectId;
        order.CrewId = http.Clears("crew_id") ? null : request.CrewId ?? order.CrewId;
        order.VehicleId = http.Clears("vehicle_id") ? null : request.VehicleId ?? order.VehicleId;
        order.State = to;
        order.Changed(now);
        if (order.IsOpen && !wasOpen && await parts.InOthersAsync(id, kept, cancellationToken) is { Count: > 0 } others)
        {
            return Dependents.Refusal(InOther, "work_order", others.Values.Distinct());
        }

        // Before the state: reopening would open them too, also where a report is in another open work order by now.
        await database.WorkOrderReports.Where(row => row.WorkOrderId == id && removed.Contains(row.ReportId)).ExecuteDeleteAsync(cancellationToken);

        // The state before new rows, for their foreign key.
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (ReportErrors.IsLostRace(exception)) // the project, crew or vehicle was deleted meanwhile
        {
            return OrderReports.Changed.ToProblem();
        }

        foreach (var report in removed)
        {
            parts.RecordRemoved(reports[report], http.User);
        }

        foreach (var report in added)
        {
            parts.Add(order, reports[report], http.User);
        }

        var own = reports.Where(report => kept.Contains(report.Key)).ToDictionary();
        if (to != from)
        {
            await ReachAsync(order, own, request, http, parts, visits, cancellationToken);
        }

        Audit(database, http, to == from ? "changed" : to.WireName(), order, kept, now);
        var answer = TypedResults.Ok(WorkOrderResponse.Of(order, [.. kept.Order()]));
        try
        {
            await work.CommitAsync(answer, cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return OrderReports.Changed.ToProblem();
        }

        http.SendVersion(order.Version);
        parts.Count();
        return answer;
    }

    /// <summary>Applies a new state to the reports and visits.</summary>
    private static async Task ReachAsync(
        WorkOrder order, Dictionary<Guid, Report> reports, ChangeWorkOrderRequest request, HttpContext http, OrderReports parts, IOrderVisits visits,
        CancellationToken cancellationToken)
    {
        if (order.IsUnderWay)
        {
            parts.Start(reports.Values, http.User);
        }

        if (!order.IsOpen)
        {
            await visits.CancelOpenAsync(order, reports, http.User, cancellationToken);
        }

        if (order.State is WorkOrderState.Completed)
        {
            var comment = request.Comment?.Trim() is { Length: > 0 } text ? text : null;
            parts.Complete(reports.Values, request.Outcome is not WorkOutcome.Unresolved, comment, http.User);
        }
        else if (order.State is WorkOrderState.Cancelled)
        {
            foreach (var report in reports.Values.Where(report => report.Status.IsOpen()))
            {
                parts.Record(report, ChangeKind.WorkOrder, "cancelled", comment: null, http.User);
            }
        }
    }

    /// <param name="id">The work order's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, OrderReports parts, IOrderVisits visits, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockOrderAsync(id, http.User, cancellationToken) is not { } order)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(order.Version))
        {
            return Stale.ToProblem();
        }

        if (await visits.IdsAsync(id, cancellationToken) is { Length: > 0 } hanging)
        {
            return Dependents.Refusal(InUse, "visit", hanging);
        }

        if (await parts.LockAsync(id, [], cancellationToken) is not { } reports)
        {
            return OrderReports.Changed.ToProblem();
        }

        if (order.IsOpen)
        {
            foreach (var report in reports.Values)
            {
                parts.RecordRemoved(report, http.User);
            }
        }

        database.WorkOrders.Remove(order);
        Audit(database, http, "deleted", order, [.. reports.Keys], time.GetUtcNow());
        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    /// <param name="id">The work order's id.</param>
    private static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> HistoryAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, IOrderVisits visits, CancellationToken cancellationToken)
    {
        if (!await database.WorkOrders.WorkOf(http.User).AnyAsync(order => order.Id == id, cancellationToken))
        {
            return NotFound.ToProblem();
        }

        Guid[] subjects = [id, .. await visits.IdsAsync(id, cancellationToken)];
        return await database.AuditEntries.Where(entry => subjects.Contains(entry.SubjectId)).ToPageAsync(page, cancellationToken);
    }

    private static async Task<Project?> FindProjectAsync(
        Guid? id, FieldErrors errors, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var project = id is null ? null : await database.Projects.AsNoTracking().WorkOf(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        errors.Add("project_id", id is not null && project is null ? "Project not found." : null);
        return project;
    }

    private static void AddCountError(FieldErrors errors, int count) =>
        errors.Add("reports", count > WorkOrder.MaxReports ? Localized.Format($"At most {WorkOrder.MaxReports} reports.") : null);

    /// <summary>Checks new reports, which are locked.</summary>
    private static async Task<Results<ValidationProblem, ProblemHttpResult>?> ReportErrorAsync(
        WorkOrder order, Guid[] added, Dictionary<Guid, Report> reports, HttpContext http, OrderReports parts, CancellationToken cancellationToken)
    {
        if (added.Any(id => !reports.TryGetValue(id, out var report) || !http.User.WorksOn(report)))
        {
            return Error.Field("reports", "Report not found.");
        }

        if (added.Any(id => !reports[id].Status.IsOpen()))
        {
            return Error.Field("reports", "A closed report cannot be added.");
        }

        if (order.IsOpen && await parts.InOthersAsync(order.Id, added, cancellationToken) is { Count: > 0 } others)
        {
            return Dependents.Refusal(InOther, "work_order", others.Values.Distinct());
        }

        return null;
    }

    private static void Audit(ReportingDbContext database, HttpContext http, string action, WorkOrder order, IEnumerable<Guid> reports, DateTimeOffset now)
    {
        var values = new JsonObject
        {
            ["title"] = order.Title,
            ["description"] = order.Description,
            ["project_id"] = order.ProjectId?.ToString(),
            ["crew_id"] = order.CrewId?.ToString(),
            ["vehicle_id"] = order.VehicleId?.ToString(),
            ["state"] = order.State.WireName(),
            ["reports"] = new JsonArray([.. reports.Select(id => (JsonNode)id.ToString())]),
        };
        database.Audit(http.User.UserId, action, "work_order", order.Id, order.AgencyId, JsonElement.Parse(values.ToJsonString()), now);
    }
}

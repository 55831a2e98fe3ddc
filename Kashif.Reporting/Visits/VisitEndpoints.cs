using System.Security.Claims;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.WorkOrders;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Visits;

internal static class VisitEndpoints
{
    private const string Path = "/api/v1/reports/visits";

    private static Error NotFound { get; } = Error.NotFound("Visit not found.");

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The visit's version does not match If-Match. Read the visit again.");

    private static Error OrderClosed { get; } = Error.Rule("work_order_closed", "The work order is completed or cancelled. Reopen it first.");

    private static Error Closed { get; } = Error.Rule("visit_closed", "The visit is completed, cancelled or missed.");

    private static Error Begun { get; } = Error.Rule("visit_begun", "The visit has begun. Only staff can change it now.");

    private static Error NotOffered { get; } = Error.Rule("slot_not_offered", "Choose one of the visit's alternatives that is still to come.");

    private static Error Moved { get; } = Error.Conflict("visit_moved", "The visit has another slot by now. Read the visit again.");

    private static Error InUse { get; } = Error.Conflict("visit_completed", "A completed visit is kept.");

    public static void MapVisits(this IEndpointRouteBuilder endpoints)
    {
        var visits = endpoints.MapGroup(Path).WithTags("Visits").RequireAuthorization();
        visits.MapGet("/", ListAsync).RequireAuthorization(Policies.Staff)
            .WithName("ListVisits").WithSummary("List visits by words, crew, vehicle, work order, state and time, earliest first");
        visits.MapGet("/mine", ListMineAsync).WithName("ListMyVisits").WithSummary("List my appointments as a reporter, earliest first");
        visits.MapPost("/", CreateAsync).RequireAuthorization(Policies.Staff).WithIdempotency().DisableValidation()
            .WithName("ScheduleVisit").WithSummary("Schedule a visit")
            .WithProblems(409, "crew_busy", "vehicle_busy", "work_order_changed").WithProblems(422, "work_order_closed");
        visits.MapGet("/{id:guid}", GetAsync).WithName("GetVisit").WithSummary("Get a visit");
        visits.MapPatch("/{id:guid}", ChangeAsync).RequireAuthorization(Policies.Staff).DisableValidation()
            .WithName("ChangeVisit").WithSummary("Change or cancel a visit").WithIfMatch("visit")
            .WithProblems(409, "crew_busy", "vehicle_busy", "work_order_changed").WithProblems(422, "visit_closed");
        visits.MapDelete("/{id:guid}", DeleteAsync).RequireAuthorization(Policies.Staff)
            .WithName("DeleteVisit").WithSummary("Delete a visit that did not take place").WithIfMatch("visit").WithProblems(409, "visit_completed", "work_order_changed");
        visits.MapPost("/{id:guid}/confirm", ConfirmAsync).WithIdempotency()
            .WithName("ConfirmVisit").WithSummary("Confirm a proposed visit, as staff or as the reporter")
            .WithDescription("The body names the slot that is confirmed. A visit that has been moved meanwhile answers 409 `visit_moved`, so that no one confirms a time that they have not seen.")
            .WithIfMatch("visit")
            .WithProblems(409, "visit_moved", "work_order_changed").WithProblems(422, "visit_closed", "visit_begun");
        visits.MapPost("/{id:guid}/move", MoveAsync).WithIdempotency().DisableValidation()
            .WithName("MoveVisit").WithSummary("Move a visit to another slot")
            .WithDescription("Staff choose any slot. The reporter of an appointment chooses one of its `alternatives`, until the visit begins; it is confirmed then, and its former slot is an alternative.")
            .WithIfMatch("visit")
            .WithProblems(409, "crew_busy", "vehicle_busy", "work_order_changed").WithProblems(422, "visit_closed", "visit_begun", "slot_not_offered", "work_order_closed");
        visits.MapPost("/{id:guid}/complete", CompleteAsync).RequireAuthorization(Policies.Staff).WithIdempotency().DisableValidation()
            .WithName("CompleteVisit").WithSummary("Complete a visit")
            .WithDescription("With the outcome `resolved`, the last visit of a work order completes it, and its reports that are in progress are resolved.")
            .WithIfMatch("visit").WithProblems(409, "work_order_changed").WithProblems(422, "visit_closed");
        visits.MapGet("/{id:guid}/history", HistoryAsync).RequireAuthorization(Policies.Staff)
            .WithName("GetVisitHistory").WithSummary("Get a visit's history, newest first");
    }

    private static Task<Results<Ok<Page<VisitResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, [AsParameters] VisitQuery query, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var agency = http.User.AgencyIdOrNull;
        var visits = database.Visits
            .Where(visit => database.WorkOrders.Any(order => order.Id == visit.WorkOrderId
                && (agency == null || order.AgencyId == agency) && (query.Agency == null || order.AgencyId == query.Agency)));

        // Not the words of a private or hidden report that is another agency's by now: a guess that finds its visit would be confirmed.
        var readable = database.Reports.Where(report => agency == null || report.AgencyId == agency || database.Reports.Public().Any(row => row.Id == report.Id));
        foreach (var pattern in SearchWords.Patterns(query.Query))
        {
            var titled = readable.Where(report => EF.Functions.ILike(report.Title, pattern, @"\"));
            visits = visits.Where(visit => database.WorkOrders.Any(order => order.Id == visit.WorkOrderId && EF.Functions.ILike(order.Title, pattern, @"\"))
                || titled.Any(report => report.Id == visit.ReportId)
                || database.WorkOrderReports.Any(part => part.WorkOrderId == visit.WorkOrderId && titled.Any(report => report.Id == part.ReportId)));
        }

        return PageAsync(visits, page, query, VisitResponse.Of, cancellationToken);
    }

    private static Task<Results<Ok<Page<VisitResponse>>, ValidationProblem>> ListMineAsync(
        [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var visits = database.Visits.Where(visit => database.Reports.Any(report => report.Id == visit.ReportId && report.UserId == user));
        return PageAsync(visits, page, new VisitQuery(), VisitResponse.ForReporter, cancellationToken);
    }

    /// <param name="id">The visit's id.</param>
    private static async Task<Results<Ok<VisitResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) =>
        await FindAsync(id, http.User, database, cancellationToken) is var (visit, isStaff) ? ToResult(visit, isStaff, http) : NotFound.ToProblem();

    private static async Task<Results<Created<VisitResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var errors = await FieldErrors.FindAsync(http, request);
        var (starts, ends) = (Slots.Rounded(request.StartsAt), Slots.Rounded(request.EndsAt));
        errors.Add("ends_at", Slots.Check(starts, ends, now));
        AddAlternativesError(errors, request.Alternatives, now);
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
            return OrderClosed.ToProblem();
        }

        var visit = Visit.Create(
            order, request.ReportId, crew, vehicle, (starts, ends), request.Confirmed ?? request.ReportId is null, Trimmed(request.Note), ToOffers(request.Alternatives), now);
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
        http.Response.Headers.ETag = VersionETag.Of(visit.Version).ToString();
        var answer = TypedResults.Created($"{Path}/{visit.Id}", VisitResponse.Of(visit));
        if (await TryCommitAsync(work, answer, changes, cancellationToken) is { } refusal)
        {
            return refusal.ToProblem();
        }

        return answer;
    }

    /// <param name="id">The visit's id.</param>
    private static async Task<Results<Ok<VisitResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var errors = await FieldErrors.FindAsync(http, request);
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await LockAsync(id, http.User, database, cancellationToken) is not (var order, var visit, true))
        {
            return NotFound.ToProblem();
        }

        var crew = http.Clears("crew_id") ? null : request.CrewId ?? visit.CrewId;
        var vehicle = http.Clears("vehicle_id") ? null : request.VehicleId ?? visit.VehicleId;
        errors.Add("crew_id", crew is null && vehicle is null ? "Required without a vehicle." : null);
        await errors.AddWorkforceErrorsAsync(crew == visit.CrewId ? null : crew, vehicle == visit.VehicleId ? null : vehicle, order.AgencyId, database, cancellationToken);
        errors.Add("state", request.State is null or VisitState.Cancelled or VisitState.Missed ? null : "Must be cancelled or missed.");
        errors.Add("alternatives", request.Alternatives is { Count: > 0 } && visit.ReportId is null ? "Only allowed with report_id." : null);
        AddAlternativesError(errors, request.Alternatives, now);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (http.IsStale(visit.Version))
        {
            return Stale.ToProblem();
        }

        var others = crew != visit.CrewId || vehicle != visit.VehicleId;
        if (!visit.IsOpen && (request.State is not null || others))
        {
            return Closed.ToProblem();
        }

        (visit.CrewId, visit.VehicleId) = (crew, vehicle);
        if (others && request.State is null && await database.LockAsync(visit, visit.StartsAt, visit.EndsAt, named: true, cancellationToken) is { } busy)
        {
            return busy;
        }

        visit.Note = http.Clears("note") ? null : Trimmed(request.Note) ?? visit.Note;
        if (request.Alternatives is not null)
        {
            visit.Offer(ToOffers(request.Alternatives));
        }

        if (request.State is { } state)
        {
            if (await parts.LockAsync(order.Id, [.. Of(visit.ReportId)], cancellationToken) is not { } reports)
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

        var answer = ToResult(visit, isStaff: true, http);
        if (await TryCommitAsync(work, answer, changes, cancellationToken) is { } refusal)
        {
            return refusal.ToProblem();
        }

        return answer;
    }

    /// <param name="id">The visit's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await LockAsync(id, http.User, database, cancellationToken) is not (var order, var visit, true))
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(visit.Version))
        {
            return Stale.ToProblem();
        }

        if (visit.State is VisitState.Completed)
        {
            return InUse.ToProblem();
        }

        if (visit.IsOpen)
        {
            if (await parts.LockAsync(order.Id, [.. Of(visit.ReportId)], cancellationToken) is not { } reports)
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
        await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
        changes.Count();
        return TypedResults.NoContent();
    }

    /// <param name="id">The visit's id.</param>
    private static async Task<Results<Ok<VisitResponse>, ProblemHttpResult>> ConfirmAsync(
        Guid id, ConfirmVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await LockAsync(id, http.User, database, cancellationToken) is not var (order, visit, isStaff))
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(visit.Version))
        {
            return Stale.ToProblem();
        }

        var now = time.GetUtcNow();
        if (!visit.IsOpen)
        {
            return Closed.ToProblem();
        }

        if ((visit.StartsAt, visit.EndsAt) != (Slots.Rounded(request.StartsAt), Slots.Rounded(request.EndsAt)))
        {
            return Moved.ToProblem();
        }

        if (!isStaff && visit.StartsAt <= now)
        {
            return Begun.ToProblem();
        }

        if (visit.State is VisitState.Proposed)
        {
            if (await parts.LockAsync(order.Id, [.. Of(visit.ReportId)], cancellationToken) is not { } reports)
            {
                return OrderReports.Changed.ToProblem();
            }

            visit.Confirm(now);
            changes.Record(visit, reports, "confirmed", comment: null, http.User);
            changes.Changed("confirmed", visit, order, http.User, reached: true);
        }

        var answer = ToResult(visit, isStaff, http);
        await work.CommitAsync(answer, cancellationToken);
        changes.Count();
        return answer;
    }

    /// <param name="id">The visit's id.</param>
    private static async Task<Results<Ok<VisitResponse>, ValidationProblem, ProblemHttpResult>> MoveAsync(
        Guid id, MoveVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work,
        TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await LockAsync(id, http.User, database, cancellationToken) is not var (order, visit, isStaff))
        {
            return NotFound.ToProblem();
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
            return Stale.ToProblem();
        }

        if (!order.IsOpen)
        {
            return OrderClosed.ToProblem();
        }

        if (!visit.IsOpen && !(isStaff && visit.State is VisitState.Missed))
        {
            return Closed.ToProblem();
        }

        if (!isStaff && visit.StartsAt <= now)
        {
            return Begun.ToProblem();
        }

        var chosen = visit.Alternatives.FirstOrDefault(slot => slot.StartsAt == starts && slot.EndsAt == ends);
        if (!isStaff && (chosen is null || starts <= now))
        {
            return NotOffered.ToProblem();
        }

        if (await database.LockAsync(visit, starts, ends, named: isStaff, cancellationToken) is { } busy)
        {
            return busy;
        }

        if (await parts.LockAsync(order.Id, [.. Of(visit.ReportId)], cancellationToken) is not { } reports)
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
        var answer = ToResult(visit, isStaff, http);
        if (await TryCommitAsync(work, answer, changes, cancellationToken) is { } refusal)
        {
            return refusal.ToProblem();
        }

        return answer;
    }

    /// <param name="id">The visit's id.</param>
    private static async Task<Results<Ok<VisitResponse>, ValidationProblem, ProblemHttpResult>> CompleteAsync(
        Guid id, CompleteVisitRequest request, HttpContext http, ReportingDbContext database, OrderReports parts, VisitChanges changes, UnitOfWork work,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await LockAsync(id, http.User, database, cancellationToken) is not (var order, var visit, true))
        {
            return NotFound.ToProblem();
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (http.IsStale(visit.Version))
        {
            return Stale.ToProblem();
        }

        if (!visit.IsOpen)
        {
            return Closed.ToProblem();
        }

        if (await parts.LockAsync(order.Id, [.. Of(visit.ReportId)], cancellationToken) is not { } reports)
        {
            return OrderReports.Changed.ToProblem();
        }

        var now = time.GetUtcNow();
        var comment = Trimmed(request.Comment);
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

        var answer = ToResult(visit, isStaff: true, http);
        await work.CommitAsync(answer, cancellationToken);
        changes.Count();
        return answer;
    }

    /// <param name="id">The visit's id.</param>
    private static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> HistoryAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) =>
        await FindAsync(id, http.User, database, cancellationToken) is (_, true)
            ? await database.AuditEntries.Where(entry => entry.SubjectId == id && entry.Kind == "visit").ToPageAsync(page, cancellationToken)
            : NotFound.ToProblem();

    private static async Task<Results<Ok<Page<VisitResponse>>, ValidationProblem>> PageAsync(
        IQueryable<Visit> visits, PageRequest page, VisitQuery query, Func<Visit, VisitResponse> response, CancellationToken cancellationToken)
    {
        var (at, after) = (DateTimeOffset.MinValue, Guid.Empty);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out at, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var state = query.State is null ? null : States.Parse<VisitState>(query.State);
        if (query.State is not null && state is null)
        {
            return Error.Field("state", Localized.Format($"Must be one of {States.Names<VisitState>()}."));
        }

        at = at.ToUniversalTime();
        var (from, to) = (query.From?.ToUniversalTime(), query.To?.ToUniversalTime());
        var rows = await visits.AsNoTracking()
            .Where(visit => (page.Cursor == null || visit.StartsAt > at || (visit.StartsAt == at && visit.Id > after))
                && (query.Crew == null || visit.CrewId == query.Crew)
                && (query.Vehicle == null || visit.VehicleId == query.Vehicle)
                && (query.WorkOrder == null || visit.WorkOrderId == query.WorkOrder)
                && (query.Report == null || visit.ReportId == query.Report)
                && (from == null || visit.EndsAt > from)
                && (to == null || visit.StartsAt < to)
                && (state == null || visit.State == state))
            .OrderBy(visit => visit.StartsAt).ThenBy(visit => visit.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, response, last => Cursor.Encode(last.StartsAt, last.Id)));
    }

    /// <returns>The visit, and whether the caller sees it as staff; null if there is none, or the caller has no part in it.</returns>
    private static async Task<(Visit Visit, bool IsStaff)?> FindAsync(Guid id, ClaimsPrincipal user, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.Visits.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } visit)
        {
            return null;
        }

        if (user.IsStaff && await database.WorkOrders.WorkOf(user).AnyAsync(order => order.Id == visit.WorkOrderId, cancellationToken))
        {
            return (visit, true);
        }

        var reporter = user.UserId;
        return await database.Reports.AnyAsync(report => report.Id == visit.ReportId && report.UserId == reporter, cancellationToken) ? (visit, false) : null;
    }

    /// <summary>The same, with the work order locked until the end of the transaction.</summary>
    private static async Task<(WorkOrder Order, Visit Visit, bool IsStaff)?> LockAsync(
        Guid id, ClaimsPrincipal user, ReportingDbContext database, CancellationToken cancellationToken)
    {
        // A stranger gets no lock.
        if (await FindAsync(id, user, database, cancellationToken) is not var (found, isStaff)
            || await database.LockOrderAsync(found.WorkOrderId, cancellationToken) is not { } order
            || await database.Visits.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } visit)
        {
            return null;
        }

        return (order, visit, isStaff);
    }

    /// <returns>Null after the commit; else what a constraint has refused.</returns>
    private static async Task<Error?> TryCommitAsync<TResult>(UnitOfWork work, TResult answer, VisitChanges changes, CancellationToken cancellationToken)
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

        changes.Count();
        return null;
    }

    private static void AddAlternativesError(FieldErrors errors, IReadOnlyList<VisitSlot?>? alternatives, DateTimeOffset now)
    {
        errors.Add("alternatives", alternatives?.Count > Visit.MaxAlternatives ? Localized.Format($"At most {Visit.MaxAlternatives} slots.") : null);
        errors.Add("alternatives", alternatives?.Select(slot => slot is null ? "This field is required." : Slots.Check(slot.StartsAt, slot.EndsAt, now)).FirstOrDefault(error => error is not null));
    }

    private static IEnumerable<OfferedSlot> ToOffers(IReadOnlyList<VisitSlot>? slots) =>
        (slots ?? []).Select(slot => new OfferedSlot { StartsAt = Slots.Rounded(slot.StartsAt), EndsAt = Slots.Rounded(slot.EndsAt) });

    private static IEnumerable<Guid> Of(Guid? id) => id is { } known ? [known] : [];

    private static string? Trimmed(string? text) => text?.Trim() is { Length: > 0 } trimmed ? trimmed : null;

    private static Ok<VisitResponse> ToResult(Visit visit, bool isStaff, HttpContext http)
    {
        http.Response.Headers.ETag = VersionETag.Of(visit.Version).ToString();
        return TypedResults.Ok(isStaff ? VisitResponse.Of(visit) : VisitResponse.ForReporter(visit));
    }
}

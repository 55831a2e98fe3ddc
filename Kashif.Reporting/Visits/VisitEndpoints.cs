using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;

namespace Kashif.Reporting.Visits;

internal static class VisitEndpoints
{
    public const string Path = "/api/v1/reports/visits";

    public static void MapVisits(this IEndpointRouteBuilder endpoints)
    {
        var visits = endpoints.MapGroup(Path).WithTags("Visits").RequireAuthorization();
        visits.MapGet("/", ReadVisits.ListAsync).RequireAuthorization(Policies.Staff)
            .WithName("ListVisits").WithSummary("List visits by words, crew, vehicle, work order, state and time, earliest first");
        visits.MapGet("/mine", ReadVisits.ListMineAsync).WithName("ListMyVisits").WithSummary("List my appointments as a reporter, earliest first");
        visits.MapPost("/", ScheduleVisit.HandleAsync).RequireAuthorization(Policies.Staff).WithIdempotency().DisableValidation()
            .WithName("ScheduleVisit").WithSummary("Schedule a visit")
            .WithProblems(409, "crew_busy", "vehicle_busy", "work_order_changed").WithProblems(422, "work_order_closed");
        visits.MapGet("/{id:guid}", ReadVisits.GetAsync).WithName("GetVisit").WithSummary("Get a visit");
        visits.MapPatch("/{id:guid}", ChangeVisit.HandleAsync).RequireAuthorization(Policies.Staff).DisableValidation()
            .WithName("ChangeVisit").WithSummary("Change or cancel a visit").WithIfMatch("visit")
            .WithProblems(409, "crew_busy", "vehicle_busy", "work_order_changed").WithProblems(422, "visit_closed");
        visits.MapDelete("/{id:guid}", ChangeVisit.DeleteAsync).RequireAuthorization(Policies.Staff)
            .WithName("DeleteVisit").WithSummary("Delete a visit that did not take place").WithIfMatch("visit").WithProblems(409, "visit_completed", "work_order_changed");
        visits.MapPost("/{id:guid}/confirm", ArrangeVisit.ConfirmAsync).WithIdempotency()
            .WithName("ConfirmVisit").WithSummary("Confirm a proposed visit, as staff or as the reporter")
            .WithDescription("The body names the slot that is confirmed. A visit that has been moved meanwhile answers 409 `visit_moved`, so that no one confirms a time that they have not seen.")
            .WithIfMatch("visit")
            .WithProblems(409, "visit_moved", "work_order_changed").WithProblems(422, "visit_closed", "visit_begun");
        visits.MapPost("/{id:guid}/move", ArrangeVisit.MoveAsync).WithIdempotency().DisableValidation()
            .WithName("MoveVisit").WithSummary("Move a visit to another slot")
            .WithDescription("Staff choose any slot. The reporter of an appointment chooses one of its `alternatives`, until the visit begins; it is confirmed then, and its former slot is an alternative.")
            .WithIfMatch("visit")
            .WithProblems(409, "crew_busy", "vehicle_busy", "work_order_changed").WithProblems(422, "visit_closed", "visit_begun", "slot_not_offered", "work_order_closed");
        visits.MapPost("/{id:guid}/complete", CompleteVisit.HandleAsync).RequireAuthorization(Policies.Staff).WithIdempotency().DisableValidation()
            .WithName("CompleteVisit").WithSummary("Complete a visit")
            .WithDescription("With the outcome `resolved`, the last visit of a work order completes it, and its reports that are in progress are resolved.")
            .WithIfMatch("visit").WithProblems(409, "work_order_changed").WithProblems(422, "visit_closed");
        visits.MapGet("/{id:guid}/history", ReadVisits.HistoryAsync).RequireAuthorization(Policies.Staff)
            .WithName("GetVisitHistory").WithSummary("Get a visit's history, newest first");
    }
}

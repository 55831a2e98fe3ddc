using Kashif.Http;
using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Editing;

/// <summary>What happens to a report after it was filed.</summary>
internal static class EditingEndpoints
{
    public static RouteGroupBuilder MapEditing(this IEndpointRouteBuilder endpoints)
    {
        var reports = endpoints.MapGroup("/api/v1/reports").WithTags("Reports").RequireAuthorization();
        reports.MapPatch("/{id:guid}", EditReport.HandleAsync).DisableValidation()
            .WithName("EditReport").WithSummary("Edit a report, or hide it")
            .WithDescription(
                "Its owner may change a report while it is `submitted`: title, description, category, `anonymous` and `private`. Staff may correct the category and "
                + "hide the report, with a reason; moderators and admins may change everything. The history shows an edit of title, description or category.")
            .WithIfMatch().WithProblems(422, "report_not_editable");
        reports.MapDelete("/{id:guid}", DeleteReport.HandleAsync)
            .WithName("DeleteReport").WithSummary("Delete a report")
            .WithDescription("Its owner may delete a report while it is `submitted`, a moderator always. All that hangs on it goes too.")
            .WithIfMatch().WithProblems(422, "report_not_editable");
        reports.MapPost("/{id:guid}/reopen", ReopenReport.HandleAsync)
            .WithName("ReopenReport").WithSummary("Reopen a report that is not fixed")
            .WithDescription(
                "For the reporter, users who have voted for it, and staff: a `resolved` report is `in_progress` again. Staff may also reopen a `rejected` report: it is `submitted` again.")
            .WithIfMatch().WithProblems(422, "not_reopenable", "reopen_window_over");
        return reports;
    }
}

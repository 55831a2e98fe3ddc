using Kashif.Http;
using Kashif.Messaging;

namespace Kashif.Reporting.Reports;

internal static class ReportEndpoints
{
    public static RouteGroupBuilder MapReports(this IEndpointRouteBuilder endpoints)
    {
        var reports = endpoints.MapGroup("/api/v1/reports").WithTags("Reports").RequireAuthorization();

        reports.MapPost("/", CreateReport.HandleAsync).WithIdempotency().DisableValidation()
            .WithName("CreateReport").WithSummary("Create a report")
            .WithDescription("With `on_behalf_of`, customer service files in the name of a customer: the report is the customer's, and its history says who filed it.")
            .WithProblems(403, "forbidden").WithProblems(422, "unknown_customer").WithProblems(429, "report_quota_exceeded").WithProblems(503, "auth_unavailable");
        reports.MapGet("/{id:guid}", GetReport.HandleAsync).AllowAnonymous().WithEntityTag()
            .WithName("GetReport").WithSummary("Get a report");
        reports.MapGet("/{id:guid}/history", ReportHistory.HandleAsync).AllowAnonymous().WithPublicCache(TimeSpan.Zero)
            .WithName("GetReportHistory").WithSummary("Get a report's history, oldest first");
        reports.MapPatch("/{id:guid}/status", ChangeStatus.HandleAsync)
            .WithName("ChangeReportStatus").WithSummary("Change a report's status (staff), or withdraw it (owner)")
            .WithDescription(
                "Staff, moderators and admins may move a report `submitted` → `verified` → `in_progress` → `resolved`, from `submitted` directly to `in_progress`, "
                + "and from each of them to `rejected` or `duplicate`. With a comment, and for a time, they may take a status back: `verified` to `submitted`, "
                + "`in_progress` to `verified`, `resolved` to `in_progress`, `rejected` to `submitted` or, like `duplicate`, to the status before. "
                + "Its owner may withdraw it while it is `submitted`.")
            .WithIfMatch()
            .WithProblems(422, "invalid_status_transition", "take_back_window_over");
        return reports;
    }

    /// <summary>Describes <c>If-Match</c>, and what a change of a report can answer.</summary>
    public static RouteHandlerBuilder WithIfMatch(this RouteHandlerBuilder endpoint) => endpoint
        .WithMetadata(VersionConditions.IfMatch("report"))
        .WithProblems(403, "forbidden").WithProblems(409, "report_changed").WithProblems(412, "precondition_failed");
}

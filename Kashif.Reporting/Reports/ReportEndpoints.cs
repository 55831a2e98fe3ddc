using Kashif.Http;
using Kashif.Messaging;

namespace Kashif.Reporting.Reports;

internal static class ReportEndpoints
{
    /// <summary>How stale a list may be.</summary>
    private static readonly TimeSpan ListLifetime = TimeSpan.FromSeconds(2);

    public static RouteGroupBuilder MapReports(this IEndpointRouteBuilder endpoints)
    {
        var reports = endpoints.MapGroup("/api/v1/reports").WithTags("Reports").RequireAuthorization();

        reports.MapPost("/", CreateReport.HandleAsync).WithIdempotency()
            .WithName("CreateReport").WithSummary("Files a report");
        reports.MapGet("/", ListReports.HandleAsync).AllowAnonymous().WithPublicCache(ListLifetime)
            .WithName("ListReports").WithSummary("Reports by category, status and place, newest or nearest first");
        reports.MapGet("/my-reports", ListReports.HandleMineAsync)
            .WithName("ListMyReports").WithSummary("The caller's own reports, newest first");
        reports.MapGet("/{id:guid}", GetReport.HandleAsync).AllowAnonymous()
            .WithName("GetReport").WithSummary("One report");
        reports.MapGet("/{id:guid}/history", ReportHistory.HandleAsync).AllowAnonymous().WithPublicCache(TimeSpan.Zero)
            .WithName("GetReportHistory").WithSummary("What has become of a report, oldest first");
        reports.MapPatch("/{id:guid}/status", ChangeStatus.HandleAsync)
            .WithName("ChangeReportStatus").WithSummary("Moves a report on; its owner may withdraw it");
        return reports;
    }
}

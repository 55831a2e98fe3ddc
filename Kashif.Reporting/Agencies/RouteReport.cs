using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Agencies;

/// <summary>Another agency for a report.</summary>
/// <param name="AgencyId">The agency; null: the one that the areas give.</param>
/// <param name="Comment" example="The lamp belongs to the park.">Why, for the history, which the public sees.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record RouteReportRequest(Guid? AgencyId = null, [property: Text(0, StatusChange.CommentMax)] string? Comment = null);

/// <summary>Staff give a report to another agency.</summary>
internal static class RouteReport
{
    private static Error NotYours { get; } = Error.Forbidden("forbidden", "Only staff who work on a report can route it.");

    private static Error Closed { get; } = Error.Rule("report_closed", "This report is closed. Reopen it first.");

    public static void MapRouting(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/api/v1/reports/{id:guid}/route", HandleAsync).WithTags(AgencyEndpoints.Tag).RequireAuthorization(Policies.Staff)
            .WithName("RouteReport").WithSummary("Give a report to another agency")
            .WithDescription(
                "For staff who work on the report. Later changes of areas do not move it, until its category changes or it is routed with `agency_id` null. "
                + "The employee of the former agency is taken off the report.")
            .WithIfMatch().WithProblems(422, "report_closed");

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<ReportResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id, RouteReportRequest request, HttpContext http, ReportingDbContext database, AgencyRouting routing, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var map = await routing.MapAsync(cancellationToken); // before the transaction: it may need a second connection
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisibleAsync(id, http.User, cancellationToken) is null)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var report = await database.Reports.SingleAsync(row => row.Id == id, cancellationToken);
        if (!http.User.WorksOn(report))
        {
            return NotYours.ToProblem();
        }

        if (ReportErrors.IsStale(http, report))
        {
            return ReportErrors.Stale.ToProblem();
        }

        if (!report.Status.IsOpen())
        {
            return Closed.ToProblem();
        }

        var route = map.Route(report.Category, report.Latitude, report.Longitude);
        if (request.AgencyId is { } agencyId)
        {
            // The lock keeps the agency until the commit.
            if (await database.Agencies.FromSql($"SELECT * FROM agencies WHERE id = {agencyId} FOR KEY SHARE").AsNoTracking().SingleOrDefaultAsync(cancellationToken) is not { } agency)
            {
                return Error.Field("agency_id", AgencyEndpoints.Missing);
            }

            route = route with { AgencyId = agencyId, Details = RoutedTo.Details(agencyId, agency.NameEn, agency.NameAr) };
        }

        var former = (report.AgencyId, report.AssigneeId);
        var comment = request.Comment?.Trim() is { Length: > 0 } text ? text : null;
        if (report.Route(route, byHand: request.AgencyId is not null, comment, http.User.UserId, time.GetUtcNow()) is { } change)
        {
            database.AddToHistory(report, change, former.AgencyId, byStaff: true);
            database.PublishRoute(report, former, change);
        }

        await work.CommitAsync(TypedResults.Ok(), cancellationToken);
        return report.ToResult(http);
    }
}

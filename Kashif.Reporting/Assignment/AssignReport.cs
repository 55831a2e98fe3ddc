using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.Notes;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Assignment;

/// <summary>Who works on a report.</summary>
/// <param name="EmployeeId">The employee; null for none.</param>
/// <param name="Comment" example="Please measure it first.">Becomes an internal note. Leading and trailing white space is removed.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record AssignReportRequest(
    [property: JsonRequired] Guid? EmployeeId,
    [property: Text(0, ReportNote.TextMax)] string? Comment = null);

/// <summary>Who works on a report.</summary>
/// <param name="ReportId">The report.</param>
/// <param name="EmployeeId">The employee; null for none.</param>
/// <param name="Version" example="3">The report's version: the `ETag`.</param>
internal sealed record AssignmentResponse(Guid ReportId, Guid? EmployeeId, int Version);

internal static class AssignReport
{
    private static Error Forbidden { get; } = Error.Forbidden("forbidden", "Only staff who work on the report can do this.");

    private static Error Closed { get; } = Error.Rule("report_closed", "This report is closed. Only an open report has an employee.");

    public static void MapAssignment(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/api/v1/reports/{id:guid}/assign", HandleAsync).WithTags("Work").RequireAuthorization(Policies.Staff).WithIdempotency()
            .WithName("AssignReport").WithSummary("Assign a report to an employee, or to none")
            .WithDescription(
                "For staff who work on the report. The employee must be active and work on it too: one of its agency, or of all. The employee is told. The report's history "
                + "says that it was assigned, not to whom.")
            .WithIfMatch().WithProblems(422, "report_closed");

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<AssignmentResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id, AssignReportRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);

        // Before the report: an employee who is leaving gets no report.
        var employee = request.EmployeeId is { } userId ? (await database.ShareEmployeesAsync([userId], cancellationToken)).SingleOrDefault() : null;
        var report = await database.Reports.SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (report is null || http.User.ViewOf(report) is View.None)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (!http.User.WorksOn(report))
        {
            return Forbidden.ToProblem();
        }

        if (request.EmployeeId is not null
            && (employee is not { Active: true } || (employee.AgencyId is { } agency && agency != report.AgencyId)
                || !await StaffAccounts.AreEnabledAsync(database, [employee.UserId], cancellationToken)))
        {
            return Error.Field("employee_id", "There is no such active employee who works on this report.");
        }

        if (ReportErrors.IsStale(http, report))
        {
            return ReportErrors.Stale.ToProblem();
        }

        if (employee is not null && !report.Status.IsOpen())
        {
            return Closed.ToProblem();
        }

        var (user, now) = (http.User.UserId, time.GetUtcNow());
        if (report.Assign(request.EmployeeId, user, now) is { } change)
        {
            database.PublishAssignment(report, change);
        }

        if (request.Comment?.Trim() is { Length: > 0 } comment)
        {
            database.AddNote(id, user, comment, now);
        }

        try
        {
            var assigned = await work.CommitAsync(TypedResults.Ok(new AssignmentResponse(id, report.AssigneeId, report.Version)), cancellationToken);
            http.Response.Headers.ETag = ReportETag.Of(report, View.Full).ToString();
            return assigned;
        }
        catch (DbUpdateException exception) when (ReportErrors.IsLostRace(exception))
        {
            return ReportErrors.LostRace(http).ToProblem();
        }
    }
}

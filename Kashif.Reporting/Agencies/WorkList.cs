using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Data;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Agencies;

/// <summary>A report that the caller works on.</summary>
/// <param name="Report">The report, with what the public does not see.</param>
/// <param name="AssigneeId">The employee who works on it; null for none.</param>
/// <param name="RoutedByHand" example="false">Whether staff chose the agency.</param>
internal sealed record WorkItem(ReportResponse Report, Guid? AssigneeId, bool RoutedByHand);

/// <summary>The filter of the list of work.</summary>
public sealed class WorkFilter
{
    public const string None = "none";
    public const string Me = "me";

    /// <summary>Only reports of this agency, by its id, or `none` for reports without an agency.</summary>
    /// <example>none</example>
    [FromQuery(Name = "agency"), Text(36)]
    public string? Agency { get; set; }

    /// <summary>Only reports of this employee, by the id, `me` for the caller, or `none` for reports without one.</summary>
    /// <example>me</example>
    [FromQuery(Name = "assignee"), Text(36)]
    public string? Assignee { get; set; }

    /// <summary>Only reports in this area.</summary>
    [FromQuery(Name = "area")]
    public Guid? Area { get; set; }

    /// <summary>Only reports with one of these statuses: repeated, or separated by commas. Open ones without.</summary>
    [FromQuery(Name = "status"), Values(typeof(ReportStatus))]
    public string[]? Status { get; set; }
}

internal static class WorkList
{
    public static void MapWork(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/api/v1/reports/work", ListAsync).DisableValidation().WithTags(AgencyEndpoints.Tag).RequireAuthorization(Policies.Staff)
            .WithName("ListWork").WithSummary("List the reports that I work on as staff, newest first")
            .WithDescription("With private and hidden reports. An agency's employees see the reports of their agency; other staff see all.");

    private static async Task<Results<Ok<Page<WorkItem>>, ValidationProblem>> ListAsync(
        [AsParameters] WorkFilter filter, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, filter, page);
        var before = Guid.Empty;
        errors.Add("cursor", page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before) ? Cursor.Invalid : null);
        var statuses = ReportQuery.Split(errors, "status", filter.Status);
        errors.Add("status", statuses.Except(ReportStatuses.WireNames).Any() ? Localized.Format($"Must be one of {string.Join(", ", ReportStatuses.WireNames)}.") : null);
        var agency = Parse(filter.Agency);
        errors.Add("agency", agency is null && filter.Agency is not null ? "Must be an id or none." : null);
        var assignee = filter.Assignee == WorkFilter.Me ? http.User.UserId : Parse(filter.Assignee);
        errors.Add("assignee", assignee is null && filter.Assignee is not null ? "Must be an id, me or none." : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var reports = database.Reports.AsNoTracking().WorkOf(http.User);
        var wanted = statuses.Length == 0 ? ReportStatuses.Open : [.. statuses.Select(ReportStatuses.Parse)];
        reports = reports.Where(report => wanted.Contains(report.Status));
        if (agency is not null)
        {
            var id = IdOrNull(agency);
            reports = reports.Where(report => report.AgencyId == id);
        }

        if (assignee is not null)
        {
            var id = IdOrNull(assignee);
            reports = reports.Where(report => report.AssigneeId == id);
        }

        reports = filter.Area is { } area ? reports.Where(report => report.AreaId == area) : reports;
        reports = page.Cursor is null ? reports : reports.Where(report => report.Id < before);
        var rows = await reports.OrderByDescending(report => report.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows, page.Size, report => new WorkItem(ReportResponse.From(report, View.Full), report.AssigneeId, report.RoutedByHand), last => Cursor.Encode(last.Id)));
    }

    /// <returns>The empty id for <c>none</c>; null for neither an id nor <c>none</c>.</returns>
    private static Guid? Parse(string? text) => text == WorkFilter.None ? Guid.Empty : Guid.TryParse(text, out var id) && id != Guid.Empty ? id : null;

    private static Guid? IdOrNull(Guid? id) => id == Guid.Empty ? null : id;
}

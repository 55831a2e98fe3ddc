using System.Security.Claims;
using Kashif.Http;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.ServiceLevels;

/// <summary>Filters of the overdue reports.</summary>
public sealed class OverdueQuery
{
    /// <summary>Only reports of these categories, by their codes: repeated, or separated by commas.</summary>
    /// <example>["pothole"]</example>
    [FromQuery(Name = "category")]
    public string[]? Category { get; set; }

    /// <summary>Only reports in this area.</summary>
    [FromQuery(Name = "area")]
    public Guid? Area { get; set; }

    /// <summary>Only reports that this agency is responsible for.</summary>
    [FromQuery(Name = "agency")]
    public Guid? Agency { get; set; }
}

internal static class OverdueReports
{
    public static IEndpointRouteBuilder MapOverdueReports(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/api/v1/reports/overdue", ListAsync).DisableValidation().RequireAuthorization(Policies.Staff).WithTags("Reports")
            .WithName("ListOverdueReports").WithSummary("List the overdue reports that I work on, most overdue first");
        return endpoints;
    }

    private static async Task<Results<Ok<Page<ReportResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] OverdueQuery query, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CategoryCache categories, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, page);
        var codes = ReportQuery.Split(errors, "category", query.Category);
        foreach (var code in codes)
        {
            errors.Add("category", await categories.ValidateFilterAsync(code, cancellationToken));
        }

        var (since, id) = (default(DateTimeOffset), Guid.Empty);
        errors.Add("cursor", page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out since, out id) ? Cursor.Invalid : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var reports = Of(database, http.User, time.GetUtcNow());
        reports = codes.Length > 0 ? reports.Where(report => codes.Contains(report.Category)) : reports;
        reports = query.Area is { } area ? reports.Where(report => report.AreaId == area) : reports;
        reports = query.Agency is { } agency ? reports.Where(report => report.AgencyId == agency) : reports;
        if (page.Cursor is not null)
        {
            since = since.ToUniversalTime();
            reports = reports.Where(report => report.ExpectedAt >= since && (report.ExpectedAt > since || report.Id > id));
        }

        var rows = await reports.Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, report => ReportResponse.From(report, View.Full), last => Cursor.Encode(last.ExpectedAt.GetValueOrDefault(), last.Id)));
    }

    /// <summary>The overdue reports that the caller works on, the most overdue first.</summary>
    public static IQueryable<Report> Of(ReportingDbContext database, ClaimsPrincipal caller, DateTimeOffset now) =>
        database.Reports.FromSqlRaw($"SELECT * FROM reports WHERE {OverdueMarking.Expected}").AsNoTracking().WorkOf(caller)
            .Where(report => report.ExpectedAt < now)
            .OrderBy(report => report.ExpectedAt).ThenBy(report => report.Id);
}

using System.ComponentModel.DataAnnotations;
using Kashif.Http;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Duplicates;

/// <summary>The report that a user is about to file.</summary>
public sealed class SimilarQuery
{
    /// <summary>The code of its category.</summary>
    /// <example>pothole</example>
    [FromQuery(Name = "category"), Required(ErrorMessage = "This field is required."), Text(1, Categories.Category.CodeMax)]
    public string? Category { get; set; }

    /// <summary>Degrees north, as in WGS 84.</summary>
    /// <example>33.51</example>
    [FromQuery(Name = "latitude"), Required(ErrorMessage = "This field is required."), Between(-90.0, 90.0)]
    public double? Latitude { get; set; }

    /// <summary>Degrees east, as in WGS 84.</summary>
    /// <example>36.29</example>
    [FromQuery(Name = "longitude"), Required(ErrorMessage = "This field is required."), Between(-180.0, 180.0)]
    public double? Longitude { get; set; }
}

internal static class DuplicateEndpoints
{
    private const int MaxSimilar = 10;

    public static RouteGroupBuilder MapDuplicates(this IEndpointRouteBuilder endpoints)
    {
        var reports = endpoints.MapGroup("/api/v1/reports").WithTags("Reports");
        reports.MapGet("/similar", SimilarAsync).DisableValidation().RequireAuthorization()
            .WithName("ListSimilarReports").WithSummary("List open reports near a place, before filing another")
            .WithDescription("At most ten public reports of the category that are `submitted`, `verified` or `in_progress`, within the category's `duplicate_distance_m`, nearest first.");
        reports.MapGet("/{id:guid}/duplicates", ListAsync).AllowAnonymous().WithPublicCache(TimeSpan.Zero)
            .WithName("ListDuplicates").WithSummary("List the duplicates of a report, oldest first");
        return reports;
    }

    private static async Task<Results<Ok<Page<ReportResponse>>, ValidationProblem>> SimilarAsync(
        [AsParameters] SimilarQuery query, HttpContext http, ReportingDbContext database, CategoryCache categories, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query);
        if (query.Category?.Trim().Length > 0)
        {
            errors.Add("category", await categories.ValidateAsync(query.Category, cancellationToken));
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var place = new Place(query.Latitude.GetValueOrDefault(), query.Longitude.GetValueOrDefault()).ToPoint();
        var distance = await categories.DuplicateDistanceAsync(query.Category ?? "", cancellationToken);
        var near = await database.Reports.AsNoTracking().Public()
            .Where(report => report.Category == query.Category && report.Location != null && report.Location.IsWithinDistance(place, distance)
                && ReportStatuses.Open.Contains(report.Status))
            .Select(report => new { Report = report, Metres = report.Location == null ? 0 : report.Location.Distance(place) })
            .OrderBy(row => row.Metres).ThenBy(row => row.Report.Id)
            .Take(MaxSimilar)
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<ReportResponse>(
            near.ConvertAll(row => ReportResponse.From(row.Report, http.User.ViewOf(row.Report)) with { DistanceKm = row.Metres / 1000 }), null));
    }

    /// <param name="id">The original's id.</param>
    private static async Task<Results<Ok<Page<ReportResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var after = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (await database.FindVisibleAsync(id, http.User, cancellationToken) is null)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var (user, isStaff, agency) = (http.User.UserIdOrNull, http.User.IsStaff, http.User.AgencyIdOrNull);
        if (user is not null)
        {
            http.Response.Headers.CacheControl = "private, no-cache"; // may have the caller's own private reports
        }

        var rows = await database.Reports.AsNoTracking()
            .Where(report => report.DuplicateOf == id && report.Id > after && ((isStaff && (agency == null || report.AgencyId == agency)) || report.UserId == user || !(report.Private || report.Hidden)))
            .OrderBy(report => report.Id)
            .Take(page.Size + 1)
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, report => ReportResponse.From(report, http.User.ViewOf(report)), last => Cursor.Encode(last.Id)));
    }
}

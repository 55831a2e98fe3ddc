using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Reporting.Reports;

/// <summary>Filters and sort order of a list of reports.</summary>
public sealed class ReportQuery
{
    /// <summary>Only reports of this category, by its code.</summary>
    /// <example>pothole</example>
    [FromQuery(Name = "category"), Text(Categories.Category.CodeMax)]
    public string? Category { get; set; }

    /// <summary>Only reports with this status.</summary>
    [FromQuery(Name = "status"), Values(typeof(ReportStatus))]
    public string? Status { get; set; }

    /// <summary>Degrees north. Together with <see cref="Longitude"/>: the point to measure distances from.</summary>
    /// <example>33.51</example>
    [FromQuery(Name = "latitude"), Between(-90.0, 90.0)]
    public double? Latitude { get; set; }

    /// <summary>Degrees east. Together with <see cref="Latitude"/>.</summary>
    /// <example>36.29</example>
    [FromQuery(Name = "longitude"), Between(-180.0, 180.0)]
    public double? Longitude { get; set; }

    /// <summary>Only reports within this distance of the point, in kilometres.</summary>
    /// <example>2.5</example>
    [FromQuery(Name = "radius_km"), Between(0.0, Globe.MaxDistanceKm, MinimumIsExclusive = true)]
    public double? RadiusKm { get; set; }

    /// <summary>
    /// The order: <c>nearest</c> first, which needs a point, is the default with one and reaches the 5,000 nearest reports, or
    /// <c>newest</c> first. With a filter, <c>nearest</c> looks at the 20,000 nearest reports.
    /// </summary>
    [FromQuery(Name = "sort"), Values("nearest", "newest")]
    public string? Sort { get; set; }

    /// <summary>Validates combinations of parameters, which attributes cannot.</summary>
    internal void Validate(FieldErrors errors, out ReportStatus? status, out bool nearest)
    {
        status = null;
        if (Status is { } name)
        {
            if (ReportStatuses.TryParse(name, out var parsed))
            {
                status = parsed;
            }
            else
            {
                errors.Add("status", Localized.Format($"Must be one of {string.Join(", ", ReportStatuses.WireNames)}."));
            }
        }

        if ((Latitude is null) != (Longitude is null))
        {
            errors.Add(Latitude is null ? "latitude" : "longitude", "Set both latitude and longitude.");
        }

        var hasPoint = Latitude is not null && Longitude is not null;
        if (RadiusKm is not null && !hasPoint)
        {
            errors.Add("radius_km", "Requires latitude and longitude.");
        }

        nearest = hasPoint && Sort is (null or "nearest");
        if (Sort is "nearest" && !hasPoint)
        {
            errors.Add("sort", "nearest requires latitude and longitude.");
        }
        else if (Sort is not (null or "nearest" or "newest"))
        {
            errors.Add("sort", "Must be newest or nearest.");
        }
    }
}

internal static class ListReports
{
    public static async Task<Results<Ok<Page<ReportResponse>>, ValidationProblem>> HandleAsync(
        [AsParameters] ReportQuery query, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, ReportColumns columns,
        CategoryCache categories, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query, page);
        query.Validate(errors, out var status, out var nearest);
        if (query.Category is { } category)
        {
            errors.Add("category", await categories.ValidateFilterAsync(category, cancellationToken));
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var list = new ReportList(database, columns, page.Size) { Category = query.Category, Status = status };
        if (query is { Latitude: { } latitude, Longitude: { } longitude })
        {
            list.Around = new Area(Globe.Vector(latitude, longitude), query.RadiusKm is { } radius ? Globe.Chord(radius) : null);
        }

        return nearest ? await NearestAsync(list, page, cancellationToken) : await NewestAsync(list, page, cancellationToken);
    }

    public static Task<Results<Ok<Page<ReportResponse>>, ValidationProblem>> HandleMineAsync(
        HttpContext http, [AsParameters] PageRequest page, ReportingDbContext database, ReportColumns columns, CancellationToken cancellationToken) =>
        NewestAsync(new ReportList(database, columns, page.Size) { UserId = http.User.UserId }, page, cancellationToken);

    private static async Task<Results<Ok<Page<ReportResponse>>, ValidationProblem>> NewestAsync(
        ReportList list, PageRequest page, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await list.NewestAsync(page.Cursor is null ? null : before, cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => row.Report, row => Cursor.Encode(row.Report.Id)));
    }

    private static async Task<Results<Ok<Page<ReportResponse>>, ValidationProblem>> NearestAsync(
        ReportList list, PageRequest page, CancellationToken cancellationToken)
    {
        (double Chord, Guid Id) after = default;
        if (page.Cursor is { } cursor
            && !(Cursor.TryDecode(cursor, out after.Chord, out after.Id) && after.Chord >= 0 && after.Chord <= (list.Around?.Radius ?? Globe.MaxChord)))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await list.NearestAsync(page.Cursor is null ? null : after, cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => row.Report, row => Cursor.Encode(row.Chord, row.Report.Id)));
    }
}

using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>A page of a list of reports.</summary>
/// <param name="Items">The reports of this page; empty if there are none.</param>
/// <param name="NextCursor" example="MDE5OGYwYTAtMTExMS03MDAwLTgwMDAtMDAwMDAwMDAwMDAx">The <c>cursor</c> of the next page; null on the last page.</param>
/// <param name="Total" example="128">With <c>total=true</c>: how many reports the whole list has, if they are at most 10,000; else absent.</param>
/// <param name="TotalAtLeast" example="10000">With <c>total=true</c>: 10,000 if the list has more; else absent.</param>
internal sealed record ReportPage(
    IReadOnlyList<ReportResponse> Items,
    string? NextCursor,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Total,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? TotalAtLeast);

/// <summary>Filters and sort order of a list of reports.</summary>
public sealed class ReportQuery
{
    private const int MostValues = 20;

    /// <summary>Only reports of these categories, by their codes: repeated, or separated by commas.</summary>
    /// <example>["pothole"]</example>
    [FromQuery(Name = "category")]
    public string[]? Category { get; set; }

    /// <summary>Only reports with one of these statuses: repeated, or separated by commas.</summary>
    [FromQuery(Name = "status"), Values(typeof(ReportStatus))]
    public string[]? Status { get; set; }

    /// <summary>Only reports in this area of the city, by its id. Of areas that overlap, a report is in the smallest.</summary>
    [FromQuery(Name = "area")]
    public Guid? Area { get; set; }

    /// <summary>Only reports created then or later.</summary>
    [FromQuery(Name = "from")]
    public DateTimeOffset? From { get; set; }

    /// <summary>Only reports created before.</summary>
    [FromQuery(Name = "to")]
    public DateTimeOffset? To { get; set; }

    /// <summary>The same as <see cref="From"/>.</summary>
    [FromQuery(Name = "since")]
    public DateTimeOffset? Since { get; set; }

    /// <summary>
    /// Only reports that have all of these words in their title, description or address. Case, accents, Arabic vowels and the forms of alef, yeh and teh marbuta make
    /// no difference. Quotes make a phrase; a minus sign excludes a word.
    /// </summary>
    /// <example>deep hole</example>
    [FromQuery(Name = "q"), Text(200)]
    public string? Text { get; set; }

    /// <summary>Only reports in this box: <c>west,south,east,north</c> in degrees. West may be greater than east: then the box crosses the antimeridian.</summary>
    /// <example>36.2,33.4,36.4,33.6</example>
    [FromQuery(Name = "bbox"), Text(100)]
    public string? Bbox { get; set; }

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
    [FromQuery(Name = "radius_km"), Between(0.0, Circle.MaxRadiusKm, MinimumIsExclusive = true)]
    public double? RadiusKm { get; set; }

    /// <summary>
    /// The order: <c>nearest</c> first, which needs a point and is the default with one, <c>newest</c> first, or by <c>relevance</c> for <c>q</c>. With a filter by
    /// category, status or words, a page of <c>nearest</c> looks at the 20,000 nearest reports that follow the previous page. <c>relevance</c> ranks the 1,000 newest
    /// matches by how often and how close together they have the words, and lists no others.
    /// </summary>
    [FromQuery(Name = "sort"), Values("nearest", "newest", "relevance")]
    public string? Sort { get; set; }

    /// <summary>Whether to count the reports of the whole list, up to 10,000.</summary>
    [FromQuery(Name = "total")]
    public bool? Total { get; set; }

    /// <summary>Validates what attributes cannot: lists, and combinations of parameters.</summary>
    internal void Validate(FieldErrors errors, out ReportFilter filter, out BoundingBox? box, out ReportOrder order)
    {
        filter = new ReportFilter
        {
            Categories = Split(errors, "category", Category),
            Statuses = Split(errors, "status", Status),
            AreaId = Area,
            From = (From ?? Since)?.ToUniversalTime(), // PostgreSQL's driver takes no other offset
            To = To?.ToUniversalTime(),
            Text = string.IsNullOrWhiteSpace(Text) ? null : Text,
        };
        if (!filter.Statuses.All(status => ReportStatuses.TryParse(status, out _)))
        {
            errors.Add("status", Localized.Format($"Must be one of {string.Join(", ", ReportStatuses.WireNames)}."));
        }

        if (From is not null && Since is not null)
        {
            errors.Add("since", "Send from or since, not both.");
        }

        box = string.IsNullOrEmpty(Bbox) ? null : BoundingBox.Parse(Bbox);
        if (box is null && Bbox is not null)
        {
            errors.Add("bbox", BoundingBox.Invalid);
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

        order = Sort is "relevance" ? ReportOrder.Relevance : hasPoint && Sort is (null or "nearest") ? ReportOrder.Nearest : ReportOrder.Newest;
        if (Sort is "nearest" && !hasPoint)
        {
            errors.Add("sort", "nearest requires latitude and longitude.");
        }
        else if (Sort is "relevance" && filter.Text is null)
        {
            errors.Add("sort", "relevance requires q.");
        }
        else if (Sort is not (null or "nearest" or "newest" or "relevance"))
        {
            errors.Add("sort", "Must be newest, nearest or relevance.");
        }
    }

    /// <summary>The values of a parameter that is repeated, or has several separated by commas.</summary>
    internal static string[] Split(FieldErrors errors, string field, string[]? values)
    {
        string[] all = [.. (values ?? []).SelectMany(value => value.Split(',')).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (all.Length <= MostValues)
        {
            return all;
        }

        errors.Add(field, Localized.Format($"Send at most {MostValues} values."));
        return [];
    }
}

internal enum ReportOrder
{
    Newest,
    Nearest,
    Relevance,
}

internal static class ListReports
{
    public static async Task<Results<Ok<ReportPage>, ValidationProblem>> HandleAsync(
        [AsParameters] ReportQuery query, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, ReportColumns columns,
        CategoryCache categories, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query, page);
        query.Validate(errors, out var filter, out var box, out var order);
        foreach (var category in filter.Categories)
        {
            if (await categories.ValidateFilterAsync(category, cancellationToken) is { } error)
            {
                errors.Add("category", error);
                break;
            }
        }

        var point = query is { Latitude: { } latitude, Longitude: { } longitude } ? new Place(latitude, longitude) : (Place?)null;
        var list = new ReportList(database, columns, page.Size) { Filter = filter, Around = point, RadiusKm = query.RadiusKm, Box = box };
        var (before, after) = (Guid.Empty, (Key: 0.0, Id: Guid.Empty));
        if (page.Cursor is { } cursor && !(order switch
        {
            ReportOrder.Nearest => Cursor.TryDecode(cursor, out after.Key, out after.Id) && after.Key >= 0 && after.Key <= (query.RadiusKm ?? Circle.MaxRadiusKm) * 1000,
            ReportOrder.Relevance => Cursor.TryDecode(cursor, out after.Key, out after.Id) && double.IsFinite(after.Key),
            _ => Cursor.TryDecode(cursor, out before),
        }))
        {
            errors.Add("cursor", Cursor.Invalid);
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var rows = order switch
        {
            ReportOrder.Nearest => await list.NearestAsync(page.Cursor is null ? null : after, cancellationToken),
            ReportOrder.Relevance => await list.MostRelevantAsync(page.Cursor is null ? null : after, cancellationToken),
            _ => await list.NewestAsync(page.Cursor is null ? null : before, cancellationToken),
        };
        var items = Page.Of(rows, page.Size, row => row.Report, row => order is ReportOrder.Newest ? Cursor.Encode(row.Report.Id) : Cursor.Encode(row.Key, row.Report.Id));
        var total = query.Total is true ? await list.CountAsync(cancellationToken) : (int?)null;
        await database.Database.CloseConnectionAsync(); // a slow client must not hold it
        return TypedResults.Ok(new ReportPage(
            items.Items, items.NextCursor, total <= ReportList.Counted ? total : null, total > ReportList.Counted ? ReportList.Counted : null));
    }

    public static async Task<Results<Ok<Page<ReportResponse>>, ValidationProblem>> HandleMineAsync(
        HttpContext http, [AsParameters] PageRequest page, ReportingDbContext database, ReportColumns columns, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var list = new ReportList(database, columns, page.Size) { Filter = new ReportFilter { UserId = http.User.UserId } };
        var rows = await list.NewestAsync(page.Cursor is null ? null : before, cancellationToken);
        await database.Database.CloseConnectionAsync(); // a slow client must not hold it
        return TypedResults.Ok(Page.Of(rows, page.Size, row => row.Report, row => Cursor.Encode(row.Report.Id)));
    }
}

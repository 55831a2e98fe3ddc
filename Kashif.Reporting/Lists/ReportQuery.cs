using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Reporting.Lists;

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
    /// The order: <c>nearest</c> first, which needs a point and is the default with one, <c>newest</c> first, or by <c>relevance</c> for <c>q</c>. With a filter, a page
    /// of <c>nearest</c> ends where 200,000 nearer reports do not match, with <c>q</c> after 20,000 reports. <c>relevance</c> ranks the 1,000 newest
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
        var statuses = Split(errors, "status", Status);
        if (!statuses.All(status => ReportStatuses.TryParse(status, out _)))
        {
            errors.Add("status", Localized.Format($"Must be one of {string.Join(", ", ReportStatuses.WireNames)}."));
            statuses = [];
        }

        filter = new ReportFilter
        {
            Categories = Split(errors, "category", Category),
            Statuses = [.. statuses.Select(ReportStatuses.Parse)],
            AreaId = Area,
            From = (From ?? Since)?.ToUniversalTime(), // PostgreSQL's driver takes no other offset
            To = To?.ToUniversalTime(),
            Text = string.IsNullOrWhiteSpace(Text) ? null : Text,
        };
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

using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Reporting.Map;

/// <summary>Which reports a map, an export or a statistic has.</summary>
public sealed class MapQuery
{
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

    /// <summary>Only reports created at this time or later.</summary>
    [FromQuery(Name = "from")]
    public DateTimeOffset? From { get; set; }

    /// <summary>Only reports created before this time.</summary>
    [FromQuery(Name = "to")]
    public DateTimeOffset? To { get; set; }

    /// <summary>Reads the parameters, and finds the errors that attributes cannot.</summary>
    /// <param name="bbox">The parameter <c>bbox</c>; null means the whole earth.</param>
    internal async Task<MapFilter> ParseAsync(string? bbox, FieldErrors errors, CategoryCache known, CancellationToken cancellationToken)
    {
        var categories = ReportQuery.Split(errors, "category", Category);
        foreach (var category in categories)
        {
            if (await known.ValidateFilterAsync(category, cancellationToken) is { } error)
            {
                errors.Add("category", error);
                break;
            }
        }

        var names = ReportQuery.Split(errors, "status", Status);
        if (names.Except(ReportStatuses.WireNames).Any())
        {
            errors.Add("status", Localized.Format($"Must be one of {string.Join(", ", ReportStatuses.WireNames)}."));
            names = [];
        }

        var box = bbox is null ? null : BoundingBox.Parse(bbox);
        if (bbox is not null && box is null)
        {
            errors.Add("bbox", BoundingBox.Invalid);
        }

        return new MapFilter
        {
            Categories = categories,
            Statuses = [.. names.Select(ReportStatuses.Parse)],
            Box = box,
            AreaId = Area,
            From = From?.ToUniversalTime(), // PostgreSQL's driver takes no other offset
            To = To?.ToUniversalTime(),
        };
    }
}

/// <summary>Which reports a map, an export or a statistic has.</summary>
internal sealed record MapFilter : PublicReportQuery
{
    /// <summary>Null: the whole earth.</summary>
    public BoundingBox? Box { get; init; }

    public Areas? Areas => Box is null ? null : new Areas([Box]);

    /// <summary>Only public reports that match.</summary>
    public IQueryable<Report> Apply(IQueryable<Report> reports)
    {
        reports = reports.Public();
        if (Categories.Count > 0)
        {
            reports = reports.Where(report => Categories.Contains(report.Category));
        }

        if (Statuses.Count > 0)
        {
            reports = reports.Where(report => Statuses.Contains(report.Status));
        }

        if (From is { } from)
        {
            var first = IdAfter;
            reports = reports.Where(report => report.Id > first && report.CreatedAt >= from);
        }

        if (To is { } to)
        {
            reports = reports.Where(report => report.CreatedAt < to);
        }

        if (AreaId is { } area)
        {
            reports = reports.Where(report => report.AreaId == area);
        }

        return Box is null ? reports : reports.Inside(Box);
    }
}

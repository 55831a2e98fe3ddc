using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Map;

/// <summary>The reports of one cell of the map's grid.</summary>
/// <param name="Count" example="12">How many reports.</param>
/// <param name="Latitude" example="33.51">Degrees north of their centre.</param>
/// <param name="Longitude" example="36.29">Degrees east of their centre.</param>
/// <param name="ReportId">The id of the report, if it is only one.</param>
/// <param name="Category" example="pothole">The code of the category, if all are of one.</param>
/// <param name="Status">The status, if all have the same.</param>
internal sealed record Cluster(int Count, double Latitude, double Longitude, Guid? ReportId, string? Category, ReportStatus? Status);

/// <summary>Groups reports by the cells of a grid, for a map at a zoom level: the number of groups is bounded, however many reports there are.</summary>
internal static class Clusters
{
    /// <summary>The greatest zoom level: a cell is smaller than a millimetre there, so only reports at one place are together.</summary>
    public const int MaxZoom = 22;

    /// <summary>Cells along a side of a map tile of 256 pixels.</summary>
    public const int CellsPerTile = 8;

    /// <summary>From this zoom level on, a cluster tells the id of its only report. Before it, the ids of whole countries would be compared.</summary>
    private const int Detailed = 10;

    /// <param name="most">The greatest number of clusters to read; the largest ones first.</param>
    public static async Task<List<Cluster>> ReadAsync(ReportingDbContext database, MapFilter filter, int zoom, int most, CancellationToken cancellationToken)
    {
        var cell = 360.0 / Math.ScaleB(CellsPerTile, zoom);
        var groups = filter.Apply(database.Reports.AsNoTracking())
            .GroupBy(report => new { X = Math.Floor(report.Longitude / cell), Y = Math.Floor(report.Latitude / cell) });
        var rows = await (zoom < Detailed
            ? groups.Select(group => new
            {
                Count = group.Count(),
                Latitude = group.Average(report => report.Latitude),
                Longitude = group.Average(report => report.Longitude),
                Id = (string?)null,
                Category = (string?)null,
                OtherCategory = (string?)null,
                Status = (string?)null,
                OtherStatus = (string?)null,
            })
            : groups.Select(group => new
            {
                Count = group.Count(),
                Latitude = group.Average(report => report.Latitude),
                Longitude = group.Average(report => report.Longitude),
                Id = group.Min(report => report.Id.ToString()),
                Category = group.Min(report => report.Category),
                OtherCategory = group.Max(report => report.Category),
                Status = group.Min(report => (string?)(object)report.Status),
                OtherStatus = group.Max(report => (string?)(object)report.Status),
            }))
            .OrderByDescending(group => group.Count).ThenBy(group => group.Latitude).ThenBy(group => group.Longitude)
            .Take(most)
            .ToListAsync(cancellationToken);
        return rows.ConvertAll(row => new Cluster(
            row.Count,
            Math.Round(row.Latitude, 7),
            Math.Round(row.Longitude, 7),
            row is { Count: 1, Id: { } id } ? Guid.Parse(id) : null,
            row.Category == row.OtherCategory ? row.Category : null,
            row.Status is { } status && status == row.OtherStatus ? ReportStatuses.Parse(status) : null));
    }
}

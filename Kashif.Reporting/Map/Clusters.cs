using System.Runtime.InteropServices;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;

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

    /// <param name="most">The greatest number of clusters; the largest ones first.</param>
    public static List<Cluster> Count(PublicReports reports, MapFilter filter, int zoom, int most)
    {
        var cell = 360.0 / Math.ScaleB(CellsPerTile, zoom);
        var groups = new Dictionary<(int X, int Y), Group>();
        reports.Visit(filter, filter.Areas, (in PublicReport report) =>
        {
            var key = ((int)Math.Floor(report.Longitude / cell), (int)Math.Floor(report.Latitude / cell));
            ref var group = ref CollectionsMarshal.GetValueRefOrAddDefault(groups, key, out var exists);
            if (!exists)
            {
                group.First = report;
            }

            group.Count++;
            group.Latitudes += report.Latitude;
            group.Longitudes += report.Longitude;
            group.IsMixed |= group.First.Category != report.Category;
            group.HasStatuses |= group.First.Status != report.Status;
            return true;
        });
        return [.. groups.Values
            .Select(group => new Cluster(
                group.Count,
                Math.Round(group.Latitudes / group.Count, 7),
                Math.Round(group.Longitudes / group.Count, 7),
                group.Count == 1 ? group.First.Id : null,
                group.IsMixed ? null : reports.Categories[group.First.Category],
                group.HasStatuses ? null : group.First.Status))
            .OrderByDescending(cluster => cluster.Count).ThenBy(cluster => cluster.Latitude).ThenBy(cluster => cluster.Longitude)
            .Take(most)];
    }

    private struct Group
    {
        public PublicReport First;
        public int Count;
        public double Latitudes;
        public double Longitudes;

        /// <summary>Whether it has several categories.</summary>
        public bool IsMixed;
        public bool HasStatuses;
    }
}

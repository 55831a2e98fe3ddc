using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Lists;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Reporting.Map;

/// <summary>The clusters of a viewport.</summary>
/// <param name="Items">The clusters, the largest first; at most 2,000.</param>
internal sealed record ClusterList(IReadOnlyList<Cluster> Items);

/// <summary>Reports for maps and charts: public ones only.</summary>
internal static class MapEndpoints
{
    /// <summary>The greatest number of clusters of one response: a viewport of 5 by 6 tiles.</summary>
    private const int MostClusters = 2000;

    /// <summary>How old what is counted over the whole city may be.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(15);

    public static IEndpointRouteBuilder MapMap(this IEndpointRouteBuilder endpoints)
    {
        var map = endpoints.MapGroup("/api/v1/reports").WithTags("Map").AllowAnonymous();
        map.MapGet("/clusters", ClustersAsync).DisableValidation().WithPublicCache(Lifetime)
            .WithName("ListReportClusters").WithSummary("Count reports by the cells of a map");
        map.MapGet("/tiles/{z:int}/{x:int}/{y:int}.mvt", VectorTiles.ReadAsync).DisableValidation().WithEntityTag()
            .WithName("GetReportTile").WithSummary("Get a vector tile of reports")
            .WithDescription("A Mapbox vector tile with the layer `reports`: points with `count`, and with `report_id`, `category` and `status` where they are one. For web maps such as MapLibre.")
            .Produces<string>(StatusCodes.Status200OK, VectorTiles.ContentType);
        map.MapGet("/stats", Statistics.ReadAsync).DisableValidation().WithPublicCache(TimeSpan.FromMinutes(1))
            .WithName("GetReportStatistics").WithSummary("Count reports, and how long they took to be resolved");
        map.MapGet("/export.geojson", Exports.GeoJsonAsync).DisableValidation()
            .WithName("ExportReportsAsGeoJson").WithSummary("Export reports as GeoJSON, oldest first")
            .Produces<string>(StatusCodes.Status200OK, Exports.GeoJson);
        map.MapGet("/export.csv", Exports.CsvAsync).DisableValidation()
            .WithName("ExportReportsAsCsv").WithSummary("Export reports as CSV, oldest first")
            .Produces<string>(StatusCodes.Status200OK, Exports.Csv);
        return endpoints;
    }

    /// <param name="bbox" example="36.2,33.4,36.4,33.6">The viewport as `west,south,east,north` in degrees; west is greater than east across the antimeridian.</param>
    /// <param name="zoom" example="12">The zoom level of a web map, from 0 for the earth to 22.</param>
    private static async Task<Results<Ok<ClusterList>, ValidationProblem>> ClustersAsync(
        [FromQuery(Name = "bbox"), Text(1, 200)] string bbox,
        [FromQuery(Name = "zoom"), Between(0, Clusters.MaxZoom)] int zoom,
        [AsParameters] MapQuery query,
        HttpContext http,
        PublicReports reports,
        CategoryCache categories,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query);
        if (zoom is < 0 or > Clusters.MaxZoom)
        {
            errors.Add("zoom", Localized.Format($"Must be between {0} and {Clusters.MaxZoom}."));
        }

        var filter = await query.ParseAsync(bbox, errors, categories, cancellationToken);

        // No screen has more than 512 cells along a side.
        var width = filter.Box is { } box ? box.Longitudes.Sum(part => part.East - part.West) : 360;
        zoom = Math.Min(zoom, Math.Max(0, (int)Math.Log2(512 * 360.0 / (Clusters.CellsPerTile * Math.Max(width, 1e-9)))));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        await reports.RefreshAsync(cancellationToken);
        return TypedResults.Ok(new ClusterList(Clusters.Count(reports, filter, zoom, MostClusters)));
    }
}

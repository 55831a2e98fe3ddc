using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using NetTopologySuite.Features;
using NetTopologySuite.Geometries;
using NetTopologySuite.IO.VectorTiles;
using NetTopologySuite.IO.VectorTiles.Mapbox;

namespace Kashif.Reporting.Map;

/// <summary>Vector tiles for web maps: https://github.com/mapbox/vector-tile-spec, with the tiles of Web Mercator.</summary>
internal static class VectorTiles
{
    public const string ContentType = "application/vnd.mapbox-vector-tile";

    /// <summary>Units along a side, as most maps use them.</summary>
    private const uint Extent = 4096;

    /// <summary>Clusters have the grid of a tile two levels deeper, so that 32 fit along a side.</summary>
    private const int Finer = 2;

    /// <summary>More than the cells of a tile, which is a little higher than wide in degrees near the poles.</summary>
    private const int MostPoints = 8192;

    /// <param name="z" example="12">The zoom level, from 0 to 22.</param>
    /// <param name="x" example="2460">The column, from the west.</param>
    /// <param name="y" example="1645">The row, from the north.</param>
    public static async Task<Results<FileContentHttpResult, ValidationProblem>> ReadAsync(
        int z, int x, int y, [AsParameters] MapQuery query, HttpContext http, PublicReports reports, CategoryCache categories, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query);
        if (z is < 0 or > Clusters.MaxZoom)
        {
            errors.Add("z", Localized.Format($"Must be between {0} and {Clusters.MaxZoom}."));
        }
        else
        {
            errors.Add("x", x < 0 || x >= 1 << z ? "There is no such tile at this zoom level." : null);
            errors.Add("y", y < 0 || y >= 1 << z ? "There is no such tile at this zoom level." : null);
        }

        var filter = await query.ParseAsync(bbox: null, errors, categories, cancellationToken);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        await reports.RefreshAsync(cancellationToken);
        var clusters = Clusters.Count(reports, filter with { Box = BoxOf(z, x, y) }, Math.Min(z + Finer, Clusters.MaxZoom), MostPoints);
        var bytes = Encode(clusters, z, x, y);
        http.Response.Headers.CacheControl = "public, max-age=15";
        return TypedResults.Bytes(bytes, ContentType, entityTag: PublicCache.TagOf(bytes));
    }

    /// <summary>The part of the map that the tile shows.</summary>
    internal static BoundingBox BoxOf(int z, int x, int y)
    {
        var tiles = Math.ScaleB(1.0, z);
        return new BoundingBox((x / tiles * 360) - 180, Latitude((y + 1) / tiles), ((x + 1) / tiles * 360) - 180, Latitude(y / tiles));

        static double Latitude(double part) => double.RadiansToDegrees(Math.Atan(Math.Sinh(Math.PI * (1 - (2 * part)))));
    }

    private static byte[] Encode(List<Cluster> clusters, int z, int x, int y)
    {
        var layer = new Layer { Name = "reports" };
        foreach (var cluster in clusters)
        {
            var attributes = new AttributesTable { { "count", cluster.Count } };
            Add("report_id", cluster.ReportId?.ToString());
            Add("category", cluster.Category);
            Add("status", cluster.Status?.WireName());
            layer.Features.Add(new Feature(new Point(cluster.Longitude, cluster.Latitude), attributes));

            void Add(string name, string? value)
            {
                if (value is not null)
                {
                    attributes.Add(name, value);
                }
            }
        }

        var tile = new VectorTile { TileId = new NetTopologySuite.IO.VectorTiles.Tiles.Tile(x, y, z).Id };
        if (layer.Features.Count > 0)
        {
            tile.Layers.Add(layer);
        }

        using var stream = new MemoryStream();
        tile.Write(stream, MapboxTileWriter.DefaultMinLinealExtent, MapboxTileWriter.DefaultMinPolygonalExtent, Extent);
        return stream.ToArray();
    }
}

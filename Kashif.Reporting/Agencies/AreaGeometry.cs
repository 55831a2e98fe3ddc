using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Kashif.Localization;
using NetTopologySuite.Algorithm;
using NetTopologySuite.Geometries;
using NetTopologySuite.Operation.OverlayNG;
using NetTopologySuite.Operation.Valid;

namespace Kashif.Reporting.Agencies;

/// <summary>A boundary in GeoJSON.</summary>
/// <param name="Type" example="MultiPolygon">Always <c>MultiPolygon</c>.</param>
/// <param name="Coordinates" example="[[[[36.2, 33.4], [36.4, 33.4], [36.4, 33.6], [36.2, 33.6], [36.2, 33.4]]]]">Polygons of rings of positions: longitude, latitude. The first ring of a polygon is its border, the others are holes.</param>
internal sealed record AreaShape(string Type, double[][][][] Coordinates);

/// <summary>Reads and writes boundaries.</summary>
/// <remarks>
/// Lines are straight in degrees, as in PostGIS' <c>geometry</c>. A line takes the short way around the earth: one from 170° to -170° crosses the antimeridian, and
/// the boundary is cut there, as <see href="https://www.rfc-editor.org/rfc/rfc7946#section-3.1.9">RFC 7946, section 3.1.9</see>, asks. A line from -180° to 180°
/// runs around the whole earth.
/// </remarks>
internal static class AreaGeometry
{
    /// <summary>Of one area.</summary>
    public const int MostPositions = 20_000;
    public const int MostRings = 1_000;

    private const double EarthRadiusM = 6_371_008.8;

    private static readonly GeometryFactory Factory = new(new PrecisionModel(), 4326);

    private static string NotPolygons => Localized.Text("Must be a Polygon or a MultiPolygon of GeoJSON.");

    /// <summary>Reads a <c>Polygon</c> or <c>MultiPolygon</c> of GeoJSON.</summary>
    /// <returns>The boundary, or the error in the caller's language.</returns>
    public static (MultiPolygon? Boundary, string? Error) Read(JsonElement geometry)
    {
        if (geometry.ValueKind is not JsonValueKind.Object || !AreTextsReadable(geometry)
            || !geometry.TryGetProperty("type", out var type) || type.ValueKind is not JsonValueKind.String
            || !geometry.TryGetProperty("coordinates", out var coordinates) || coordinates.ValueKind is not JsonValueKind.Array)
        {
            return (null, NotPolygons);
        }

        JsonElement[]? polygons = type.GetString() switch
        {
            "Polygon" => [coordinates],
            "MultiPolygon" => [.. coordinates.EnumerateArray()],
            _ => null,
        };
        if (polygons is null or [])
        {
            return (null, NotPolygons);
        }

        var (positions, rings) = (0, 0);
        var parsed = new List<Coordinate[][]>();
        foreach (var polygon in polygons)
        {
            if (polygon.ValueKind is not JsonValueKind.Array || polygon.GetArrayLength() == 0 || polygon.EnumerateArray().Any(ring => ring.ValueKind is not JsonValueKind.Array))
            {
                return (null, NotPolygons);
            }

            rings += polygon.GetArrayLength();
            positions += polygon.EnumerateArray().Sum(ring => ring.GetArrayLength());
            if (TooLarge(positions, rings) is { } tooLarge)
            {
                return (null, tooLarge);
            }

            var part = new List<Coordinate[]>();
            foreach (var ring in polygon.EnumerateArray())
            {
                var places = new List<Coordinate>(ring.GetArrayLength());
                foreach (var position in ring.EnumerateArray())
                {
                    // A third number is the altitude. An area has no altitude.
                    if (position.ValueKind is not JsonValueKind.Array || position.GetArrayLength() < 2
                        || position.EnumerateArray().Any(number => number.ValueKind is not JsonValueKind.Number))
                    {
                        return (null, NotPolygons);
                    }

                    places.Add(new Coordinate(position[0].GetDouble(), position[1].GetDouble()));
                }

                part.Add([.. places]);
            }

            parsed.Add([.. part]);
        }

        return Build(parsed);
    }

    /// <summary>Whether all texts and names are text. <c>"\ud800"</c> is valid JSON, but half a character, and an exception where it is read.</summary>
    public static bool AreTextsReadable(JsonElement json)
    {
        var reader = new Utf8JsonReader(JsonMarshal.GetRawUtf8Value(json));
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped)
                {
                    reader.GetString();
                }
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Checks polygons that another reader has built.</summary>
    /// <inheritdoc cref="Read" path="/returns"/>
    public static (MultiPolygon? Boundary, string? Error) Check(MultiPolygon polygons)
    {
        if (polygons.IsEmpty)
        {
            return (null, NotPolygons);
        }

        var parts = polygons.Geometries.Cast<Polygon>()
            .Select(polygon => new[] { polygon.Shell }.Concat(polygon.Holes).Select(ring => ring.Coordinates.Select(place => new Coordinate(place.X, place.Y)).ToArray()).ToArray())
            .ToList();
        return TooLarge(polygons.NumPoints, parts.Sum(part => part.Length)) is { } error ? (null, error) : Build(parts);
    }

    public static AreaShape Write(MultiPolygon boundary) => new(
        "MultiPolygon",
        [.. boundary.Geometries.Cast<Polygon>().Select(polygon => new[] { polygon.Shell }.Concat(polygon.Holes).Select(Positions).ToArray())]);

    /// <summary>On a sphere.</summary>
    public static double SquareMetres(MultiPolygon boundary) =>
        boundary.Geometries.Cast<Polygon>().Sum(polygon => SquareMetres(polygon.Shell) - polygon.Holes.Sum(SquareMetres));

    private static double SquareMetres(LinearRing ring)
    {
        var sum = 0.0;
        for (var index = 1; index < ring.NumPoints; index++)
        {
            var (from, to) = (ring.GetCoordinateN(index - 1), ring.GetCoordinateN(index));
            sum += double.DegreesToRadians(to.X - from.X) * (Math.Sin(double.DegreesToRadians(from.Y)) + Math.Sin(double.DegreesToRadians(to.Y)));
        }

        return Math.Abs(sum) / 2 * EarthRadiusM * EarthRadiusM;
    }

    private static double[][] Positions(LinearRing ring) => [.. ring.Coordinates.Select(place => new[] { place.X, place.Y })];

    private static string? TooLarge(int positions, int rings) =>
        positions > MostPositions || rings > MostRings ? Localized.Format($"At most {MostPositions} positions and {MostRings} rings.") : null;

    private static (MultiPolygon? Boundary, string? Error) Build(List<Coordinate[][]> polygons)
    {
        var parts = new List<Polygon>();
        foreach (var (number, rings) in polygons.Index())
        {
            foreach (var ring in rings)
            {
                if (ring.FirstOrDefault(place => !(Math.Abs(place.X) <= 180 && Math.Abs(place.Y) <= 90)) is { } far)
                {
                    return (null, Localized.Format($"Polygon {number}: {Text(far)} is no longitude and latitude in degrees."));
                }

                if (ring.Length < 4 || !ring[0].Equals2D(ring[^1]))
                {
                    return (null, Localized.Format($"Polygon {number}: a ring needs at least four positions, and the last must be the first."));
                }
            }

            if (rings.Any(ring => Unwound(ring) is null))
            {
                return (null, Localized.Format($"Polygon {number}: a ring runs around a pole. Lead it along the antimeridian to the pole and back."));
            }

            var polygon = Unwound(rings);
            if (Fault(polygon) is { } fault)
            {
                return (null, Localized.Format($"Polygon {number} is not valid: {fault}."));
            }

            parts.AddRange(Cut(polygon));
        }

        var boundary = Factory.CreateMultiPolygon([.. parts.Select(Oriented)]);
        return boundary.IsEmpty ? (null, NotPolygons)
            : Fault(boundary) is { } overlap ? (null, Localized.Format($"The polygons overlap or share a border: {overlap}."))
            : (boundary, null);
    }

    private static string? Fault(Geometry geometry) =>
        new IsValidOp(geometry) is { IsValid: false, ValidationError: var error } ? $"{error.Message}, {Text(error.Coordinate)}" : null;

    private static string Text(Coordinate place) => string.Create(CultureInfo.InvariantCulture, $"[{place.X}, {place.Y}]");

    private static Polygon Unwound(Coordinate[][] rings)
    {
        var unwound = rings.Select(ring => Factory.CreateLinearRing(Unwound(ring))).ToArray();
        var border = unwound[0].EnvelopeInternal;

        // A hole may begin on the other side of the antimeridian.
        return Factory.CreatePolygon(unwound[0], [.. unwound.Skip(1).Select(hole =>
            new[] { 0.0, 360, -360 }.Select(turn => Moved(hole, turn)).FirstOrDefault(moved => border.Contains(moved.EnvelopeInternal)) ?? hole)]);
    }

    /// <summary>The ring without jumps at the antimeridian: its longitudes go on beyond 180°.</summary>
    /// <returns>Null for a ring that does not end where it began, because it runs around a pole.</returns>
    private static Coordinate[]? Unwound(Coordinate[] ring)
    {
        var turn = 0.0;
        var places = new Coordinate[ring.Length];
        for (var index = 0; index < ring.Length; index++)
        {
            var step = index == 0 ? 0 : ring[index].X - ring[index - 1].X;
            turn += step is > 180 and < 360 ? -360 : step is < -180 and > -360 ? 360 : 0;
            places[index] = new Coordinate(ring[index].X + turn, ring[index].Y);
        }

        return turn == 0 ? places : null;
    }

    private static LinearRing Moved(LinearRing ring, double degrees) =>
        degrees == 0 ? ring : Factory.CreateLinearRing([.. ring.Coordinates.Select(place => new Coordinate(place.X + degrees, place.Y))]);

    /// <summary>The polygon's parts between -180° and 180°.</summary>
    private static IEnumerable<Polygon> Cut(Polygon polygon)
    {
        var bounds = polygon.EnvelopeInternal;
        if (bounds is { MinX: >= -180, MaxX: <= 180 })
        {
            return [polygon];
        }

        return
            from turn in Enumerable.Range((int)Math.Floor((bounds.MinX + 180) / 360), (int)Math.Ceiling(bounds.Width / 360) + 2)
            let earth = Factory.ToGeometry(new Envelope(-180 + (360.0 * turn), 180 + (360.0 * turn), -90, 90))
            from part in Parts(OverlayNGRobust.Overlay(polygon, earth, NetTopologySuite.Operation.Overlay.SpatialFunction.Intersection))
            select Factory.CreatePolygon(Moved(part.Shell, -360 * turn), [.. part.Holes.Select(hole => Moved(hole, -360 * turn))]);

        static IEnumerable<Polygon> Parts(Geometry geometry) => Enumerable.Range(0, geometry.NumGeometries).Select(geometry.GetGeometryN).OfType<Polygon>().Where(part => !part.IsEmpty);
    }

    /// <summary>The border against the clock and the holes with it, as RFC 7946 asks.</summary>
    private static Polygon Oriented(Polygon polygon)
    {
        return Factory.CreatePolygon(Turned(polygon.Shell, isAgainstClock: true), [.. polygon.Holes.Select(hole => Turned(hole, isAgainstClock: false))]);

        static LinearRing Turned(LinearRing ring, bool isAgainstClock) =>
            Orientation.IsCCW(ring.CoordinateSequence) == isAgainstClock ? ring : (LinearRing)ring.Reverse();
    }
}

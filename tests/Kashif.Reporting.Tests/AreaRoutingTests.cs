using System.Text.Json;
using Kashif.Reporting.Agencies;
using NetTopologySuite.IO;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>The areas of a place in memory, against an even-odd test of the rings as they were sent, and against PostGIS.</summary>
public sealed class AreaRoutingTests(ReportingService service)
{
    private const string Category = "pothole";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_route_is_that_of_a_test_of_every_ring(int seed)
    {
        var random = new Random(seed);
        var areas = new List<(CityArea Area, Ring[][] Polygons)>();
        while (areas.Count < 60)
        {
            var polygons = RandomPolygons(random);
            var (boundary, _) = AreaGeometry.Read(GeoJson(polygons, random));
            if (boundary is not null)
            {
                string[][] categories = [[], [Category], ["noise"]];
                var agency = random.Next(3) == 0 ? (Guid?)null : Guid.CreateVersion7();
                areas.Add((AreaOf(boundary, agency, categories[random.Next(3)]), polygons));
            }
        }

        // On the grid of the corners, so that many are on a border or a corner, and half-way between.
        var places = Enumerable.Range(0, 3000).Select(_ => (Latitude: random.Next(-180, 181) / 2.0, Longitude: random.Next(-360, 361) / 2.0)).ToArray();
        var map = AreaMap.Of(areas.Select(entry => entry.Area));
        var held = 0;
        foreach (var (latitude, longitude) in places.Where(place => Math.Abs(place.Latitude) < 90))
        {
            var expected = areas.Where(entry => Holds(entry.Polygons, longitude, latitude)).Select(entry => entry.Area).OrderBy(area => area.SquareMetres).ThenBy(area => area.Id).ToList();
            var responsible = expected.Where(area => area.AgencyId is not null).ToList();
            var agency = responsible.Find(area => area.Categories.Contains(Category)) ?? responsible.Find(area => area.Categories.Length == 0);
            var route = map.Route(Category, latitude, longitude);
            (route.AreaId, route.AgencyId).ShouldBe((expected.FirstOrDefault()?.Id, agency?.AgencyId), $"{latitude} {longitude}");
            held += expected.Count > 1 ? 1 : 0;
        }

        held.ShouldBeGreaterThan(100, "places in several areas");

        await using var connection = new NpgsqlConnection(service.Host.Database);
        await connection.OpenAsync(Cancelled);
        var inner = places.Where(place => Math.Abs(place.Latitude) < 90 && Math.Abs(place.Longitude) < 180).ToArray();
        foreach (var (area, _) in areas.Take(20))
        {
            await using var command = new NpgsqlCommand("""
                SELECT array_agg(ST_Covers(ST_GeomFromWKB($1, 4326), ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)) ORDER BY number)
                FROM unnest($2, $3) WITH ORDINALITY AS place (longitude, latitude, number)
                """, connection)
            {
                Parameters =
                {
                    new() { Value = new WKBWriter().Write(area.Boundary) },
                    new() { Value = inner.Select(place => place.Longitude).ToArray() },
                    new() { Value = inner.Select(place => place.Latitude).ToArray() },
                },
            };
            var alone = AreaMap.Of([area]);
            inner.Select(place => alone.Route(Category, place.Latitude, place.Longitude).AreaId is not null).ShouldBe((bool[]?)await command.ExecuteScalarAsync(Cancelled));
        }
    }

    [Fact]
    public void The_antimeridian_and_a_pole_are_one_place_with_several_longitudes()
    {
        var across = Area("""{"type": "Polygon", "coordinates": [[[170, -10], [-170, -10], [-170, 10], [170, 10], [170, -10]], [[178, -1], [179, -1], [179, 1], [178, 1], [178, -1]]]}""");
        var eastOnly = Area("""{"type": "Polygon", "coordinates": [[[170, 40], [180, 40], [180, 50], [170, 50], [170, 40]]]}""");
        var cap = Area("""{"type": "Polygon", "coordinates": [[[-180, 80], [180, 80], [180, 90], [-180, 90], [-180, 80]]]}""");
        var map = AreaMap.Of([across, eastOnly, cap]);

        across.Boundary.NumGeometries.ShouldBe(2);
        across.Boundary.EnvelopeInternal.ShouldBe(new(-180, 180, -10, 10));
        (double Latitude, double Longitude, CityArea? Area)[] places =
        [
            (0, 175, across), (0, 180, across), (0, -180, across), (0, -175, across), (0, 169, null), (0, -169, null), (0, 0, null), (0, 178.5, null), (0, 178, across),
            (45, 180, eastOnly), (45, -180, eastOnly), (45, -179, null),
            (90, 17, cap), (90, -180, cap), (85, 12, cap), (80, 0, cap), (79, 0, null), (-90, 0, null),
        ];
        foreach (var (latitude, longitude, area) in places)
        {
            map.Route(Category, latitude, longitude).AreaId.ShouldBe(area?.Id, $"{latitude} {longitude}");
        }
    }

    [Fact]
    public void A_border_belongs_to_both_areas_and_the_smaller_one_wins()
    {
        var small = Area("""{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}""", Guid.CreateVersion7());
        var large = Area("""{"type": "Polygon", "coordinates": [[[1, 0], [5, 0], [5, 1], [1, 1], [1, 0]]]}""", Guid.CreateVersion7());
        var noise = Area("""{"type": "Polygon", "coordinates": [[[-9, -9], [9, -9], [9, 9], [-9, 9], [-9, -9]]]}""", Guid.CreateVersion7(), "noise");
        var map = AreaMap.Of([large, noise, small]);

        map.Route(Category, 0.5, 1).ShouldSatisfyAllConditions(route => route.AreaId.ShouldBe(small.Id), route => route.AgencyId.ShouldBe(small.AgencyId));
        map.Route(Category, 0.5, 1.1).AgencyId.ShouldBe(large.AgencyId);
        map.Route("noise", 0.5, 1).ShouldSatisfyAllConditions(route => route.AreaId.ShouldBe(small.Id), route => route.AgencyId.ShouldBe(noise.AgencyId, "it names the category"));
        map.Route(Category, 8, 8).ShouldSatisfyAllConditions(route => route.AreaId.ShouldBe(noise.Id), route => route.AgencyId.ShouldBeNull());
    }

    [Theory]
    [InlineData("""{"type": "Point", "coordinates": [1, 2]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": []}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 0], [181, 0], [181, 1], [0, 1], [0, 0]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 91], [0, 91], [0, 0]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 0], [1e999, 0], [1, 1], [0, 0]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[["0", 0], [1, 0], [1, 1], [0, 0]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 0], [0, 0], [0, 0], [0, 0]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 80], [120, 80], [-120, 80], [0, 80]]]}""")]
    [InlineData("""{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], [[5, 5], [6, 5], [6, 6], [5, 5]]]}""")]
    [InlineData("""{"type": "MultiPolygon", "coordinates": [[[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]], [[[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]]]}""")]
    [InlineData("""{"type": "MultiPolygon", "coordinates": 5}""")]
    [InlineData("""{"coordinates": []}""")]
    [InlineData("null")]
    [InlineData("[]")]
    public void A_boundary_that_is_not_valid_is_refused(string geometry)
    {
        var (boundary, error) = AreaGeometry.Read(JsonElement.Parse(geometry));

        boundary.ShouldBeNull();
        error.ShouldNotBeNullOrWhiteSpace();
    }

    [Fact]
    public void A_boundary_has_a_largest_size()
    {
        var ring = Enumerable.Range(0, AreaGeometry.MostPositions).Select(index => (double[])[Math.Cos(index), Math.Sin(index)]).ToList();
        ring.Add(ring[0]);

        var (boundary, error) = AreaGeometry.Read(JsonSerializer.SerializeToElement(new { type = "Polygon", coordinates = new[] { ring } }));

        boundary.ShouldBeNull();
        error.ShouldNotBeNull().ShouldContain("20000");
    }

    private static CityArea Area(string geometry, Guid? agency = null, params string[] categories)
    {
        var (boundary, error) = AreaGeometry.Read(JsonElement.Parse(geometry));
        return AreaOf(boundary ?? throw new InvalidOperationException(error), agency, categories);
    }

    private static CityArea AreaOf(NetTopologySuite.Geometries.MultiPolygon boundary, Guid? agency, string[] categories) => new()
    {
        Id = Guid.CreateVersion7(),
        NameEn = "Area",
        NameAr = "منطقة",
        AgencyId = agency,
        Categories = categories,
        Boundary = boundary,
        SquareMetres = AreaGeometry.SquareMetres(boundary),
    };

    /// <summary>One to three stars with corners on whole degrees, some with a hole, some across the antimeridian. Longitudes go on beyond 180°.</summary>
    private static Ring[][] RandomPolygons(Random random) =>
    [
        .. Enumerable.Range(0, random.Next(1, 4)).Select(_ =>
        {
            var (east, north, radius) = (random.Next(-180, 181), random.Next(-80, 81), random.Next(2, 60));
            var border = Star(random, east, north, radius / 2, radius);
            return radius > 8 && random.Next(2) == 0 ? new[] { border, Star(random, east, north, 1, radius / 4) } : [border];
        }),
    ];

    private static Ring Star(Random random, int east, int north, int least, int most)
    {
        var corners = random.Next(4, 12);
        var places = Enumerable.Range(0, corners).Select(corner =>
        {
            var (angle, radius) = (2 * Math.PI * corner / corners, random.Next(least, most + 1));
            return ((int)Math.Round(east + (radius * Math.Cos(angle))), Math.Clamp((int)Math.Round(north + (radius * Math.Sin(angle))), -89, 89));
        }).ToArray();
        return new Ring([.. places, places[0]]);
    }

    /// <summary>As a client writes it: longitudes between -180° and 180°, and one polygon as itself.</summary>
    private static JsonElement GeoJson(Ring[][] polygons, Random random)
    {
        var east = random.Next(2) == 0 ? 180 : -180; // the antimeridian has two names
        var coordinates = polygons.Select(polygon => polygon.Select(ring => ring.Places.Select(place => (double[])[Wrapped(place.East, east), place.North]).ToArray()).ToArray()).ToArray();
        return coordinates.Length == 1
            ? JsonSerializer.SerializeToElement(new { type = "Polygon", coordinates = coordinates[0] })
            : JsonSerializer.SerializeToElement(new { type = "MultiPolygon", coordinates });
    }

    private static int Wrapped(int longitude, int antimeridian) =>
        Math.Abs(longitude) % 360 == 180 ? antimeridian : longitude > 180 ? longitude - 360 : longitude < -180 ? longitude + 360 : longitude;

    private static bool Holds(Ring[][] polygons, double east, double north) => polygons.Any(polygon => new[] { -360, 0, 360 }.Any(turn =>
        polygon[0].Place(east + turn, north) >= 0 && polygon.Skip(1).All(hole => hole.Place(east + turn, north) <= 0)));

    /// <summary>A closed ring of whole numbers: the arithmetic below is exact for halves.</summary>
    private sealed record Ring((int East, int North)[] Places)
    {
        /// <returns>1 inside, 0 on the border, -1 outside.</returns>
        public int Place(double east, double north)
        {
            var isInside = false;
            for (var index = 1; index < Places.Length; index++)
            {
                var ((x1, y1), (x2, y2)) = (Places[index - 1], Places[index]);
                var side = ((x2 - x1) * (north - y1)) - ((y2 - y1) * (east - x1));
                if (side == 0 && east >= Math.Min(x1, x2) && east <= Math.Max(x1, x2) && north >= Math.Min(y1, y2) && north <= Math.Max(y1, y2))
                {
                    return 0;
                }

                if (y1 > north != y2 > north && side > 0 == y2 > y1)
                {
                    isInside = !isInside;
                }
            }

            return isInside ? 1 : -1;
        }
    }
}

using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Compares search by distance with brute-force great circles all over the earth.</summary>
public sealed class GeographyTests(ReportingService service)
{
    private const double EarthKm = 6371.0088;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_radius_returns_exactly_the_reports_within_the_great_circle(int seed)
    {
        var random = new Random(seed);
        var category = $"globe-{seed}";
        (double Latitude, double Longitude)[] hubs = [(24.7, 46.7), (0, 180), (-17, -179.99), (90, 0), (-90, 0), (89.99, 77), (0, 0), (51.5, -0.1)];
        var places = Enumerable.Range(0, 1500)
            .Select(_ => (Math.Asin((2 * random.NextDouble()) - 1) * 180 / Math.PI, (random.NextDouble() * 360) - 180))
            .Concat(hubs.SelectMany(hub => Enumerable.Range(0, 120).Select(_ => Near(hub))))
            .Concat(hubs)
            .Where(ReportingService.IsFree)
            .ToArray();
        var ids = await service.SeedAsync(places, category);
        using var client = service.Host.Anonymous();

        for (var round = 0; round < 24; round++)
        {
            var hub = hubs[round % hubs.Length];
            var (latitude, longitude) = round % 3 == 0 ? hub : Near(hub);
            var radius = Math.Min(20037.5, Math.Pow(10, (random.NextDouble() * 4.5) - 0.2));
            var within = ids.Zip(places, (id, place) => (Id: id, Km: Haversine(latitude, longitude, place.Item1, place.Item2)))
                .Where(found => found.Km <= radius).OrderBy(found => found.Km).ToArray();
            var query = string.Create(CultureInfo.InvariantCulture,
                $"{Root}?category={category}&latitude={latitude:R}&longitude={longitude:R}&radius_km={radius:R}");

            var nearest = await client.AllPagesAsync($"{query}&sort=nearest", 100);
            var newest = await client.AllPagesAsync($"{query}&sort=newest", 100);

            nearest.Select(report => report.Id).Order().ShouldBe(within.Select(found => found.Id).Order(), $"{query} nearest");
            nearest.Zip(within).ShouldAllBe(pair => Math.Abs(Distance(pair.First) - pair.Second.Km) < 0.002, $"{query} distances");
            newest.Select(report => report.Id).ShouldBe(within.Select(found => found.Id).OrderDescending(), $"{query} newest");
        }

        (double, double) Near((double Latitude, double Longitude) hub)
        {
            var spread = Math.Pow(10, (random.NextDouble() * 3) - 2);
            var latitude = hub.Latitude + ((random.NextDouble() - 0.5) * spread);
            var longitude = hub.Longitude + ((random.NextDouble() - 0.5) * spread);
            return (Math.Clamp(latitude, -90, 90), longitude > 180 ? longitude - 360 : longitude < -180 ? longitude + 360 : longitude);
        }
    }

    [Theory]
    [InlineData(-180, -90, 180, 90)]
    [InlineData(170, -30, -170, 30)]
    [InlineData(179.5, -20, 180, 20)]
    [InlineData(-180, -20, -179.5, 20)]
    [InlineData(-20, 80, 200 - 360, 90)]
    [InlineData(10, -90, 50, -89.9)]
    [InlineData(46.6, 24.6, 46.8, 24.8)]
    [InlineData(46.7, 24.7, 46.7, 24.7)]
    [InlineData(-0.01, 51.4, 0.3, 51.6)]
    [InlineData(46.65, 24.65, 46.72, 24.71, 4.0)]
    [InlineData(170, -30, -179.9, 30, 900.0)]
    public async Task A_box_returns_exactly_its_reports(double west, double south, double east, double north, double? radius = null)
    {
        var random = new Random(5);
        (double Latitude, double Longitude)[] hubs = [(24.7, 46.7), (0, 180), (0, -180), (-17, -179.99), (90, 0), (-90, 0), (89.99, 77), (0, 0), (51.5, 0)];
        (double Latitude, double Longitude)[] places =
        [
            .. hubs, .. Enumerable.Range(0, 300).Select(_ => ((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180)).Where(ReportingService.IsFree),
            .. hubs.SelectMany(hub => Enumerable.Range(0, 20).Select(_ => (
                Math.Clamp(hub.Latitude + ((random.NextDouble() - 0.5) * 0.3), -90, 90), Math.Clamp(hub.Longitude + ((random.NextDouble() - 0.5) * 0.3), -180, 180)))),
        ];
        var category = $"box-{Guid.CreateVersion7():N}"[..30];
        var ids = await service.SeedAsync(places, category);
        var (latitude, longitude) = (south + ((north - south) / 3), west);
        var expected = ids.Zip(places).Where(report => IsInside(report.Second)
                && (radius is null || Haversine(latitude, longitude, report.Second.Latitude, report.Second.Longitude) <= radius))
            .Select(report => report.First).OrderDescending().ToArray();
        using var client = service.Host.Anonymous();
        var query = string.Create(CultureInfo.InvariantCulture, $"{Root}?category={category}&bbox={west},{south},{east},{north}&total=true")
            + (radius is null ? "" : string.Create(CultureInfo.InvariantCulture, $"&latitude={latitude:R}&longitude={longitude:R}&radius_km={radius}"));

        (await client.AllPagesAsync($"{query}&sort=newest", 40)).Select(report => report.Id).ShouldBe(expected);
        (await client.ReadAsync($"{query}&sort=newest")).Body.GetProperty("total").GetInt32().ShouldBe(expected.Length);
        if (radius is not null)
        {
            (await client.AllPagesAsync($"{query}&sort=nearest", 40)).Select(report => report.Id).Order().ShouldBe(expected.Order());
        }

        bool IsInside((double Latitude, double Longitude) place) => place.Latitude >= south && place.Latitude <= north
            && (double[])[place.Longitude, .. Math.Abs(place.Longitude) == 180 ? [-place.Longitude] : Array.Empty<double>()] is var same
            && same.Any(value => west <= east ? value >= west && value <= east : value >= west || value <= east);
    }

    [Fact]
    public async Task Without_a_radius_all_reports_are_sorted_by_distance()
    {
        const string Category = "whole-earth";
        var ids = await service.SeedAsync([(0, 0), (0, 180), (0, -179.999), (90, 12), (-90, 12), (0.001, 0.001)], Category);
        using var client = service.Host.Anonymous();

        var items = await client.AllPagesAsync($"{Root}?category={Category}&latitude=0&longitude=179.9995", 2);

        items.Select(report => report.Id).Take(2).ShouldBe([ids[1], ids[2]]);
        items.Select(report => report.Id).Skip(2).Take(2).Order().ShouldBe([ids[3], ids[4]]);
        items.Select(report => report.Id).Skip(4).ShouldBe([ids[5], ids[0]]);
        Distance(items[0]).ShouldBe(0.056);
        Distance(items[5]).ShouldBe(Math.PI * EarthKm, 0.1);
    }

    [Fact]
    public async Task Reports_at_one_point_page_without_gaps_or_repeats()
    {
        const string Category = "one-place";
        var ids = await service.SeedAsync([.. Enumerable.Repeat((12.34, 56.78), 30), (12.35, 56.78)], Category);
        using var client = service.Host.Anonymous();

        var items = await client.AllPagesAsync($"{Root}?category={Category}&latitude=12.34&longitude=56.78&radius_km=5", 7);

        items.Select(report => report.Id).ShouldBe(ids);
        items.Take(30).ShouldAllBe(report => Distance(report) == 0);
    }

    /// <summary>Isolated by its place, not by a category, because the query must have no filter.</summary>
    [Fact]
    public async Task Without_a_filter_the_radius_ends_the_list()
    {
        (double Latitude, double Longitude)[] places = [.. Enumerable.Range(0, 25).Select(index => (-60 + (index * 0.001), -120.0))];
        var ids = await service.SeedAsync(places);
        using var client = service.Host.Anonymous();
        const string Query = $"{Root}?latitude=-60&longitude=-120&radius_km=1";

        var nearest = await client.AllPagesAsync($"{Query}&sort=nearest", 3);
        var byDefault = await client.AllPagesAsync(Query, 100);
        var newest = await client.AllPagesAsync($"{Query}&sort=newest", 3);

        nearest.Select(report => report.Id).ShouldBe(ids.Take(9)); // They are 0.111 km apart.
        byDefault.Select(report => report.Id).ShouldBe(ids.Take(9));
        newest.Select(report => report.Id).ShouldBe(ids.Take(9).Reverse());
    }

    [Theory]
    [InlineData("NaN", "")]
    [InlineData("-1E-09", "")]
    [InlineData("20037501", "")]
    [InlineData("Infinity", "")]
    [InlineData("5001", "&radius_km=5")]
    public async Task A_cursor_outside_the_area_returns_400(string metres, string radius)
    {
        using var client = service.Host.Anonymous();
        var cursor = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{metres}|{Guid.CreateVersion7()}"));

        var (status, problem) = await client.ReadAsync($"{Root}?latitude=1&longitude=1{radius}&cursor={cursor}");

        status.ShouldBe(400);
        problem.BadFields.ShouldBe(["cursor"]);
    }

    private static double Distance(JsonElement report) => report.GetProperty("distance_km").GetDouble();

    private static double Haversine(double latitude1, double longitude1, double latitude2, double longitude2)
    {
        var (phi1, phi2) = (double.DegreesToRadians(latitude1), double.DegreesToRadians(latitude2));
        var north = Math.Sin((phi2 - phi1) / 2);
        var east = Math.Sin(double.DegreesToRadians(longitude2 - longitude1) / 2);
        return 2 * EarthKm * Math.Asin(Math.Sqrt(Math.Min(1, (north * north) + (Math.Cos(phi1) * Math.Cos(phi2) * east * east))));
    }
}

using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
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
    [InlineData("2.1", "")]
    [InlineData("Infinity", "")]
    [InlineData("0.001", "&radius_km=5")]
    public async Task A_cursor_outside_the_area_returns_400(string chord, string radius)
    {
        using var client = service.Host.Anonymous();
        var cursor = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{chord}|{Guid.CreateVersion7()}"));

        var (status, problem) = await client.ReadAsync($"{Root}?latitude=1&longitude=1{radius}&cursor={cursor}");

        status.ShouldBe(400);
        problem.BadFields.ShouldBe(["cursor"]);
    }

    /// <summary>Counts the rows that PostgreSQL reads, in the transaction of the query.</summary>
    [Theory]
    [InlineData("a crowded point", null)]
    [InlineData("a forged cursor", 1.9)]
    [InlineData("a cursor within the crowd", 0.0)]
    public async Task A_page_of_the_nearest_reports_reads_a_bounded_number_of_rows(string what, double? chord)
    {
        const string Category = "crowded";
        var count = ReportList.Depth + 500;
        await using var host = await service.StartAnotherAsync(reportsPerHour: 0);
        await service.SeedAsync([.. Enumerable.Repeat((12.5, 56.5), count)], Category, database: host.Database);
        await using var scope = host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
        await database.Database.ExecuteSqlAsync($"ANALYZE reports", Cancelled);

        foreach (var category in (string?[])[null, Category])
        {
            await using var transaction = await database.Database.BeginTransactionAsync(Cancelled);
            var before = await ReadSoFarAsync(database);
            var list = new ReportList(database, host.Services.GetRequiredService<ReportColumns>(), size: 10)
            {
                Category = category,
                Around = new Area(Globe.Vector(12.5, 56.5), null),
            };
            var rows = await list.NearestAsync(chord is { } from ? (from, Guid.Empty) : null, Cancelled);
            var read = await ReadSoFarAsync(database) - before;

            rows.Count.ShouldBe(chord == 1.9 ? 0 : 11, what);
            read.ShouldBeInRange(11, ReportList.Depth + 1, what);
        }
    }

    [Fact]
    public async Task A_rare_filter_reads_only_the_nearest_reports()
    {
        await using var host = await service.StartAnotherAsync(reportsPerHour: 0);
        await service.SeedAsync([.. Enumerable.Range(0, ReportList.Filtered + 500).Select(index => (12.5, 56.5 + (index * 1e-5)))], "common", database: host.Database);
        await service.SeedAsync([(12.5, 56.5), (12.5, 60)], "rare", database: host.Database);
        await using var scope = host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
        await database.Database.ExecuteSqlAsync($"ANALYZE reports", Cancelled);

        foreach (var radius in (double?[])[null, Globe.Chord(1_000)])
        {
            await using var transaction = await database.Database.BeginTransactionAsync(Cancelled);
            var before = await ReadSoFarAsync(database);
            var list = new ReportList(database, host.Services.GetRequiredService<ReportColumns>(), size: 10)
            {
                Category = "rare",
                Around = new Area(Globe.Vector(12.5, 56.5), radius),
            };
            var rows = await list.NearestAsync(null, Cancelled);

            rows.Count.ShouldBe(1);
            (await ReadSoFarAsync(database) - before).ShouldBeInRange(1, ReportList.Filtered);
        }
    }

    [Fact]
    public async Task The_nearest_reports_are_read_in_index_order()
    {
        await service.SeedAsync([.. Enumerable.Range(0, 3000).Select(index => (10 + (index % 60 * 0.01), 10 + (index / 60 * 0.01)))], "planned");
        await using var connection = new NpgsqlConnection(service.Host.Database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand("""
            ANALYZE reports;
            EXPLAIN SELECT * FROM (
                SELECT * FROM (
                    SELECT * FROM (
                        SELECT id, category, position <-> cube(ARRAY[1, 0, 0]::float8[]) AS chord FROM reports
                        ORDER BY position <-> cube(ARRAY[1, 0, 0]::float8[]) LIMIT 20000
                    ) near WHERE category = 'planned' ORDER BY chord LIMIT 5000
                ) scanned WHERE (chord, id) > (0.0001, '00000000-0000-0000-0000-000000000000') ORDER BY chord FETCH FIRST 51 ROWS WITH TIES
            ) nearest WHERE chord <= 0.001 ORDER BY chord, id LIMIT 51
            """, connection);
        var plan = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        while (await reader.ReadAsync(Cancelled))
        {
            plan.Add(reader.GetString(0));
        }

        plan.ShouldContain(line => line.Contains("Index Scan using ix_reports_position", StringComparison.Ordinal));
        plan.ShouldContain(line => line.Contains("Order By: (\"position\" <->", StringComparison.Ordinal));
        plan.Count(line => line.Contains("Sort Key", StringComparison.Ordinal)).ShouldBe(1, "only the page is sorted");
    }

    private static Task<long> ReadSoFarAsync(ReportingDbContext database) => database.Database.SqlQuery<long>($"""
        SELECT (idx_tup_fetch + seq_tup_read)::bigint AS "Value" FROM pg_stat_xact_user_tables WHERE relname = 'reports'
        """).SingleAsync(Cancelled);

    private static double Distance(JsonElement report) => report.GetProperty("distance_km").GetDouble();

    private static double Haversine(double latitude1, double longitude1, double latitude2, double longitude2)
    {
        var (phi1, phi2) = (double.DegreesToRadians(latitude1), double.DegreesToRadians(latitude2));
        var north = Math.Sin((phi2 - phi1) / 2);
        var east = Math.Sin(double.DegreesToRadians(longitude2 - longitude1) / 2);
        return 2 * EarthKm * Math.Asin(Math.Sqrt(Math.Min(1, (north * north) + (Math.Cos(phi1) * Math.Cos(phi2) * east * east))));
    }
}

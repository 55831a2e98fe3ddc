extern alias cli;
extern alias reporting;

using System.Diagnostics;
using System.Globalization;
using cli::Kashif.Cli;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using reporting::Kashif.Reporting.Data;
using reporting::Kashif.Reporting.Lists;
using reporting::Kashif.Reporting.Reports;

namespace Kashif.Benchmarks;

/// <summary>
/// Measures lists and maps of a small and a large table: whether "the newest within 5 km" cost the same in every place and in both tables, how long other
/// lists take, that no list reads the whole table, how much memory a report takes, and what the indexes cost when one is added.
/// </summary>
internal static class Lists
{
    private const int Crowd = 60_000;
    private const int Countryside = 30_000;
    private static readonly int[] Sizes = [200_000, 2_000_000];

    /// <summary>The middle of the city that <see cref="ReportSeed"/> makes, and a point of its suburbs.</summary>
    private static readonly (double Latitude, double Longitude) City = (33.513, 36.292), Suburb = (33.513, 36.17);

    private static readonly (string Name, Func<Random, (double Latitude, double Longitude)> Centre)[] Places =
    [
        ("dense city", random => Near(random, City, 0, 3)),
        ("edge of the city", random => Near(random, City, 21, 23)),
        ("countryside", random => Near(random, (34.7, 37.6), 0, 60)),
        ("60,000 newest just outside", random => Near(random, Suburb, 5.01, 5.5)),
    ];

    private static readonly (string Name, string Path)[] Reads =
    [
        ("newest", "?limit=50"),
        ("of a category", "?category=noise"),
        ("of two statuses", "?status=verified,in_progress"),
        ("of a category and a status", "?category=noise&status=verified"),
        ("of a month", "?from={month}&to={week}"),
        ("with a common word", "?q=pothole"),
        ("with two words", "?q=baghdad+graffiti"),
        ("without a match", "?q=nothing+has+this"),
        ("nearest", "?latitude={lat}&longitude={lon}"),
        ("nearest of a category", "?latitude={lat}&longitude={lon}&category=noise"),
        ("newest within 5 km of a category", "?latitude={lat}&longitude={lon}&radius_km=5&sort=newest&category=noise"),
        ("newest in a box, counted", "?bbox=36.2,33.4,36.4,33.6&total=true"),
        ("clusters of the city", "/clusters?bbox=36.07,33.33,36.51,33.69&zoom=12"),
        ("clusters of some streets", "/clusters?bbox=36.28,33.50,36.30,33.52&zoom=16"),
        ("a tile of the city", "/tiles/11/1230/822.mvt"),
        ("statistics of all", "/stats"),
        ("statistics of a box, by day", "/stats?group_by=day&bbox=36.2,33.4,36.4,33.6"),
    ];

    public static async Task RunAsync(TimeSpan duration)
    {
        await using var servers = await TestServers.StartAsync();
        await using var issuer = await TestIssuer.StartAsync();
        var perSecond = new List<Measurement[]>();
        var latencies = new List<double[]>();
        var memory = new List<double>();
        string[] scans = [], inserts = [];
        foreach (var size in Sizes)
        {
            await using var service = await ServiceHost<reporting::Program>.StartAsync(
                servers, issuer, ResourceNames.ReportingDb, new Dictionary<string, string?> { ["Logging:LogLevel:Default"] = "Error" });
            await using var database = NpgsqlDataSource.Create(service.Database + ";Command Timeout=0");
            var before = GC.GetTotalMemory(forceFullCollection: true);
            await SeedAsync(database, size);
            await service.Services.GetRequiredService<PublicReports>().RefreshAsync(CancellationToken.None);
            memory.Add((GC.GetTotalMemory(forceFullCollection: true) - before) / (double)(size + Countryside + Crowd));
            perSecond.Add(await ThroughputAsync(service.Address, duration));
            latencies.Add(await LatenciesAsync(service));
            scans = await SequentialScansAsync(service);
            inserts = size == Sizes[^1] ? await InsertsAsync(database) : [];
        }

        Console.WriteLine($"{Environment.ProcessorCount} cores, load generator, service and servers on the same machine, {duration.TotalSeconds:0} s a place");
        Console.WriteLine();
        Print("50 newest within 5 km, requests a second", Places.Select((place, index) => (place.Name, perSecond[0][index].PerSecond, perSecond[1][index].PerSecond)));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"The fastest place to the slowest: {Spread(perSecond[0]):0.00} and {Spread(perSecond[1]):0.00}. Errors: {perSecond.SelectMany(all => all).Sum(one => one.Errors)}."));
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Memory: {memory[0]:0} and {memory[1]:0} bytes a report."));
        Console.WriteLine();
        Print("one request at a time, median in ms", Reads.Select((read, index) => (read.Name, latencies[0][index], latencies[1][index])));
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| adding reports to {Sizes[^1]:n0} | rows a second |"));
        Console.WriteLine("|---|---|");
        Console.WriteLine(string.Join('\n', inserts));
        if (scans.Length > 0)
        {
            throw new InvalidOperationException($"These lists read the whole table: {string.Join(", ", scans)}.");
        }
    }

    private static double Spread(Measurement[] places) => places.Max(place => place.PerSecond) / places.Min(place => place.PerSecond);

    private static void Print(string what, IEnumerable<(string Name, double Small, double Large)> rows)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {Sizes[0]:n0} reports | {Sizes[1]:n0} reports | ratio |"));
        Console.WriteLine("|---|---|---|---|");
        foreach (var (name, small, large) in rows)
        {
            var ratio = Math.Max(small, large) / Math.Min(small, large);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {small:#,0.#} | {large:#,0.#} | {ratio:0.00} |"));
        }
    }

    /// <summary>A city, some reports in the country around it, and the newest of all at one point.</summary>
    private static async Task SeedAsync(NpgsqlDataSource database, int count)
    {
        var start = Stopwatch.GetTimestamp();
        await Console.Error.WriteLineAsync($"Seeding {count} reports…");
        await ReportSeed.FillAsync(database, count, _ => { });
        await using var insert = database.CreateCommand(string.Create(CultureInfo.InvariantCulture, $"""
            INSERT INTO reports (id, user_id, title, description, category, status, latitude, longitude, created_at, updated_at, version)
            SELECT (lpad(to_hex(extract(epoch FROM at)::bigint * 1000), 12, '0') || '70008000' || lpad(to_hex(number), 12, '0'))::uuid, gen_random_uuid(),
                'Deep pothole', 'Seen on the way to work.', 'pothole', 'submitted', latitude, longitude, at, at, 1
            FROM (
                SELECT number, now() - random() * interval '300 days' AS at, 34 + random() * 1.4 AS latitude, 36.8 + random() * 1.6 AS longitude FROM generate_series(1, {Countryside}) AS number
                UNION ALL
                SELECT number, now(), {Suburb.Latitude}, {Suburb.Longitude} FROM generate_series({Countryside + 1}, {Countryside + Crowd}) AS number
            ) places;
            """));
        await insert.ExecuteNonQueryAsync();
        await using var vacuum = database.CreateCommand("VACUUM (ANALYZE) reports");
        await vacuum.ExecuteNonQueryAsync();
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"It took {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s."));
    }

    private static async Task<Measurement[]> ThroughputAsync(Uri service, TimeSpan duration)
    {
        const int Connections = 32, Centres = 5000;
        var file = Path.Combine(Path.GetTempPath(), $"kashif-bench-{Guid.CreateVersion7():N}");
        var measured = new List<Measurement>();
        try
        {
            foreach (var (_, centre) in Places)
            {
                var random = new Random(Places.Length);
                await File.WriteAllLinesAsync(file, Enumerable.Range(0, Centres).Select(_ => centre(random)).Select(place => string.Create(
                    CultureInfo.InvariantCulture, $"/api/v1/reports?latitude={place.Latitude:0.00000}&longitude={place.Longitude:0.00000}&radius_km=5&sort=newest&limit=50")));
                await Wrk.RunAsync(service, TimeSpan.FromSeconds(measured.Count == 0 ? 20 : 5), Connections, "paths.lua", file); // the JIT compiler and the caches
                measured.Add(await Wrk.RunAsync(service, duration, Connections, "paths.lua", file));
            }
        }
        finally
        {
            File.Delete(file);
        }

        return [.. measured];
    }

    private static async Task<double[]> LatenciesAsync(ServiceHost<reporting::Program> service)
    {
        const int Warm = 3, Requests = 21;
        using var client = service.Anonymous();
        var random = new Random(1);
        var now = TimeProvider.System.GetUtcNow();
        var medians = new List<double>();
        foreach (var (_, path) in Reads)
        {
            var times = new List<double>();
            for (var number = 0; number < Warm + Requests; number++)
            {
                var (latitude, longitude) = Near(random, City, 0, 8);
                var target = path.Replace("{lat}", latitude.ToString("0.00000", CultureInfo.InvariantCulture)).Replace("{lon}", longitude.ToString("0.00000", CultureInfo.InvariantCulture))
                    .Replace("{month}", $"{now.AddDays(-37):yyyy-MM-ddTHH:mm:ssZ}").Replace("{week}", $"{now.AddDays(-7):yyyy-MM-ddTHH:mm:ssZ}");
                var start = Stopwatch.GetTimestamp();
                using var response = await client.GetAsync($"/api/v1/reports{target}");
                await response.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync();
                if (number >= Warm)
                {
                    times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }

            medians.Add(times.Order().ElementAt(Requests / 2));
        }

        return [.. medians];
    }

    /// <returns>The lists that have read all reports. PostgreSQL counts the sequential scans of a transaction.</returns>
    private static async Task<string[]> SequentialScansAsync(ServiceHost<reporting::Program> service)
    {
        var near = new Place(City.Latitude, City.Longitude);
        (string Name, ReportFilter Filter, bool Nearest, Place? Around, double? Radius, BoundingBox? Box)[] searches =
        [
            ("newest within 5 km", new(), false, near, 5, null),
            ("newest within 3,000 km", new(), false, near, 3000, null),
            ("newest within 5 km of a category", new() { Categories = ["noise"] }, false, near, 5, null),
            ("newest within 5 km of a category without reports", new() { Categories = ["none"] }, false, near, 5, null),
            ("newest within 5 km with a rare word", new() { Text = "baghdad 77 graffiti" }, false, near, 5, null),
            ("newest in a box", new() { Statuses = [ReportStatus.Verified, ReportStatus.InProgress] }, false, null, null, new(36.2, 33.4, 36.4, 33.6)),
            ("nearest", new(), true, near, null, null),
            ("nearest of a status", new() { Statuses = [ReportStatus.Rejected] }, true, near, null, null),
            ("of a category", new() { Categories = ["noise"] }, false, null, null, null),
            ("of a status", new() { Statuses = [ReportStatus.Verified] }, false, null, null, null),
            ("of a category and a status", new() { Categories = ["noise"], Statuses = [ReportStatus.Verified] }, false, null, null, null),
            ("of two categories and statuses", new() { Categories = ["noise", "graffiti"], Statuses = [ReportStatus.Submitted, ReportStatus.Verified] }, false, null, null, null),
            ("of words", new() { Text = "baghdad graffiti" }, false, null, null, null),
            ("of words without a match", new() { Text = "nothing has this" }, false, null, null, null),
            ("of a user", new() { UserId = Guid.CreateVersion7() }, false, null, null, null),
        ];
        var scanned = new List<string>();
        foreach (var (name, filter, nearest, around, radius, box) in searches)
        {
            await using var scope = service.Services.CreateAsyncScope();
            var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
            var lists = scope.ServiceProvider.GetRequiredService<ReportLists>();
            var search = new ReportSearch(filter, Size: 50, around, radius, box);
            await database.Database.OpenConnectionAsync();
            await database.Database.OpenConnectionAsync(); // twice: a list closes it once
            await using var batch = await database.CreateBatchAsync(CancellationToken.None);
            await using var transaction = await batch.Connection!.BeginTransactionAsync();
            await (nearest ? lists.NearestAsync(search, null, CancellationToken.None) : lists.NewestAsync(search, null, CancellationToken.None));
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'reports'"));
            if (await batch.ExecuteScalarAsync() is long and > 0)
            {
                scanned.Add(name);
            }
        }

        return [.. scanned];
    }

    /// <summary>Adds reports in a transaction that is rolled back, with and without what each report costs besides its row.</summary>
    private static async Task<string[]> InsertsAsync(NpgsqlDataSource database)
    {
        const int Rows = 10_000;
        (string Name, string Without)[] variants =
        [
            ("as they are", ""),
            ("without the change feed", "ALTER TABLE reports DISABLE TRIGGER USER"),
            ("without the index of words", "DROP INDEX ix_reports_words"),
            ("without the index of PostGIS", "DROP INDEX ix_reports_location"),
        ];
        var results = new List<string>();
        foreach (var (name, without) in variants)
        {
            var best = double.MaxValue;
            for (var attempt = 0; attempt < 3; attempt++)
            {
                await using var connection = await database.OpenConnectionAsync();
                await using var transaction = await connection.BeginTransactionAsync();
                await using var command = new NpgsqlCommand(without.Length > 0 ? without : "SELECT 1", connection);
                await command.ExecuteNonQueryAsync();
                command.CommandText = string.Create(CultureInfo.InvariantCulture, $"""
                    INSERT INTO reports (id, user_id, title, description, category, status, latitude, longitude, created_at, updated_at, version)
                    SELECT (lpad(to_hex(extract(epoch FROM clock_timestamp())::bigint * 1000), 12, '0') || '7fff8000' || lpad(to_hex(number), 12, '0'))::uuid, gen_random_uuid(),
                        'Deep pothole', 'Seen on the way to work, ' || number || ' m after the corner.', 'pothole', 'submitted', 33.4 + random() * 0.2, 36.2 + random() * 0.2, now(), now(), 1
                    FROM generate_series(1, {Rows}) AS number
                    """);
                var start = Stopwatch.GetTimestamp();
                await command.ExecuteNonQueryAsync();
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
                await transaction.RollbackAsync();
            }

            results.Add(string.Create(CultureInfo.InvariantCulture, $"| {name} | {Rows / best:n0} |"));
        }

        return [.. results];
    }

    private static (double Latitude, double Longitude) Near(Random random, (double Latitude, double Longitude) centre, double fromKm, double toKm)
    {
        const double Degree = 111.195; // km
        var (angle, km) = (random.NextDouble() * 2 * Math.PI, fromKm + (random.NextDouble() * (toKm - fromKm)));
        var latitude = centre.Latitude + (km * Math.Sin(angle) / Degree);
        return (latitude, centre.Longitude + (km * Math.Cos(angle) / (Degree * Math.Cos(double.DegreesToRadians(centre.Latitude)))));
    }
}

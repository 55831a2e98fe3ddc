using System.Globalization;
using System.Net;
using System.Text.Json;
using Kashif.Reporting.Map;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using NetTopologySuite.IO.VectorTiles.Mapbox;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Clusters, tiles, statistics and exports agree with a count by hand, and show public reports only.</summary>
public sealed class MapTests(ReportingService service)
{
    private static readonly (double West, double South, double East, double North)[] Boxes =
    [
        (-180, -90, 180, 90), (170, -20, -170, 20), (36.2, 33.4, 36.4, 33.6), (179.9, -17.2, -179.9, -16.8), (-180, 89, 180, 90), (10, 60, 12, 63), (0, 0, 0, 0),
    ];

    [Fact]
    public async Task Clusters_count_each_report_of_the_viewport_once()
    {
        var random = new Random(7);
        const string Category = "map-clusters";
        var places = Enumerable.Range(0, 600).Select(_ => (Latitude: (random.NextDouble() * 180) - 90, Longitude: (random.NextDouble() * 360) - 180))
            .Concat(Around(33.5, 36.3)).Concat(Around(-17, 179.98)).Concat(Around(-17, -179.98)).Concat(Around(89.7, 20)).Append((0, 0)).Append((0, 180)).Append((0, -180))
            .Where(ReportingService.IsFree).ToArray();
        await service.SeedAsync(places, Category);
        using var client = service.Host.Anonymous();

        foreach (var (west, south, east, north) in Boxes)
        {
            foreach (var zoom in (int[])[0, 3, 9, 10, 14, 22])
            {
                var expected = places.Count(place => place.Latitude >= south && place.Latitude <= north
                    && (west <= east ? place.Longitude >= west && place.Longitude <= east : place.Longitude >= west || place.Longitude <= east));
                var query = string.Create(CultureInfo.InvariantCulture, $"{Root}/clusters?category={Category}&bbox={west},{south},{east},{north}&zoom={zoom}");

                var (status, body) = await client.ReadAsync(query);

                status.ShouldBe(200, body.ToString());
                body.GetProperty("items").EnumerateArray().Sum(cluster => cluster.GetProperty("count").GetInt32()).ShouldBe(expected, query);
            }
        }

        IEnumerable<(double Latitude, double Longitude)> Around(double latitude, double longitude) =>
            Enumerable.Range(0, 40).Select(_ => (latitude + (random.NextDouble() * 0.02), longitude + (random.NextDouble() * 0.02) - 0.01));
    }

    [Fact]
    public async Task A_cluster_of_one_report_names_it()
    {
        const string Category = "map-single";
        var ids = await service.SeedAsync([(48.1, 11.5), (48.2, 11.6), (48.2, 11.6)], Category);
        using var client = service.Host.Anonymous();

        var (_, body) = await client.ReadAsync($"{Root}/clusters?category={Category}&bbox=11,48,12,49&zoom=14");

        var clusters = body.GetProperty("items").EnumerateArray().ToArray();
        clusters.Select(cluster => cluster.GetProperty("count").GetInt32()).ShouldBe([2, 1]);
        clusters[0].GetProperty("report_id").ValueKind.ShouldBe(JsonValueKind.Null);
        clusters[1].GetProperty("report_id").GetGuid().ShouldBe(ids[0]);
        clusters[1].GetProperty("latitude").GetDouble().ShouldBe(48.1);
        clusters.ShouldAllBe(cluster => cluster.GetProperty("status").GetString() == "submitted" && cluster.GetProperty("category").GetString() == Category);
    }

    [Fact]
    public async Task The_tiles_of_a_zoom_level_have_each_report_once()
    {
        const string Category = "map-tiles";
        var random = new Random(3);
        var places = Enumerable.Range(0, 300).Select(_ => ((random.NextDouble() * 168) - 84, (random.NextDouble() * 360) - 180)).Where(ReportingService.IsFree).ToArray();
        await service.SeedAsync(places, Category);
        using var client = service.Host.Anonymous();
        var total = 0L;

        for (var x = 0; x < 4; x++)
        {
            for (var y = 0; y < 4; y++)
            {
                using var response = await client.GetAsync($"{Root}/tiles/2/{x}/{y}.mvt?category={Category}", Cancelled);
                response.StatusCode.ShouldBe(HttpStatusCode.OK);
                response.Content.Headers.ContentType?.MediaType.ShouldBe("application/vnd.mapbox-vector-tile");
                var tile = new MapboxTileReader().Read(
                    await response.Content.ReadAsStreamAsync(Cancelled), new NetTopologySuite.IO.VectorTiles.Tiles.Tile(x, y, 2));
                var box = VectorTiles.BoxOf(2, x, y);
                foreach (var feature in tile.Layers.SelectMany(layer => layer.Features))
                {
                    total += Convert.ToInt64(feature.Attributes["count"], CultureInfo.InvariantCulture);
                    feature.Geometry.Coordinate.X.ShouldBeInRange(box.West - 0.1, box.East + 0.1);
                    feature.Geometry.Coordinate.Y.ShouldBeInRange(box.South - 0.1, box.North + 0.1);
                }
            }
        }

        total.ShouldBe(places.Length);
    }

    [Fact]
    public async Task A_tile_is_revalidated_by_its_entity_tag()
    {
        using var client = service.Host.Anonymous();
        const string Path = $"{Root}/tiles/22/1/1.mvt";
        using var first = await client.GetAsync(Path, Cancelled);
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        request.Headers.IfNoneMatch.Add(first.Headers.ETag.ShouldNotBeNull());

        using var second = await client.SendAsync(request, Cancelled);

        second.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task Private_and_hidden_reports_and_anonymous_reporters_are_on_no_map_export_or_statistic()
    {
        const string Category = "map-private";
        var reporter = Guid.CreateVersion7();
        var ids = await service.SeedAsync([(1, 1), (1, 1), (1, 1)], Category, userId: reporter);
        await service.QueryAsync(async database =>
        {
            await database.Reports.Where(report => report.Id == ids[0]).ExecuteUpdateAsync(set => set.SetProperty(report => report.Private, true), Cancelled);
            await database.Reports.Where(report => report.Id == ids[1]).ExecuteUpdateAsync(set => set.SetProperty(report => report.Hidden, true), Cancelled);
            return await database.Reports.Where(report => report.Id == ids[2]).ExecuteUpdateAsync(set => set.SetProperty(report => report.Anonymous, true), Cancelled);
        });
        using var staff = service.NewUser(Roles.Staff);

        var clusters = (await staff.ReadAsync($"{Root}/clusters?category={Category}&bbox=0,0,2,2&zoom=15")).Body;
        var statistics = (await staff.ReadAsync($"{Root}/stats?category={Category}")).Body;
        var texts = await Task.WhenAll(
            staff.GetStringAsync($"{Root}/export.geojson?category={Category}", Cancelled), staff.GetStringAsync($"{Root}/export.csv?category={Category}", Cancelled));

        clusters.GetProperty("items").EnumerateArray().ShouldHaveSingleItem().GetProperty("count").GetInt32().ShouldBe(1);
        statistics.GetProperty("items").EnumerateArray().ShouldHaveSingleItem().GetProperty("count").GetInt32().ShouldBe(1);
        foreach (var text in texts)
        {
            text.ShouldContain(ids[2].ToString());
            text.ShouldNotContain(ids[0].ToString());
            text.ShouldNotContain(ids[1].ToString());
            text.ShouldNotContain(reporter.ToString());
        }
    }

    [Fact]
    public async Task Exports_have_all_matching_reports_in_order()
    {
        const string Category = "map-export";
        var ids = await service.SeedAsync([.. Enumerable.Range(0, 2500).Select(index => (index / 100.0, index == 2499 ? -70.25 : 5.0))], Category);
        await service.QueryAsync(database => database.Reports.Where(report => report.Id == ids[0])
            .ExecuteUpdateAsync(
                set => set.SetProperty(report => report.Title, "=HYPERLINK(\"http://a\")").SetProperty(report => report.ExpectedAt, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)), Cancelled));
        using var client = service.Host.Anonymous();

        using var json = JsonDocument.Parse(await client.GetStringAsync($"{Root}/export.geojson?category={Category}&bbox=4,0,6,19.995", Cancelled));
        var csv = (await client.GetStringAsync($"{Root}/export.csv?category={Category}", Cancelled)).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);

        var features = json.RootElement.GetProperty("features").EnumerateArray().ToArray();
        features.Select(feature => feature.Id).ShouldBe(ids.Take(2000));
        features[0].GetProperty("properties").GetProperty("expected_at").GetString().ShouldBe("2026-01-02T03:04:05.000000Z");
        csv[0].ShouldEndWith(",due_at,expected_at");
        csv[1].ShouldEndWith(",2026-01-02T03:04:05.000000Z");
        features[1].GetProperty("geometry").GetProperty("coordinates").EnumerateArray().Select(number => number.GetDouble()).ShouldBe([5, 0.01]);
        csv.Skip(1).Select(line => Guid.Parse(line[..36])).ShouldBe(ids);
        csv[^1].ShouldContain(",24.99,-70.25,");
        csv[1].ShouldNotContain(",=");
        csv[1].ShouldNotContain(",\"=");
    }

    [Fact]
    public async Task Statistics_count_by_key_and_tell_the_time_to_resolve()
    {
        const string Category = "map-statistics";
        using var staff = service.NewUser(Roles.Staff);
        var ids = await service.SeedAsync([(2, 2), (2, 2), (2, 2), (2, 2)], Category);
        foreach (var (id, hours) in ids.Take(3).Zip((int[])[10, 20, 90]))
        {
            foreach (var status in (string[])["in_progress", "resolved"])
            {
                (await staff.ChangeStatusAsync(id, new { status })).Status.ShouldBe(200);
            }

            await service.QueryAsync(database => database.Reports.Where(report => report.Id == id).ExecuteUpdateAsync(
                set => set.SetProperty(report => report.CreatedAt, report => database.StatusChanges.Where(change => change.ReportId == id).Max(change => change.At).AddHours(-hours))
                    .SetProperty(report => report.Activity, report => report.Activity + 1),
                Cancelled));
        }

        var (status200, body) = await staff.ReadAsync($"{Root}/stats?group_by=category&category={Category}");
        var byStatus = (await staff.ReadAsync($"{Root}/stats?group_by=status&category={Category}")).Body;

        status200.ShouldBe(200, body.ToString());
        var row = body.GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        (row.GetProperty("key").GetString(), row.GetProperty("count").GetInt32(), row.GetProperty("open").GetInt32(), row.GetProperty("resolved").GetInt32()).ShouldBe((Category, 4, 1, 3));
        row.GetProperty("median_hours_to_resolve").GetDouble().ShouldBe(20, 0.01);
        byStatus.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("key").GetString()).ShouldBe(["resolved", "submitted"]);
    }

    [Fact]
    public async Task Statistics_and_clusters_follow_every_change()
    {
        const string Category = "map-changes", Other = "map-changed";
        var random = new Random(11);
        await service.SeedAsync([], Other);
        var ids = (await service.SeedAsync([.. Enumerable.Range(0, 40).Select(_ => Anywhere())], Category)).ToList();
        using var client = service.Host.Anonymous();
        for (var step = 0; step < 60; step++)
        {
            var id = ids[random.Next(ids.Count)];
            var change = random.Next(7) switch
            {
                0 => $"UPDATE reports SET hidden = NOT hidden WHERE id = '{id}'",
                1 => $"UPDATE reports SET private = NOT private WHERE id = '{id}'",
                2 => $"DELETE FROM reports WHERE id = '{id}'",
                3 => $"UPDATE reports SET category = '{Other}', version = version + 1 WHERE id = '{id}'",
                4 => $"""
                    UPDATE reports SET status = 'resolved', version = version + 1 WHERE id = '{id}';
                    INSERT INTO status_changes (report_id, version, "from", "to", changed_by, at)
                    SELECT id, version, 'submitted', 'resolved', id, created_at + interval '{random.Next(1000)} hours' FROM reports WHERE id = '{id}'
                    """,
                5 => $"UPDATE reports SET status = 'submitted', version = version + 1, expected_at = now() - interval '{random.Next(2)} hours' WHERE id = '{id}'",
                _ => null,
            };
            if (change is null)
            {
                ids.AddRange(await service.SeedAsync([Anywhere()], Category));
            }
            else
            {
                await service.QueryAsync(database => database.Database.ExecuteSqlRawAsync(change, Cancelled));
            }

            var expected = await service.QueryAsync(database => database.Database.SqlQuery<string>($"""
                SELECT concat_ws(' ', category, count(*), count(*) FILTER (WHERE status = 'submitted'), count(*) FILTER (WHERE status = 'resolved'),
                    count(*) FILTER (WHERE status = 'submitted' AND expected_at < now()), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY hours)), round(percentile_cont(0.9) WITHIN GROUP (ORDER BY hours))) AS "Value"
                FROM reports LEFT JOIN LATERAL (
                    SELECT extract(epoch FROM max(at) - created_at) / 3600 AS hours FROM status_changes WHERE report_id = id AND status = 'resolved' AND "to" = 'resolved') resolution ON true
                WHERE category IN ({Category}, {Other}) AND NOT private AND NOT hidden GROUP BY category ORDER BY category COLLATE "C"
                """).ToListAsync(Cancelled));

            var statistics = (await client.ReadAsync($"{Root}/stats?category={Category},{Other}")).Body.GetProperty("items").EnumerateArray().ToArray();
            var clusters = (await client.ReadAsync($"{Root}/clusters?category={Category},{Other}&bbox=-180,-90,180,90&zoom=1")).Body.GetProperty("items").EnumerateArray();

            statistics.Select(row => string.Join(' ', ((string[])["key", "count", "open", "resolved", "overdue", "median_hours_to_resolve", "hours_to_resolve90"])
                .Select(name => row.GetProperty(name)).Where(value => value.ValueKind is not JsonValueKind.Null)
                .Select(value => value.ValueKind is JsonValueKind.Number ? Math.Round(value.GetDouble(), MidpointRounding.ToEven).ToString(CultureInfo.InvariantCulture) : value.GetString())))
                .ShouldBe(expected, $"{step}: {change}");
            clusters.Sum(cluster => cluster.GetProperty("count").GetInt32()).ShouldBe(statistics.Sum(row => row.GetProperty("count").GetInt32()));
        }

        (double Latitude, double Longitude) Anywhere() =>
            ((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180) is var place && ReportingService.IsFree(place) ? place : Anywhere();
    }

    [Fact]
    public async Task A_report_that_is_committed_late_is_counted()
    {
        const string Category = "map-late";
        await service.SeedAsync([(3, 3)], Category);
        await using var connection = new NpgsqlConnection(service.Host.Database);
        await connection.OpenAsync(Cancelled);
        await using var transaction = await connection.BeginTransactionAsync(Cancelled);
        await using var insert = new NpgsqlCommand($"""
            INSERT INTO reports (id, user_id, title, description, category, status, latitude, longitude, created_at, updated_at, version)
            SELECT '{Guid.CreateVersion7()}', user_id, title, description, category, status, latitude, longitude, created_at, updated_at, version FROM reports WHERE category = '{Category}'
            """, connection);
        await insert.ExecuteNonQueryAsync(Cancelled);
        await service.SeedAsync([(3, 3)], Category); // a later transaction that ends first

        (await CountAsync()).ShouldBe(2);
        (await CountAsync()).ShouldBe(2);
        await transaction.CommitAsync(Cancelled);
        (await CountAsync()).ShouldBe(3);

        async Task<int> CountAsync()
        {
            using var client = service.Host.Anonymous();
            return (await client.ReadAsync($"{Root}/stats?category={Category}")).Body.GetProperty("items")[0].GetProperty("count").GetInt32();
        }
    }

    [Fact]
    public async Task Statistics_count_the_reports_of_a_box_and_a_time()
    {
        const string Category = "map-box";
        var random = new Random(5);
        var places = Enumerable.Range(0, 400).Select(_ => (Latitude: (random.NextDouble() * 180) - 90, Longitude: (random.NextDouble() * 360) - 180)).Where(ReportingService.IsFree).ToArray();
        await service.SeedAsync(places, Category);
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync(
            $"UPDATE reports SET created_at = now() - interval '1 day' * (latitude + 90), activity = activity + 1 WHERE category = {Category}", Cancelled));
        using var client = service.Host.Anonymous();
        var now = TimeProvider.System.GetUtcNow();

        foreach (var (west, south, east, north) in Boxes)
        {
            foreach (var (from, to) in ((int, int)[])[(200, 0), (100, 20), (91, 89)])
            {
                var expected = places.Count(place => place.Latitude >= south && place.Latitude <= north && place.Latitude + 90 <= from && place.Latitude + 90 > to
                    && (west <= east ? place.Longitude >= west && place.Longitude <= east : place.Longitude >= west || place.Longitude <= east));

                var (status, body) = await client.ReadAsync(string.Create(CultureInfo.InvariantCulture,
                    $"{Root}/stats?group_by=day&category={Category}&bbox={west},{south},{east},{north}&from={now.AddDays(-from):yyyy-MM-ddTHH:mm:ssZ}&to={now.AddDays(-to):yyyy-MM-ddTHH:mm:ssZ}"));

                status.ShouldBe(200, body.ToString());
                body.GetProperty("items").EnumerateArray().Sum(row => row.GetProperty("count").GetInt32()).ShouldBe(expected, $"{west} {south} {east} {north}, {from} to {to} days ago");
            }
        }
    }

    [Theory]
    [InlineData("clusters?bbox=1,2,3&zoom=1", "bbox")]
    [InlineData("clusters?bbox=1,2,3,NaN&zoom=1", "bbox")]
    [InlineData("clusters?bbox=1,5,3,2&zoom=1", "bbox")]
    [InlineData("clusters?bbox=1,2,3,91&zoom=1", "bbox")]
    [InlineData("clusters?bbox=1,2,3,4&zoom=23", "zoom")]
    [InlineData("clusters?bbox=1,2,3,4&zoom=1&status=broken", "status")]
    [InlineData("clusters?bbox=1,2,3,4&zoom=1&category=pothole,none", "category")]
    [InlineData("stats?group_by=user_id", "group_by")]
    [InlineData("stats?from=yesterday", "from")]
    [InlineData("tiles/1/2/0.mvt", "x")]
    [InlineData("tiles/1/0/2.mvt", "y")]
    [InlineData("tiles/23/0/0.mvt", "z")]
    [InlineData("export.csv?bbox=a", "bbox")]
    [InlineData("export.geojson?status=x", "status")]
    public async Task A_bad_parameter_is_named(string path, string field)
    {
        using var client = service.Host.Anonymous();

        var (status, body) = await client.ReadAsync($"{Root}/{path}");

        status.ShouldBe(400, body.ToString());
        body.BadFields.ShouldBe([field]);
    }
}

using System.Net;
using Kashif.Reporting.Data;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Lists: filters, sort order, pages and combinations of parameters.</summary>
public sealed class ListTests(ReportingService service)
{
    [Theory]
    [InlineData("")]
    [InlineData("&latitude=20&longitude=20&sort=newest")]
    [InlineData("&latitude=20&longitude=20&sort=nearest")]
    [InlineData("&latitude=20&longitude=20&radius_km=1&sort=newest")]
    [InlineData("&latitude=20&longitude=20&radius_km=1&sort=nearest")]
    public async Task An_exactly_full_last_page_has_no_next_cursor(string place)
    {
        var category = $"full-{place.Length}";
        var ids = await service.SeedAsync([.. Enumerable.Repeat((20.0, 20.0), 12)], category);
        using var client = service.Host.Anonymous();

        var items = await client.AllPagesAsync($"{Root}?category={category}{place}", 4);
        var (_, whole) = await client.ReadAsync($"{Root}?category={category}{place}&limit=12");

        items.Select(report => report.Id).ShouldBe(place.Contains("nearest", StringComparison.Ordinal) ? ids : ids.Reverse());
        items.Count(report => report.TryGetProperty("distance_km", out _)).ShouldBe(place.Length > 0 ? items.Count : 0);
        whole.GetProperty("items").GetArrayLength().ShouldBe(12);
        whole.GetProperty("next_cursor").GetString().ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("&latitude=21&longitude=21&radius_km=9&sort=nearest")]
    public async Task Reports_created_between_pages_cause_no_repeats_or_gaps(string place)
    {
        var category = $"between-{place.Length}";
        var ids = await service.SeedAsync([.. Enumerable.Range(0, 20).Select(index => (21 + (index * 0.001), 21.0))], category);
        using var client = service.Host.Anonymous();

        var items = await client.AllPagesAsync(
            $"{Root}?category={category}{place}", 6, page => service.SeedAsync([(21.0, 21.0), (21.001, 21.0)], category));

        items.Select(report => report.Id).ShouldBeUnique();
        ids.ShouldBeSubsetOf(items.Select(report => report.Id));
    }

    /// <summary>Lists come from the memory of each replica: a change at one must be in the next list of every other.</summary>
    [Fact]
    public async Task A_list_has_every_change_that_was_committed_before_its_request()
    {
        await using var other = await service.StartAnotherAsync(reportsPerHour: 0, service.Host.Database);
        using var here = service.Host.Anonymous();
        using var there = other.Anonymous();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async number =>
        {
            var random = new Random(number);
            var category = $"followed-{number}";
            var id = (await service.SeedAsync([(40, number)], category))[0];
            var (title, votes, latitude, isHidden) = ("Seeded", 0, 40.0, false);
            for (var step = 0; step < 25; step++)
            {
                var change = random.Next(5);
                (title, votes, latitude, isHidden) = change switch
                {
                    0 => ($"Title {step}", votes, latitude, isHidden),
                    1 => (title, votes + 1, latitude, isHidden),
                    2 => (title, votes, 40 + (step * 0.01), isHidden),
                    3 => (title, votes, latitude, !isHidden),
                    _ => ("Seeded", 0, latitude, false),
                };
                if (change == 4)
                {
                    await ExecuteAsync($"DELETE FROM reports WHERE id = {id}");
                    id = (await service.SeedAsync([(latitude, number)], category))[0];
                }
                else
                {
                    await ExecuteAsync($"""
                        UPDATE reports SET title = {title}, votes = {votes}, latitude = {latitude}, hidden = {isHidden},
                            version = version + {(change == 1 ? 0 : 1)}, activity = activity + {(change == 1 ? 1 : 0)} WHERE id = {id}
                        """);
                }

                var client = random.Next(2) == 0 ? here : there;
                var list = (await client.ReadAsync($"{Root}?category={category}{(random.Next(2) == 0 ? $"&latitude=40&longitude={number}&radius_km=100" : "")}&v={step}")).Body.GetProperty("items").EnumerateArray().ToArray();

                list.Select(report => (report.Id, report.GetProperty("title").GetString(), report.GetProperty("votes").GetInt32(), report.GetProperty("latitude").GetDouble()))
                    .ShouldBe(isHidden ? [] : [(id, title, votes, latitude)], $"{number} {step} {change}");
            }
        }));

        Task<int> ExecuteAsync(FormattableString sql) => service.QueryAsync(database => database.Database.ExecuteSqlAsync(sql, Cancelled));
    }

    /// <summary>What a search in memory gives up, PostgreSQL finds: a page has both.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(150)]
    public async Task A_list_is_the_same_however_few_reports_are_searched_in_memory(int patience)
    {
        string[] categories = [$"patient-{patience}-a", $"patient-{patience}-b"];
        var random = new Random(patience);
        foreach (var category in Enumerable.Range(0, 30).Select(number => categories[number % 2]))
        {
            await service.SeedAsync([.. Enumerable.Range(0, 4).Select(_ => (-33 + random.NextDouble(), 18 + random.NextDouble()))], category, random.Next(3) == 0 ? "verified" : "submitted");
        }

        await using var scope = service.Host.Services.CreateAsyncScope();
        var complete = scope.ServiceProvider.GetRequiredService<ReportLists>();
        var services = scope.ServiceProvider;
        var impatient = new ReportLists(
            services.GetRequiredService<ReportingDbContext>(), services.GetRequiredService<ReportColumns>(), services.GetRequiredService<PublicReports>(), services.GetRequiredService<RecentReports>())
        {
            Patience = patience,
        };
        ReportFilter[] filters =
        [
            new() { Categories = [categories[0]] }, new() { Categories = categories }, new() { Categories = [categories[1]], Statuses = [ReportStatus.Verified] },
            new() { Categories = categories, Statuses = [ReportStatus.Verified, ReportStatus.Submitted], From = TimeProvider.System.GetUtcNow().AddHours(-1), To = TimeProvider.System.GetUtcNow() },
        ];
        foreach (var search in filters.SelectMany(filter => new[]
        {
            new ReportSearch(filter, 7), new ReportSearch(filter, 7, new Place(-32.5, 18.5), 40), new ReportSearch(filter, 7, Box: new BoundingBox(18.2, -32.9, 18.7, -32.1)),
        }))
        {
            var all = await PagesAsync(complete, search);
            all.ShouldNotBeEmpty();
            (await PagesAsync(impatient, search)).ShouldBe(all, $"{search}");
        }

        static async Task<List<Guid>> PagesAsync(ReportLists lists, ReportSearch search)
        {
            var all = new List<Guid>();
            while (true)
            {
                var page = await lists.NewestAsync(search, all.Count > 0 ? all[^1] : null, Cancelled);
                all.AddRange(page.Take(search.Size).Select(row => row.Report.Id));
                if (page.Count <= search.Size)
                {
                    return all;
                }
            }
        }
    }

    /// <summary>As after a restore to an earlier time, of which the change feed tells nothing.</summary>
    [Fact]
    public async Task A_list_of_another_database_than_before_is_read_anew()
    {
        await using var host = await service.StartAnotherAsync(reportsPerHour: 0);
        var ids = await service.SeedAsync([(1, 1), (1, 1), (1, 1)], database: host.Database);
        using var client = host.Anonymous();
        (await TitlesAsync("a")).ShouldBe(["Seeded", "Seeded", "Seeded"]);

        await using var database = NpgsqlDataSource.Create(host.Database);
        await using var command = database.CreateCommand($"""
            ALTER TABLE reports DISABLE TRIGGER USER;
            DELETE FROM reports WHERE id = '{ids[1]}';
            UPDATE reports SET title = 'Restored' WHERE id = '{ids[0]}';
            ALTER TABLE reports ENABLE TRIGGER USER
            """);
        await command.ExecuteNonQueryAsync(Cancelled);
        var reports = host.Services.GetRequiredService<PublicReports>();
        var loads = reports.Loads;

        (await TitlesAsync("b")).ShouldBe(["Seeded", "Seeded", "Seeded"], "all three are in memory, as the feed tells");
        reports.Forget();
        (await TitlesAsync("c")).ShouldBe(["Seeded", "Restored"]);
        reports.Loads.ShouldBe(loads + 1);

        async Task<string?[]> TitlesAsync(string version) =>
            [.. (await client.ReadAsync($"{Root}?v={version}")).Body.GetProperty("items").EnumerateArray().Select(report => report.GetProperty("title").GetString())];
    }

    /// <summary>A report that memory has and the table has not: no page may search for ever.</summary>
    [Fact]
    public async Task A_list_ends_where_memory_has_a_report_that_is_gone()
    {
        await using var host = await service.StartAnotherAsync(reportsPerHour: 0);
        await service.SeedAsync([(1, 1), (1, 1)], database: host.Database);
        await host.Services.GetRequiredService<PublicReports>().RefreshAsync(Cancelled);
        await using var database = NpgsqlDataSource.Create(host.Database);
        await using var command = database.CreateCommand("TRUNCATE reports CASCADE");
        await command.ExecuteNonQueryAsync(Cancelled);
        using var client = host.Anonymous();

        (await client.ReadAsync(Root)).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Filters_combine()
    {
        var potholes = await service.SeedAsync([(1, 1), (2, 2)], "combined-a");
        var verified = await service.SeedAsync([(1, 1), (2, 2)], "combined-a", "verified");
        await service.SeedAsync([(1, 1), (2, 2)], "combined-b", "verified");
        using var client = service.Host.Anonymous();

        (await IdsAsync("category=combined-a")).ShouldBe([verified[1], verified[0], potholes[1], potholes[0]], ignoreOrder: true);
        (await IdsAsync("category=combined-a&status=verified")).ShouldBe([verified[1], verified[0]]);
        (await IdsAsync("category=combined-a&status=verified&latitude=1&longitude=1&radius_km=50")).ShouldBe([verified[0]]);
        (await IdsAsync("category=combined-a&status=resolved")).ShouldBeEmpty();

        async Task<Guid[]> IdsAsync(string query) =>
            [.. (await client.AllPagesAsync($"{Root}?{query}", 100)).Select(report => report.Id)];
    }

    [Theory]
    [InlineData("latitude=91&longitude=181", "latitude,longitude")]
    [InlineData("latitude=NaN&longitude=1", "latitude")]
    [InlineData("latitude=2,5&longitude=1", "latitude")]
    [InlineData("latitude=1&latitude=2&longitude=1", "latitude")]
    [InlineData("latitude=1&longitude=1&radius_km=1,5", "radius_km")]
    [InlineData("latitude=1&longitude=1&radius_km=Infinity", "radius_km")]
    [InlineData("latitude=%2B1&longitude=%201", "latitude,longitude")]
    [InlineData("latitude=0x1&longitude=١", "latitude,longitude")]
    [InlineData("limit=%2B5", "limit")]
    [InlineData("limit=1,0", "limit")]
    [InlineData("category=pothole&category=none-such", "category")]
    [InlineData("category=", "category")]
    [InlineData("status=submitted,,verified", "status")]
    [InlineData("bbox=1,2,3", "bbox")]
    [InlineData("bbox=1,3,2,2", "bbox")]
    [InlineData("bbox=1,2,181,3", "bbox")]
    [InlineData("bbox=1,2,NaN,3", "bbox")]
    [InlineData("bbox=1;2;3;4", "bbox")]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=2026-01-01T00:00:00Z&since=2026-01-01T00:00:00Z", "since")]
    [InlineData("latitude=1", "longitude")]
    [InlineData("longitude=1&radius_km=5", "latitude,radius_km")]
    [InlineData("radius_km=5&sort=nearest", "radius_km,sort")]
    [InlineData("latitude=1&longitude=1&radius_km=0", "radius_km")]
    [InlineData("latitude=1&longitude=1&radius_km=20037.6", "radius_km")]
    [InlineData("status=fixed&sort=oldest", "sort,status")]
    [InlineData("status=InProgress", "status")]
    [InlineData("category=none-such", "category")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=101", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("latitude=north&longitude=1", "latitude")]
    [InlineData("cursor=nonsense", "cursor")]
    [InlineData("cursor=MHwx", "cursor")]
    [InlineData("latitude=1&longitude=1&cursor=MDE5YWExZGUtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAw", "cursor")]
    public async Task An_invalid_query_returns_400_with_every_bad_field(string query, string fields)
    {
        using var client = service.Host.Anonymous();

        var (status, problem) = await client.ReadAsync($"{Root}?{query}");

        status.ShouldBe(400, problem.ToString());
        problem.BadFields.ShouldBe(fields.Split(','));
    }

    [Theory]
    [InlineData("?category=pothole")]
    [InlineData("?category=pothole&latitude=7&longitude=7&radius_km=1")]
    [InlineData("/stats?group_by=day&category=pothole")]
    [InlineData("/clusters?bbox=6.9,6.9,7.1,7.1&zoom=10")]
    [InlineData("/tiles/0/0/0.mvt?category=pothole")]
    [InlineData("/export.csv?bbox=6.9,6.9,7.1,7.1")]
    [InlineData("/export.geojson?bbox=6.9,6.9,7.1,7.1")]
    public async Task A_time_may_have_any_offset(string path)
    {
        using var client = service.Host.Anonymous();
        foreach (var times in new[] { "from=2026-01-01T00:00:00%2B14:00&to=2026-01-02T00:00:00-11:30", "from=0001-01-01T00:00:00-14:00&to=9999-12-31T23:59:59.9999999Z" })
        {
            using var response = await client.GetAsync($"{Root}{path}&{times}", Cancelled);
            response.StatusCode.ShouldBe(HttpStatusCode.OK, times);
            await response.Content.ReadAsByteArrayAsync(Cancelled); // an export fails while it is streamed
        }
    }

    [Fact]
    public async Task A_time_with_an_offset_is_the_same_time_in_UTC()
    {
        using var owner = service.Citizen(out _);
        var created = (await owner.FileAsync(7, 7)).GetProperty("created_at").GetDateTimeOffset();
        var there = created.ToOffset(TimeSpan.FromHours(3));
        using var client = service.Host.Anonymous();

        async Task<int> CountAsync(string query) =>
            (await client.AllPagesAsync($"{Root}?latitude=7&longitude=7&radius_km=1&sort=newest&{query}", 100)).Count(report => report.GetProperty("created_at").GetDateTimeOffset() == created);

        (await CountAsync($"from={Uri.EscapeDataString(there.ToString("O"))}")).ShouldBe(1);
        (await CountAsync($"since={Uri.EscapeDataString(there.ToString("O"))}")).ShouldBe(1);
        (await CountAsync($"to={Uri.EscapeDataString(there.ToString("O"))}")).ShouldBe(0);
    }

    [Fact]
    public async Task My_reports_lists_only_my_reports_newest_first()
    {
        using var me = service.Citizen(out var myId);
        using var other = service.Citizen(out _);
        Guid[] mine = [(await me.FileAsync()).Id, (await me.FileAsync()).Id, (await me.FileAsync()).Id];
        await other.FileAsync();

        var items = await me.AllPagesAsync($"{Root}/my-reports?", 2);

        items.Select(report => report.Id).ShouldBe(mine.OrderDescending());
        items.ShouldAllBe(report => report.GetProperty("user_id").GetGuid() == myId);
        (await other.AllPagesAsync($"{Root}/my-reports?", 100)).ShouldHaveSingleItem();
        using var response = await me.GetAsync($"{Root}/my-reports", Cancelled);
        (response.Headers.CacheControl?.Public).ShouldNotBe(true);
    }

    [Fact]
    public async Task Public_lists_are_cacheable_and_return_304()
    {
        await service.SeedAsync([(5, 5)], "kept");
        using var client = service.Host.Anonymous();
        using var first = await client.GetAsync($"{Root}/?category=kept", Cancelled);
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        (first.Headers.CacheControl?.ToString()).ShouldBe("public, max-age=2");
        client.DefaultRequestHeaders.IfNoneMatch.Add(first.Headers.ETag ?? throw new InvalidOperationException("No ETag."));

        using var same = await client.GetAsync($"{Root}?category=kept", Cancelled);
        await service.SeedAsync([(5, 5)], "kept");
        using var other = await client.GetAsync($"{Root}?category=kept", Cancelled);

        same.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        other.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Categories_have_English_and_Arabic_names()
    {
        await using var host = await service.StartAnotherAsync(0); // other tests create categories
        using var client = host.Anonymous();
        using var response = await client.GetAsync($"{Root}/categories", Cancelled);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var categories = (await response.JsonAsync()).GetProperty("items").EnumerateArray().ToArray();

        categories.Length.ShouldBe(14);
        categories[0].ToString().ShouldBe("""{"code":"pothole","name":{"en":"Pothole","ar":"حفرة في الطريق"},"icon":"road","colour":"#b45309","target_days":14,"duplicate_distance_m":50,"target_hours":null,"position":1,"active":true}""");
        categories.ShouldAllBe(category => category.GetProperty("name").GetProperty("ar").GetString()!.Any(letter => letter >= '\u0600' && letter <= '\u06ff'));
        client.DefaultRequestHeaders.IfNoneMatch.Add(response.Headers.ETag ?? throw new InvalidOperationException("No ETag."));
        (await client.GetAsync($"{Root}/categories", Cancelled)).StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task An_inactive_category_rejects_new_reports()
    {
        await using var host = await service.StartAnotherAsync(0, service.Host.Database);
        await service.QueryAsync(async database =>
        {
            await database.Database.ExecuteSqlAsync($"INSERT INTO categories VALUES ('retired', 'Retired', 'متقاعد', 'x', '#000000', 99, false)", Cancelled);
            return 0;
        });
        using var client = host.As(Guid.CreateVersion7());

        using var response = await client.PostReportAsync(new { title = "Too late", description = "", category = "retired", latitude = 1, longitude = 1 });

        (await response.JsonAsync()).BadFields.ShouldBe(["category"]);
        (await client.ReadAsync($"{Root}/categories")).Body.ToString().ShouldNotContain("retired");
    }

    [Fact]
    public Task The_model_has_no_pending_migration() => service.QueryAsync(database =>
    {
        database.Database.HasPendingModelChanges().ShouldBeFalse();
        return Task.FromResult(0);
    });
}

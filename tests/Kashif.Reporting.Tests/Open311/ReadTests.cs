using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Xml.Linq;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests.Open311;

/// <summary>What Open311 clients read, in both formats.</summary>
public sealed class ReadTests(ReportingService service)
{
    private readonly HttpClient _client = service.Host.Anonymous();

    [Fact]
    public async Task Services_are_the_active_categories()
    {
        var json = await _client.GetJsonAsync("/services.json", "services");
        var xml = await _client.GetXmlAsync("/services.xml");

        var hole = json.EnumerateArray().Single(one => one.GetProperty("service_code").GetString() == "pothole");
        hole.GetProperty("service_name").GetString().ShouldBe("Pothole");
        hole.GetProperty("metadata").GetBoolean().ShouldBeFalse();
        xml.Name.LocalName.ShouldBe("services");
        var element = xml.Elements("service").Single(one => one.Element("service_code")?.Value == "pothole");
        element.Elements().Select(field => field.Name.LocalName).ShouldBe(["service_code", "service_name", "description", "metadata", "type", "keywords", "group"]);
        (element.Element("metadata")?.Value).ShouldBe("false");
        (element.Element("group")?.Value).ShouldBe("");
    }

    [Fact]
    public async Task A_service_without_questions_has_an_empty_definition()
    {
        var json = await _client.GetJsonAsync("/services/pothole.json", "service_definition");
        var xml = await _client.GetXmlAsync("/services/pothole.xml");

        json.GetProperty("attributes").GetArrayLength().ShouldBe(0);
        xml.ToString(SaveOptions.DisableFormatting).ShouldBe("<service_definition><service_code>pothole</service_code><attributes /></service_definition>");
    }

    [Fact]
    public async Task Discovery_names_the_endpoint_as_the_client_has_called_it()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Open311Client.Prefix}/discovery.json") { Headers = { { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Host", "city.example" } } };

        var json = await _client.SendForJsonAsync(request, "discovery", 200);
        var xml = await _client.GetXmlAsync("/discovery.xml");

        json.GetProperty("endpoints")[0].GetProperty("url").GetString().ShouldBe("https://city.example/open311/v2");
        var endpoint = xml.Element("endpoints")?.Element("endpoint");
        (endpoint?.Element("url")?.Value).ShouldBe($"{service.Host.Address.GetLeftPart(UriPartial.Authority)}/open311/v2");
        (endpoint?.Element("formats")?.Elements("format").Select(format => format.Value)).ShouldBe(["text/xml", "application/json"]);
    }

    [Fact]
    public async Task A_request_has_the_same_values_in_both_formats()
    {
        var (_, key) = await service.NewKeyAsync();
        var id = await _client.RequestAsync(
            key, 33.512345, -36.25, "Deep & <wide> \u0007 \"hole\"\r\nin the lane: حفرة 🕳", ("address_string", "Straight Street"), ("address_id", "17"), ("media_url", "https://photos.example/1.jpg"));
        await ChangeAsync(id, new { status = "verified", comment = "Seen." });
        await ChangeAsync(id, new { status = "in_progress" });

        var json = (await _client.GetJsonAsync($"/requests/{id}.json", "requests"))[0];
        var xml = (await _client.GetXmlAsync($"/requests/{id}.xml")).Elements("request").ShouldHaveSingleItem();

        foreach (var field in json.EnumerateObject())
        {
            var expected = field.Value.ValueKind switch
            {
                JsonValueKind.Null => "",
                JsonValueKind.String => field.Value.GetString()?.Replace('\u0007', '\uFFFD'),
                _ => field.Value.GetRawText(),
            };
            (xml.Element(field.Name)?.Value).ShouldBe(expected, field.Name);
        }

        xml.Elements().Count().ShouldBe(json.EnumerateObject().Count());
        json.GetProperty("status_notes").GetString().ShouldBe("Seen.");
        json.GetProperty("description").GetString().ShouldBe("Deep & <wide> \u0007 \"hole\"\r\nin the lane: حفرة 🕳");
        json.GetProperty("address_id").GetString().ShouldBe("17");
        json.GetProperty("media_url").GetString().ShouldBe("https://photos.example/1.jpg");
        json.GetProperty("lat").GetDouble().ShouldBe(33.512345);
        json.GetProperty("expected_datetime").GetDateTimeOffset().ShouldBe(json.GetProperty("requested_datetime").GetDateTimeOffset().AddDays(14));
    }

    [Theory]
    [InlineData("submitted", "open")]
    [InlineData("verified", "open")]
    [InlineData("in_progress", "open")]
    [InlineData("resolved", "closed")]
    [InlineData("rejected", "closed")]
    [InlineData("duplicate", "closed")]
    [InlineData("withdrawn", "closed")]
    public async Task A_status_is_open_or_closed_and_a_filter(string status, string shown)
    {
        var category = $"status_{status}";
        var id = (await service.SeedAsync([(1, 1)], category, status))[0].ToString();

        var all = await _client.GetJsonAsync($"/requests.json?service_code={category}", "requests");
        var other = await _client.GetJsonAsync($"/requests.json?service_code={category}&status={(shown == "open" ? "closed" : "open")}", "requests");

        all[0].GetProperty("status").GetString().ShouldBe(shown);
        other.GetArrayLength().ShouldBe(0);
        foreach (var filter in new[] { shown, "open,closed", status, shown.ToUpperInvariant() })
        {
            (await _client.GetJsonAsync($"/requests.json?service_code={category}&status={filter}", "requests")).RequestIds().ShouldBe([id]);
        }
    }

    [Fact]
    public async Task Private_and_hidden_reports_are_on_no_surface()
    {
        using var citizen = service.Citizen(out _);
        using var made = await citizen.PostReportAsync(new { title = "Mine alone", description = "", category = "pothole", latitude = -43.21, longitude = -98.76, @private = true });
        var secret = (await made.JsonAsync()).Id;
        var hidden = await citizen.FileAsync(-43.21, -98.76);
        var (_, key) = await service.NewKeyAsync();
        var sent = await _client.RequestAsync(key, -43.21, -98.76);
        await ChangeAsync(hidden.Id, new { status = "verified", comment = "A hidden comment" });
        await HideAsync(hidden.Id);
        await HideAsync(sent);

        foreach (var id in new[] { secret, hidden.Id, sent })
        {
            await _client.GetJsonAsync($"/requests/{id}.json", "errors", 404);
            (await _client.GetJsonAsync($"/requests.json?service_request_id={id}", "requests")).GetArrayLength().ShouldBe(0);
            await _client.PostFormAsync("/servicerequestupdates.json", "errors", new() { ["api_key"] = key, ["service_request_id"] = $"{id}", ["update_id"] = "1", ["status"] = "OPEN" }, 404);
        }

        (await _client.GetJsonAsync("/requests.json?lat=-43.21&long=-98.76&radius=10", "requests")).GetArrayLength().ShouldBe(0);
        (await _client.GetJsonAsync("/requests.json?bbox=-99,-44,-98,-43", "requests")).RequestIds().ShouldNotContain($"{secret}");
        (await _client.GetJsonAsync("/servicerequestupdates.json", "updates")).GetRawText().ShouldNotContain("A hidden comment");
    }

    [Fact]
    public async Task Why_a_report_was_hidden_is_on_no_surface_after_it_is_shown_again()
    {
        using var owner = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        var id = (await owner.FileAsync(-41.5, -97.5)).Id;
        foreach (var edit in new object[] { new { hidden = true, reason = "Because of the lettuce" }, new { hidden = false, reason = "Not the lettuce", category = "other" } })
        {
            using var response = await staff.PatchAsJsonAsync($"{Root}/{id}", edit, Cancelled);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        string[] paths =
        [
            .. new[] { "json", "xml" }.SelectMany(format => new[]
            {
                $"{Open311Client.Prefix}/requests/{id}.{format}?extensions=true", $"{Open311Client.Prefix}/requests.{format}?service_request_id={id}&extensions=true",
                $"{Open311Client.Prefix}/requests.{format}?lat=-41.5&long=-97.5&extensions=true", $"{Open311Client.Prefix}/servicerequestupdates.{format}",
            }),
            $"{Root}/{id}", $"{Root}/{id}/history", $"{Root}/{id}/timeline", $"{Root}/{id}/comments", $"{Root}?latitude=-41.5&longitude=-97.5&radius_km=1",
            $"{Root}/export.csv?bbox=-98,-42,-97,-41", $"{Root}/export.geojson?bbox=-98,-42,-97,-41",
        ];
        foreach (var path in paths)
        {
            (await _client.GetStringAsync(path, Cancelled)).ShouldNotContain("lettuce", customMessage: path);
        }

        (await _client.GetJsonAsync($"/requests/{id}.json", "requests"))[0].GetProperty("status_notes").ValueKind.ShouldBe(JsonValueKind.Null);
        (await staff.ReadAsync($"{Root}/{id}/history")).Body.ToString().ShouldContain("lettuce");
    }

    [Fact]
    public async Task Pages_are_newest_first_and_end()
    {
        var ids = (await service.SeedAsync([.. Enumerable.Repeat((1.0, 1.0), 7)], category: "paged_311")).Reverse().Select(id => id.ToString()).ToArray();
        const string Path = "/requests.json?service_code=paged_311&page_size=3";

        (await _client.GetJsonAsync($"{Path}&page=0", "requests")).RequestIds().ShouldBe(ids[..3]);
        (await _client.GetJsonAsync($"{Path}&page=1", "requests")).RequestIds().ShouldBe(ids[..3]);
        (await _client.GetJsonAsync($"{Path}&page=2", "requests")).RequestIds().ShouldBe(ids[3..6]);
        (await _client.GetJsonAsync($"{Path}&page=3", "requests")).RequestIds().ShouldBe(ids[6..]);
        (await _client.GetJsonAsync($"{Path}&page=4", "requests")).RequestIds().ShouldBeEmpty();
        (await _client.GetJsonAsync("/requests.json?service_code=paged_311", "requests")).RequestIds().ShouldBe(ids);

        // The link of a full page leads to the next one, also if something is added meanwhile.
        var read = new List<string>();
        string? next = $"{Path}&extensions=true";
        while (next is not null)
        {
            using var response = await _client.GetAsync($"{Open311Client.Prefix}{next}", Cancelled);
            read.AddRange((await response.JsonAsync()).RequestIds());
            await service.SeedAsync([(1.0, 1.0)], category: "paged_311");
            next = response.Headers.TryGetValues("Link", out var link) ? $"/requests.json{link.Single().Split('<', '>')[1]}" : null;
            (next?.Contains("extensions=true", StringComparison.Ordinal) ?? true).ShouldBeTrue();
        }

        read.ShouldBe(ids);

        // The ids override the other parameters, in any order, and unknown ones are left out.
        (await _client.GetJsonAsync($"/requests.json?service_request_id={ids[4]},none,{Guid.CreateVersion7()},{ids[1]}&status=closed&start_date=nonsense", "requests"))
            .RequestIds().ShouldBe([ids[1], ids[4]]);
        foreach (var page in new[] { "page=2", "page=2&page_size=1", "page=x&page_size=0", "page=999" })
        {
            (await _client.GetJsonAsync($"/requests.json?service_request_id={ids[4]},{ids[1]}&{page}", "requests")).RequestIds().ShouldBe([ids[1], ids[4]]);
        }
    }

    [Fact]
    public async Task A_closed_request_was_updated_when_it_was_closed()
    {
        var (_, key) = await service.NewKeyAsync();
        var id = await _client.RequestAsync(key);
        using var staff = service.NewUser(Roles.Staff);
        await ChangeAsync(id, new { status = "verified", comment = "Seen." });
        await ChangeAsync(id, new { status = "in_progress" });
        await ChangeAsync(id, new { status = "resolved" });
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE status_changes SET at = at - interval '2 days' WHERE report_id = {id}"));
        using var edited = await staff.PatchAsJsonAsync($"{Root}/{id}", new { category = "other", reason = "Wrong category" }, Cancelled);
        edited.StatusCode.ShouldBe(HttpStatusCode.OK);
        var closing = (await service.QueryAsync(database => database.StatusChanges.SingleAsync(change => change.ReportId == id && change.Version == 4, Cancelled))).At;

        foreach (var path in new[] { $"/requests/{id}.json", $"/requests/{id}.json?extensions=true", $"/requests.json?service_request_id={id}" })
        {
            (await _client.GetJsonAsync(path, "requests"))[0].GetProperty("updated_datetime").GetDateTimeOffset().ShouldBe(closing, TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task The_agency_of_a_report_is_responsible()
    {
        var agency = await service.AgencyAsync();
        var name = await service.QueryAsync(database => database.Agencies.Where(row => row.Id == agency).Select(row => row.NameEn).SingleAsync(Cancelled));
        var (routed, other) = (await service.FileForAsync(agency), await service.FileForAsync(null));

        var listed = await _client.GetJsonAsync($"/requests.json?service_request_id={routed},{other}", "requests");

        listed.EnumerateArray().ToDictionary(request => request.GetProperty("service_request_id").GetGuid(), request => request.GetProperty("agency_responsible").GetString())
            .ShouldBe(new Dictionary<Guid, string?> { [routed] = name, [other] = null }, ignoreOrder: true);
        ((await _client.GetXmlAsync($"/requests/{routed}.xml")).Element("request")?.Element("agency_responsible")?.Value).ShouldBe(name);
    }

    [Fact]
    public async Task Pages_of_updates_at_the_same_time_neither_skip_nor_repeat()
    {
        var at = new DateTimeOffset(1999, 3, 4, 5, 6, 7, TimeSpan.Zero);
        var (_, key) = await service.NewKeyAsync();
        Guid[] ids = [.. await service.SeedAsync([(1, 1), (1, 1)])];
        await service.QueryAsync(database =>
        {
            database.StatusChanges.AddRange(
                from id in ids
                from version in Enumerable.Range(8, 4)
                select new StatusChange { ReportId = id, Version = version, From = ReportStatus.Submitted, To = ReportStatus.Verified, ChangedBy = Guid.CreateVersion7(), At = at });
            return database.SaveChangesAsync(Cancelled);
        });
        foreach (var update in new[] { "1", "2" })
        {
            await _client.PostFormAsync("/servicerequestupdates.json", "created_update", new()
            {
                ["api_key"] = key,
                ["service_request_id"] = $"{ids[0]}",
                ["update_id"] = update,
                ["status"] = "OPEN",
                ["updated_datetime"] = "1999-03-04T05:06:07Z",
            });
        }

        var all = await ListAsync("");
        var paged = new List<string?>();
        for (var page = 1; page <= 10; page++)
        {
            paged.AddRange(await ListAsync($"&page_size=1&page={page}"));
        }

        all.Distinct().Count().ShouldBe(10);
        paged.ShouldBe(all);

        async Task<string?[]> ListAsync(string page) =>
            [.. (await _client.GetJsonAsync($"/servicerequestupdates.json?start_date=1999-03-04&end_date=1999-03-05{page}", "updates")).EnumerateArray().Select(update => update.GetProperty("update_id").GetString())];
    }

    [Fact]
    public async Task Dates_select_the_last_90_days_by_default()
    {
        var now = TimeProvider.System.GetUtcNow();
        var days = new[] { 200, 100, 80, 1 };
        var ids = days.Select(day => Guid.CreateVersion7(now.AddDays(-day))).ToArray();
        await InsertAsync(ids, [.. days.Select(day => now.AddDays(-day))], [.. days.Select(_ => now.AddHours(-1))], "dated_311");
        string[] text = [.. ids.Select(id => id.ToString())];

        (await ListAsync("")).ShouldBe([text[3], text[2]]);
        (await ListAsync($"&start_date={Day(-110)}")).ShouldBe([text[2], text[1]]);
        (await ListAsync($"&start_date={Day(-2)}")).ShouldBe([text[3]]);
        (await ListAsync($"&end_date={Day(-90)}")).ShouldBe([text[1]]);
        (await ListAsync($"&start_date={Day(-210)}&end_date={Day(-190)}")).ShouldBe([text[0]]);
        (await ListAsync("&end_date=0001-01-01")).ShouldBeEmpty();
        (await ListAsync("&start_date=9999-12-31T23:59:59Z")).ShouldBeEmpty();

        // Shown without fractions, so the end includes the whole second.
        var shown = (await _client.GetJsonAsync($"/requests/{ids[1]}.json", "requests"))[0].GetProperty("requested_datetime").GetString();
        (await ListAsync($"&start_date={shown}&end_date={shown}")).ShouldBe([text[1]]);
        (await ListAsync($"&start_date={Day(-101).Replace("Z", "+00:00", StringComparison.Ordinal)}&end_date={Day(-99)}")).ShouldBe([text[1]]);

        (await ListAsync($"&updated_after={Day(-1)}")).ShouldBe([text[3], text[2], text[1], text[0]]);
        (await ListAsync($"&updated_before={Day(-1)}")).ShouldBeEmpty();
        (await ListAsync($"&updated_after={Day(-1)}&start_date={Day(-2)}")).ShouldBe([text[3]]);

        async Task<string[]> ListAsync(string filter) => (await _client.GetJsonAsync($"/requests.json?service_code=dated_311{filter}", "requests")).RequestIds();
        string Day(int offset) => now.AddDays(offset).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Places_are_found_by_circle_and_by_box()
    {
        var near = (await service.SeedAsync([(10.000, 20.000)], "placed_311"))[0].ToString();
        var off = (await service.SeedAsync([(10.005, 20.000)], "placed_311"))[0].ToString(); // 553 m
        var west = (await service.SeedAsync([(-17, 179.9)], "placed_311"))[0].ToString();
        var east = (await service.SeedAsync([(-17, -179.9)], "placed_311"))[0].ToString();

        (await ListAsync("lat=10&long=20&radius=552")).ShouldBe([near]);
        (await ListAsync("lat=10&long=20&radius=554")).ShouldBe([off, near]);
        (await ListAsync("lat=10&long=20")).ShouldBe([off, near]);
        (await ListAsync("lat=-17&long=180&radius=11000")).ShouldBe([east, west]);
        (await ListAsync("bbox=19.99,9.999,20.01,10.001")).ShouldBe([near]);
        (await ListAsync("bbox=19.99, 9.999, 20, 10.005")).ShouldBe([off, near]);
        (await ListAsync("bbox=179,-18,-179,-16")).ShouldBe([east, west]);
        (await ListAsync("bbox=-180,-90,180,90")).ShouldBe([east, west, off, near]);

        async Task<string[]> ListAsync(string filter) => (await _client.GetJsonAsync($"/requests.json?service_code=placed_311&{filter}", "requests")).RequestIds();
    }

    /// <summary>The index finds the corners of a box that its circle only just contains.</summary>
    [Fact]
    public async Task A_box_finds_what_its_bounds_contain()
    {
        var random = new Random(311);
        (double Latitude, double Longitude)[] places = [.. Enumerable.Range(0, 300).Select(_ => (Math.Round((random.NextDouble() * 14) - 7, 2) + 62, Math.Round((random.NextDouble() * 14) - 7, 2)))];
        var ids = await service.SeedAsync(places, "boxed_311");
        for (var round = 0; round < 25; round++)
        {
            var (west, south) = (Math.Round((random.NextDouble() * 8) - 6, 2), Math.Round((random.NextDouble() * 8) - 6, 2) + 62);
            var (east, north) = (west + Math.Round(random.NextDouble() * 6, 2), south + Math.Round(random.NextDouble() * 6, 2));
            var expected = ids.Zip(places).Where(report => report.Second.Latitude >= south && report.Second.Latitude <= north && report.Second.Longitude >= west && report.Second.Longitude <= east)
                .Select(report => report.First.ToString());

            var found = await _client.GetJsonAsync(FormattableString.Invariant($"/requests.json?service_code=boxed_311&bbox={west:R},{south:R},{east:R},{north:R}"), "requests");

            found.RequestIds().ShouldBe(expected, ignoreOrder: true);
        }
    }

    [Fact]
    public async Task Extensions_add_the_history()
    {
        var (_, key) = await service.NewKeyAsync();
        var id = await _client.RequestAsync(key, more: ("media_url", "https://photos.example/2.jpg"));
        await ChangeAsync(id, new { status = "verified", comment = "Seen." });
        await _client.PostFormAsync("/servicerequestupdates.json", "created_update", new()
        {
            ["api_key"] = key,
            ["service_request_id"] = $"{id}",
            ["update_id"] = "1",
            ["status"] = "OPEN",
            ["description"] = "Still there.",
        });

        var json = (await _client.GetJsonAsync($"/requests/{id}.json?extensions=true", "requests"))[0];
        var xml = await _client.GetXmlAsync($"/requests/{id}.xml?extensions=true");
        var plain = (await _client.GetJsonAsync($"/requests/{id}.json?extensions=false", "requests"))[0];

        json.GetProperty("extended_attributes").GetProperty("detailed_status").GetString().ShouldBe("verified");
        json.GetProperty("extended_attributes").GetProperty("photos")[0].GetString().ShouldBe("https://photos.example/2.jpg");
        json.GetProperty("notes").EnumerateArray().Select(note => (note.GetProperty("type").GetString(), note.GetProperty("description").GetString()))
            .ShouldBe([("verified", "Seen."), ("open", "Still there.")]);
        xml.Descendants("note").Select(note => note.Element("description")?.Value).ShouldBe(["Seen.", "Still there."]);
        xml.Descendants("photo").ShouldHaveSingleItem().Value.ShouldBe("https://photos.example/2.jpg");
        plain.TryGetProperty("notes", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Reads_of_all_are_public_to_caches()
    {
        foreach (var (path, expected) in new[] { ("services.xml", "public, max-age=5"), ("requests.json?service_code=noise", "public, max-age=2"), ("discovery.xml", "public, max-age=60") })
        {
            using var response = await _client.GetAsync($"{Open311Client.Prefix}/{path}", Cancelled);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (response.Headers.CacheControl?.ToString()).ShouldBe(expected);
            response.Headers.Vary.ShouldBeEmpty();
        }
    }

    private async Task ChangeAsync(Guid report, object change)
    {
        using var staff = service.NewUser(Roles.Staff);
        var (status, body) = await staff.ChangeStatusAsync(report, change);
        status.ShouldBe(200, body.ToString());
    }

    private Task<int> HideAsync(Guid report) => service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE reports SET hidden = true WHERE id = {report}"));

    private async Task InsertAsync(Guid[] ids, DateTimeOffset[] created, DateTimeOffset[] updated, string category)
    {
        await service.SeedAsync([], category);
        await using var connection = new NpgsqlConnection(service.Host.Database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand("""
            INSERT INTO reports (id, user_id, title, description, category, status, latitude, longitude, created_at, updated_at, version)
            SELECT id, gen_random_uuid(), 'Seeded', '', $1, 'submitted', 1, 1, created, updated, 1 FROM unnest($2, $3, $4) AS place (id, created, updated)
            """, connection)
        {
            Parameters = { new() { Value = category }, new() { Value = ids }, new() { Value = created }, new() { Value = updated } },
        };
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}

using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Workforce;
using Kashif.Reporting.WorkOrders;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using NetTopologySuite.Features;
using NetTopologySuite.Geometries;
using NetTopologySuite.IO.Esri;
using NetTopologySuite.IO.Esri.Dbf.Fields;
using NetTopologySuite.IO.Esri.Shapefiles.Writers;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Agencies, areas and their import, and the routing of reports when they change. Each test has a square of its own in the Antarctic.</summary>
public sealed class AgencyTests(ReportingService service) : IDisposable
{
    private const string Agencies = $"{Root}/agencies";
    private const string Areas = $"{Root}/areas";
    private const string Wgs84 = """GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]""";

    private static int _squares;

    private readonly Guid _adminId = Guid.CreateVersion7();
    private HttpClient? _admin;

    private HttpClient Admin => _admin ??= service.Host.As(_adminId, Roles.Admin);

    public void Dispose() => _admin?.Dispose();

    [Fact]
    public async Task An_admin_manages_agencies()
    {
        var name = Name();
        var (created, agency) = await SendAsync(HttpMethod.Post, Agencies, new { name_en = $" {name} ", name_ar = "مياه", email = "a@b.example", phone = "1" });
        created.ShouldBe(201, agency.ToString());
        var path = $"{Agencies}/{agency.Id}";
        agency.GetProperty("name").GetProperty("en").GetString().ShouldBe(name);

        (await SendAsync(HttpMethod.Post, Agencies, new { name_en = name, name_ar = "x" })).Body.Code.ShouldBe("name_taken");
        (await SendAsync(HttpMethod.Post, Agencies, new { name_en = "", name_ar = "x", email = "nothing" })).Body.BadFields.ShouldBe(["email", "name_en"]);
        (await SendAsync(HttpMethod.Patch, path, new { phone = "2" }, ifMatch: "\"7\"")).Status.ShouldBe(412);
        var (changed, body) = await SendAsync(HttpMethod.Patch, path, new { email = (string?)null, phone = "2" }, ifMatch: "\"1\"");
        changed.ShouldBe(200, body.ToString());
        body.GetProperty("email").ValueKind.ShouldBe(JsonValueKind.Null);
        (body.GetProperty("phone").GetString(), body.GetProperty("version").GetInt32()).ShouldBe(("2", 2));

        using var anyone = service.Host.Anonymous();
        (await anyone.ReadAsync(path)).Body.ToString().ShouldBe(body.ToString());
        (await anyone.AllPagesAsync($"{Agencies}?q={name[..^1].ToUpperInvariant()}", 1)).ShouldHaveSingleItem().Id.ShouldBe(agency.Id);
        (await anyone.AllPagesAsync($"{Agencies}?q={name}%25", 1)).ShouldBeEmpty();
        using var moderator = service.NewUser(Roles.Moderator);
        (await moderator.PostAsJsonAsync(Agencies, new { name_en = Name(), name_ar = "x" }, Cancelled)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);

        (await SendAsync(HttpMethod.Delete, path, null, ifMatch: "\"1\"")).Status.ShouldBe(412);
        (await SendAsync(HttpMethod.Delete, path)).Status.ShouldBe(204);
        (await anyone.ReadAsync(path)).Status.ShouldBe(404);
        var id = agency.Id;
        var actions = await service.QueryAsync(database => database.AuditEntries.Where(entry => entry.SubjectId == id).OrderBy(entry => entry.Id).Select(entry => entry.Action).ToListAsync(Cancelled));
        actions.ShouldBe(["created", "changed", "deleted"]);
    }

    [Fact]
    public async Task An_agency_is_deleted_only_when_nothing_hangs_on_it()
    {
        var square = NextSquare();
        var agency = await AgencyAsync();
        var area = await AreaAsync(square, agency);
        var employee = Guid.CreateVersion7();
        var (crew, vehicle, project, order) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await service.QueryAsync(async database =>
        {
            var now = TimeProvider.System.GetUtcNow();
            database.Add(new Employee { UserId = employee, AgencyId = agency, Name = "Salma", CreatedAt = now });
            database.Add(new Crew { Id = crew, AgencyId = agency, Name = "Pipes", CreatedAt = now });
            database.Add(new Vehicle { Id = vehicle, AgencyId = agency, Name = "Van", Plate = Name()[..15], CreatedAt = now });
            database.Add(new Project { Id = project, AgencyId = agency, Name = "Pipes", CreatedAt = now });
            database.Add(new WorkOrder { Id = order, AgencyId = agency, Title = "Pipes", CreatedAt = now });
            return await database.SaveChangesAsync(Cancelled);
        });
        var report = (await service.FileAsync(square.Latitude, square.Longitude)).Id;

        var (status, body) = await SendAsync(HttpMethod.Delete, $"{Agencies}/{agency}");
        (status, body.Code).ShouldBe((409, "agency_in_use"));
        body.GetProperty("hangs_on").EnumerateArray().Select(held => (held.GetProperty("kind").GetString(), held.Id))
            .ShouldBe([("area", area), ("report", report), ("employee", employee), ("crew", crew), ("vehicle", vehicle), ("project", project), ("work_order", order)]);

        using var staff = service.NewUser(Roles.Staff);
        (await staff.ChangeStatusAsync(report, new { status = "rejected" })).Status.ShouldBe(200);
        await service.QueryAsync(async database => await database.WorkOrders.Where(row => row.Id == order).ExecuteDeleteAsync(Cancelled)
            + await database.Projects.Where(row => row.Id == project).ExecuteDeleteAsync(Cancelled) + await database.Employees.Where(row => row.UserId == employee).ExecuteDeleteAsync(Cancelled)
            + await database.Crews.Where(row => row.Id == crew).ExecuteDeleteAsync(Cancelled) + await database.Vehicles.Where(row => row.Id == vehicle).ExecuteDeleteAsync(Cancelled));
        (await SendAsync(HttpMethod.Delete, $"{Areas}/{area}")).Status.ShouldBe(204);
        (await SendAsync(HttpMethod.Delete, $"{Agencies}/{agency}")).Status.ShouldBe(204);
        (await ReadAsync(report)).TryGetProperty("agency_id", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Areas_are_GeoJSON_for_everyone()
    {
        var square = NextSquare();
        var agency = await AgencyAsync();
        var name = Name();
        var (created, area) = await SendAsync(HttpMethod.Post, Areas, new { name_en = name, name_ar = "حي", geometry = square.Polygon, agency_id = agency, categories = new[] { "noise" } });
        created.ShouldBe(201, area.ToString());
        var path = $"{Areas}/{area.Id}";
        (await SendAsync(HttpMethod.Post, Areas, new { name_en = name, name_ar = "حي", geometry = square.Polygon })).Body.Code.ShouldBe("name_taken");
        var (status, invalid) = await SendAsync(HttpMethod.Post, Areas, new { name_en = Name(), name_ar = "", geometry = "x", agency_id = Guid.CreateVersion7(), categories = new[] { "nothing" } });
        (status, string.Join(' ', invalid.BadFields)).ShouldBe((400, "agency_id categories geometry name_ar"));

        using var anyone = service.Host.Anonymous();
        string[] filters = [$"agency={agency}", $"q={name}", $"agency={agency}&bbox={square.Box}"];
        foreach (var filter in filters)
        {
            var (_, list) = await anyone.ReadAsync($"{Areas}?{filter}");
            list.GetProperty("type").GetString().ShouldBe("FeatureCollection");
            var feature = list.GetProperty("features").EnumerateArray().ShouldHaveSingleItem();
            feature.ToString().ShouldBe(area.ToString());
            feature.GetProperty("geometry").GetProperty("coordinates")[0][0].GetArrayLength().ShouldBe(5);
        }

        (await anyone.ReadAsync($"{Areas}?agency={agency}&bbox=0,0,1,1")).Body.GetProperty("features").GetArrayLength().ShouldBe(0);
        (await anyone.ReadAsync($"{Areas}?bbox=0")).Body.BadFields.ShouldBe(["bbox"]);
        (await SendAsync(HttpMethod.Patch, path, new { name_ar = "x" }, ifMatch: "\"2\"")).Status.ShouldBe(412);
        var (_, changed) = await SendAsync(HttpMethod.Patch, path, new { agency_id = (Guid?)null, categories = Array.Empty<string>() }, ifMatch: "\"1\"");
        changed.GetProperty("properties").GetProperty("agency_id").ValueKind.ShouldBe(JsonValueKind.Null);
        changed.GetProperty("properties").GetProperty("version").GetInt32().ShouldBe(2);
        (await anyone.ReadAsync(path)).Body.ToString().ShouldBe(changed.ToString());
        (await SendAsync(HttpMethod.Delete, path)).Status.ShouldBe(204);
        (await anyone.ReadAsync(path)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Open_reports_are_routed_again_when_areas_change()
    {
        var square = NextSquare();
        var (first, second) = (await AgencyAsync(), await AgencyAsync());
        var open = (await service.FileAsync(square.Latitude, square.Longitude)).Id;
        var closed = (await service.FileAsync(square.Latitude, square.Longitude)).Id;
        var byHand = (await service.FileAsync(square.Latitude, square.Longitude)).Id;
        using var staff = service.NewUser(Roles.Staff);
        (await staff.ChangeStatusAsync(closed, new { status = "rejected" })).Status.ShouldBe(200);
        using (var given = await staff.PostAsJsonAsync($"{Root}/{byHand}/route", new { agency_id = second, comment = "Their lamp." }, Cancelled))
        {
            (await given.JsonAsync()).GetProperty("agency_id").GetGuid().ShouldBe(second);
        }

        var area = await AreaAsync(square, first);
        await Eventually.TrueAsync(async () => await AgencyOfAsync(open) == first, "the new route");
        await Eventually.TrueAsync(async () => (await ReadAsync(closed)).TryGetProperty("area_id", out var found) && found.GetGuid() == area, "the area of a closed report");
        var entry = (await HistoryAsync(open))[^1];
        entry.GetProperty("kind").GetString().ShouldBe("routed");
        entry.GetProperty("changed_by").GetGuid().ShouldNotBe(Guid.Empty); // an admin: the change of another test can have routed it
        entry.GetProperty("details").GetProperty("agency").Id.ShouldBe(first);
        entry.GetProperty("details").GetProperty("agency").GetProperty("name").GetProperty("ar").GetString().ShouldBe("جهة");
        var routed = (await service.Tap.WaitForAsync("report.routed", data => data.GetProperty("report_id").GetGuid() == open)).GetProperty("data");
        (routed.GetProperty("agency_id").GetGuid(), routed.GetProperty("version").GetInt32()).ShouldBe((first, 2));
        (await HistoryAsync(open)).Count(change => change.GetProperty("kind").GetString() == "routed").ShouldBe(1);
        (await AgencyOfAsync(closed)).ShouldBeNull();
        (await AgencyOfAsync(byHand)).ShouldBe(second);
        (await HistoryAsync(byHand))[^1].GetProperty("comment").GetString().ShouldBe("Their lamp.");

        // A new report knows it at once, and another category may be another agency's.
        (await service.FileAsync(square.Latitude, square.Longitude)).GetProperty("agency_id").GetGuid().ShouldBe(first);
        await AreaAsync(square, second, "noise");
        using var edited = await staff.PatchAsJsonAsync($"{Root}/{open}", new { category = "noise" }, Cancelled);
        (await edited.JsonAsync()).GetProperty("agency_id").GetGuid().ShouldBe(second);
        (await HistoryAsync(open))[^1].GetProperty("details").GetProperty("agency").Id.ShouldBe(second);

        // Back to what the areas say.
        using var automatic = await staff.PostAsJsonAsync($"{Root}/{byHand}/route", new { }, Cancelled);
        (await automatic.JsonAsync()).GetProperty("agency_id").GetGuid().ShouldBe(first);
        (await SendAsync(HttpMethod.Delete, $"{Areas}/{area}")).Status.ShouldBe(204);
        await Eventually.TrueAsync(async () => await AgencyOfAsync(byHand) is null, "no agency");
        (await HistoryAsync(byHand))[^1].GetProperty("details").GetProperty("agency").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task No_report_is_routed_to_an_agency_that_is_deleted_meanwhile()
    {
        var report = (await service.FileAsync(NextSquare().Latitude, 100)).Id;
        using var staff = service.NewUser(Roles.Staff);
        for (var round = 0; round < 10; round++)
        {
            var agency = await AgencyAsync();
            var (routed, deleted) = (staff.PostAsJsonAsync($"{Root}/{report}/route", new { agency_id = agency }, Cancelled), SendAsync(HttpMethod.Delete, $"{Agencies}/{agency}"));
            var (isRouted, isDeleted) = ((await routed).IsSuccessStatusCode, (await deleted).Status == 204);
            isRouted.ShouldNotBe(isDeleted);
        }
    }

    [Fact]
    public async Task A_file_of_areas_is_imported_as_a_whole_and_can_be_repeated()
    {
        var (one, two) = (NextSquare(), NextSquare());
        var (first, second) = (Name(), Name());
        var agency = await AgencyAsync();
        object Collection(params (object? Properties, object? Geometry)[] features) =>
            new { type = "FeatureCollection", features = features.Select(feature => new { type = "Feature", properties = feature.Properties, geometry = feature.Geometry }) };

        var (refused, errors) = await ImportAsync("name_property=label", Collection((new { label = first }, one.Polygon), (new { label = second }, null), (new { }, two.Polygon), (new { label = first }, two.Polygon)));
        (refused, string.Join(' ', errors.BadFields)).ShouldBe((400, "features[1] features[2] features[3]"));
        errors.GetProperty("errors").GetProperty("features[1]")[0].GetString().ShouldNotBeNull().ShouldContain(second);
        await CountAsync(0);

        var file = Collection((new { label = first, arabic = "الأولى" }, one.Polygon), (new { label = second, arabic = 7 }, two.Polygon));
        (await ImportAsync($"name_property=label&name_ar_property=arabic&agency_id={agency}", file)).ShouldSatisfyAllConditions(
            answer => answer.Status.ShouldBe(200, answer.Body.ToString()), answer => Counts(answer.Body).ShouldBe((2, 0, 0)));
        Counts((await ImportAsync("name_property=label&name_ar_property=arabic", file)).Body).ShouldBe((0, 0, 2));
        var moved = Collection((new { label = first, arabic = "الأولى" }, two.Polygon), (new { label = second, arabic = 7 }, two.Polygon));
        Counts((await ImportAsync("name_property=label&name_ar_property=arabic&category=noise", moved)).Body).ShouldBe((0, 2, 0));
        await CountAsync(2);
        (await service.FileAsync(two.Latitude, two.Longitude, "noise")).GetProperty("agency_id").GetGuid().ShouldBe(agency);

        var (_, old) = await ImportAsync("", new { type = "FeatureCollection", crs = new { type = "name", properties = new { name = "urn:ogc:def:crs:EPSG::32637" } }, features = Array.Empty<object>() });
        old.GetProperty("errors").GetProperty("file")[0].GetString().ShouldNotBeNull().ShouldContain("EPSG::32637");
        (await ImportAsync("agency_id=0198f0a0-1111-7000-8000-000000000009&category=nothing", file)).Body.BadFields.ShouldBe(["agency_id", "category"]);
        (await ImportAsync("", new[] { 1 })).Body.BadFields.ShouldBe(["file"]);
        (await ImportAsync("", Encoding.UTF8.GetBytes("{"), "application/json")).Status.ShouldBe(400);
        (await ImportAsync("", [1], "text/csv")).Status.ShouldBe(415);
        (await ImportAsync("", new byte[11 * 1024 * 1024], "application/zip")).Status.ShouldBe(413);

        async Task CountAsync(int expected) =>
            (await service.QueryAsync(database => database.Areas.CountAsync(area => area.NameEn == first || area.NameEn == second, Cancelled))).ShouldBe(expected);
    }

    /// <summary>Half a surrogate pair is valid JSON, but no text.</summary>
    [Theory]
    [InlineData("FeatureCollection")]
    [InlineData("label")]
    [InlineData("harbour")]
    [InlineData("Polygon")]
    [InlineData("coordinates")]
    [InlineData("WGS84")]
    public async Task A_file_with_half_a_character_is_refused(string text)
    {
        const string File = """
            {"type": "FeatureCollection", "crs": {"properties": {"name": "WGS84"}}, "features": [{"type": "Feature", "properties": {"label": "harbour"},
             "geometry": {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}}]}
            """;

        (await ImportAsync("name_property=label", Encoding.UTF8.GetBytes(File.Replace(text, "\\ud800", StringComparison.Ordinal)), "application/geo+json")).Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("""{"type": "\ud800", "coordinates": []}""")]
    [InlineData("""{"type": "Polygon", "\ud800\ud800\ud800": []}""")]
    public async Task A_boundary_with_half_a_character_is_refused(string boundary)
    {
        var json = $$"""{"name_en": "{{Name()}}", "name_ar": "الميناء", "geometry": {{boundary}}}""";
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Admin.PostAsync(Areas, body, Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.JsonAsync()).BadFields.ShouldBe(["geometry"]);
    }

    [Fact]
    public async Task A_zipped_shapefile_is_imported()
    {
        var (square, name) = (NextSquare(), Name());
        var (status, body) = await ImportAsync("name_property=label", Shapefile(name, square), "application/zip");

        (status, body.ToString()).ShouldBe((200, """{"created":1,"updated":0,"unchanged":0}"""));
        using var anyone = service.Host.Anonymous();
        var feature = (await anyone.ReadAsync($"{Areas}?q={name}")).Body.GetProperty("features").EnumerateArray().ShouldHaveSingleItem();
        feature.GetProperty("properties").GetProperty("name").GetProperty("en").GetString().ShouldBe($"{name} حي");
        (await service.FileAsync(square.Latitude, square.Longitude)).GetProperty("area_id").GetGuid().ShouldBe(feature.Id);
        (await service.FileAsync(square.Latitude + 0.3, square.Longitude + 0.3)).TryGetProperty("area_id", out _).ShouldBeFalse("the hole");

        var utm = """PROJCS["WGS_1984_UTM_Zone_37N",GEOGCS["GCS_WGS_1984"]]""";
        var (_, other) = await ImportAsync("name_property=label", Shapefile(name, square, utm), "application/zip");
        other.GetProperty("errors").GetProperty("file")[0].GetString().ShouldNotBeNull().ShouldContain("WGS_1984_UTM_Zone_37N");
    }

    [Fact]
    public async Task A_damaged_or_swollen_shapefile_is_refused()
    {
        var good = Shapefile(Name(), NextSquare());
        (await ImportAsync("name_property=label", Zip(("bomb.shp", new byte[41 * 1024 * 1024]), ("bomb.dbf", []), ("bomb.prj", [])), "application/zip")).Body.BadFields.ShouldBe(["file"]);
        (await ImportAsync("name_property=label", Zip([.. Enumerable.Range(0, 60).Select(index => ($"{index}.shp", Array.Empty<byte>()))]), "application/zip")).Body.BadFields.ShouldBe(["file"]);
        (await ImportAsync("name_property=label", Zip(("a.shp", [1])), "application/zip")).Body.BadFields.ShouldBe(["file"]);
        (await ImportAsync("", good[..(good.Length / 2)], "application/zip")).Body.BadFields.ShouldBe(["file"]);

        // Any byte of the headers and counts may lie.
        using var source = new ZipArchive(new MemoryStream(good));
        var files = source.Entries.Where(entry => !entry.FullName.EndsWith(".shx", StringComparison.Ordinal)).ToDictionary(entry => entry.FullName, Unpacked);
        var random = new Random(7);
        for (var round = 0; round < 60; round++)
        {
            var damaged = files.ToDictionary(file => file.Key, file => (byte[])file.Value.Clone());
            var target = damaged[round % 2 == 0 ? "areas.shp" : "areas.dbf"];
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                target[random.Next(Math.Min(target.Length, 160))] = (byte)random.Next(256);
            }

            var (status, body) = await ImportAsync("name_property=missing", Zip([.. damaged.Select(file => (file.Key, file.Value))]), "application/zip");
            status.ShouldBe(400, body.ToString());
        }

        static byte[] Unpacked(ZipArchiveEntry entry)
        {
            using var content = entry.Open();
            using var bytes = new MemoryStream();
            content.CopyTo(bytes);
            return bytes.ToArray();
        }
    }

    [Fact]
    public async Task Reports_are_filtered_and_counted_by_area()
    {
        var square = NextSquare();
        var area = await AreaAsync(square, agency: null);
        var inside = (await service.FileAsync(square.Latitude, square.Longitude)).Id;
        await service.FileAsync(square.Latitude - 0.9, square.Longitude);

        using var anyone = service.Host.Anonymous();
        string[] lists = [$"?area={area}", $"?area={area}&category=pothole&total=true", $"?area={area}&latitude={square.Latitude}&longitude={square.Longitude}", $"?area={area}&bbox={square.Box}"];
        foreach (var list in lists)
        {
            var (status, page) = await anyone.ReadAsync($"{Root}{list}");
            status.ShouldBe(200, page.ToString());
            page.GetProperty("items").EnumerateArray().ShouldHaveSingleItem(list).Id.ShouldBe(inside);
        }

        var row = (await anyone.ReadAsync($"{Root}/stats?group_by=area&area={area}")).Body.GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        (row.GetProperty("key").GetGuid(), row.GetProperty("count").GetInt32(), row.GetProperty("name").GetProperty("ar").GetString()).ShouldBe((area, 1, "حي"));
        (await anyone.ReadAsync($"{Root}/clusters?bbox={square.Box}&zoom=12&area={area}")).Body.GetProperty("items").EnumerateArray().ShouldHaveSingleItem().GetProperty("count").GetInt32().ShouldBe(1);
        (await anyone.GetStringAsync($"{Root}/export.csv?area={area}", Cancelled)).ShouldContain(inside.ToString());
        (await anyone.ReadAsync($"{Root}?area=x")).Status.ShouldBe(400);
    }

    private static string Name() => $"n{Guid.CreateVersion7():N}";

    private static (int, int, int) Counts(JsonElement body) => (body.GetProperty("created").GetInt32(), body.GetProperty("updated").GetInt32(), body.GetProperty("unchanged").GetInt32());

    private static Square NextSquare()
    {
        var number = Interlocked.Increment(ref _squares);
        return new Square(-75 + (number / 50), -150 + (2 * (number % 50)));
    }

    private static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create))
        {
            foreach (var (name, content) in files)
            {
                using var entry = zip.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return bytes.ToArray();
    }

    /// <summary>One area with a hole.</summary>
    private static byte[] Shapefile(string name, Square square, string projection = Wgs84)
    {
        using var shp = new MemoryStream();
        using var shx = new MemoryStream();
        using var dbf = new MemoryStream();
        using var prj = new MemoryStream();
        var options = new ShapefileWriterOptions(ShapeType.Polygon, new DbfCharacterField("LABEL", 80)) { Projection = projection, Encoding = Encoding.UTF8 };
        using (var writer = NetTopologySuite.IO.Esri.Shapefile.OpenWrite(shp, shx, dbf, prj, options))
        {
            var factory = new GeometryFactory();
            var (x, y) = (square.Longitude, square.Latitude);
            var border = factory.CreateLinearRing([new(x - 0.5, y - 0.5), new(x - 0.5, y + 0.5), new(x + 0.5, y + 0.5), new(x + 0.5, y - 0.5), new(x - 0.5, y - 0.5)]);
            var hole = factory.CreateLinearRing([new(x + 0.2, y + 0.2), new(x + 0.4, y + 0.2), new(x + 0.4, y + 0.4), new(x + 0.2, y + 0.4), new(x + 0.2, y + 0.2)]);
            writer.Write([new Feature(factory.CreateMultiPolygon([factory.CreatePolygon(border, [hole])]), new AttributesTable { { "LABEL", $"{name} حي" } })]);
        }

        return Zip(("areas.shp", shp.ToArray()), ("areas.shx", shx.ToArray()), ("areas.dbf", dbf.ToArray()), ("areas.prj", prj.ToArray()), ("areas.cpg", "UTF-8"u8.ToArray()));
    }

    private async Task<Guid> AgencyAsync()
    {
        var (status, body) = await SendAsync(HttpMethod.Post, Agencies, new { name_en = Name(), name_ar = "جهة" });
        status.ShouldBe(201, body.ToString());
        return body.Id;
    }

    private async Task<Guid> AreaAsync(Square square, Guid? agency, params string[] categories)
    {
        var (status, body) = await SendAsync(HttpMethod.Post, Areas, new { name_en = Name(), name_ar = "حي", geometry = square.Polygon, agency_id = agency, categories });
        status.ShouldBe(201, body.ToString());
        return body.Id;
    }

    private async Task<(int Status, JsonElement Body)> SendAsync(HttpMethod method, string path, object? body = null, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        using var response = await Admin.SendAsync(request, Cancelled);
        return ((int)response.StatusCode, response.StatusCode is HttpStatusCode.NoContent ? default : await response.JsonAsync());
    }

    private Task<(int Status, JsonElement Body)> ImportAsync(string query, object json) => ImportAsync(query, JsonSerializer.SerializeToUtf8Bytes(json), "application/geo+json");

    /// <summary>Waits while another test's import runs.</summary>
    private async Task<(int Status, JsonElement Body)> ImportAsync(string query, byte[] content, string type)
    {
        (int Status, JsonElement Body) answer = default;
        await Eventually.TrueAsync(
            async () =>
            {
                using var body = new ByteArrayContent(content) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
                using var request = new HttpRequestMessage(HttpMethod.Post, $"{Areas}/import?{query}") { Content = body };
                request.Headers.ExpectContinue = true; // a body that is too large is refused before it is sent
                using var response = await Admin.SendAsync(request, Cancelled);
                answer = ((int)response.StatusCode, await response.JsonAsync());
                return answer.Status != 503;
            },
            "the import");
        return answer;
    }

    private async Task<JsonElement> ReadAsync(Guid report)
    {
        using var moderator = service.NewUser(Roles.Moderator);
        return (await moderator.ReadAsync($"{Root}/{report}")).Body;
    }

    private async Task<Guid?> AgencyOfAsync(Guid report) => (await ReadAsync(report)).TryGetProperty("agency_id", out var agency) ? agency.GetGuid() : null;

    private async Task<List<JsonElement>> HistoryAsync(Guid report)
    {
        using var anyone = service.Host.Anonymous();
        return await anyone.AllPagesAsync($"{Root}/{report}/history?", 100);
    }

    /// <summary>A square of one degree around a place.</summary>
    private sealed record Square(double Latitude, double Longitude)
    {
        public string Box => FormattableString.Invariant($"{Longitude - 0.4},{Latitude - 0.4},{Longitude + 0.4},{Latitude + 0.4}");

        public object Polygon => new
        {
            type = "Polygon",
            coordinates = new[]
            {
                new[]
                {
                    new[] { Longitude - 0.5, Latitude - 0.5 }, [Longitude + 0.5, Latitude - 0.5], [Longitude + 0.5, Latitude + 0.5], [Longitude - 0.5, Latitude + 0.5],
                    [Longitude - 0.5, Latitude - 0.5],
                },
            },
        };
    }
}

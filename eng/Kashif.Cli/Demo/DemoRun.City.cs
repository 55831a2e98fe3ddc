using System.Text.Json;

namespace Kashif.Cli.Demo;

internal sealed partial class DemoRun
{
    private const string Register = "reports";

    private readonly List<Guid> _agencies = [];
    private readonly List<Guid> _employees = [];
    private readonly List<Guid> _crews = [];
    private readonly List<Guid> _vehicles = [];

    private async Task AddCitySideAsync()
    {
        if (await api.ListAsync($"{Register}/agencies?") is not { } agencies)
        {
            return;
        }

        foreach (var (english, arabic, email, phone, _) in DemoCity.Agencies)
        {
            _agencies.Add(await AddNamedAsync("agencies", agencies, english, new { name_en = english, name_ar = arabic, email, phone }));
        }

        await AddAreasAsync();
        await AddStaffAsync();
        await AddTemplatesAsync();
        await AddSurveyAsync();
    }

    private async Task AddAreasAsync()
    {
        var page = await api.GetAsync($"{Register}/areas?limit=100");
        if (page.Status == 404)
        {
            api.Skip($"{Register}/areas");
            return;
        }

        DemoApi.Check(page, "GET", $"{Register}/areas");
        var known = page.Body.GetProperty("features").EnumerateArray().Select(feature => EnglishOf(feature.GetProperty("properties"))).ToHashSet();
        foreach (var (index, (english, arabic, _, _, _)) in DemoCity.Agencies.Index().Where(agency => agency.Index != DemoCity.Inspection && !known.Contains($"Damascus: {agency.Item.English}")))
        {
            var (west, south, east, north) = DemoCity.Bounds;
            double[][] boundary = [[west, south], [east, south], [east, north], [west, north], [west, south]];
            var categories = DemoTexts.Topics.Where(topic => topic.Agency == index).Select(topic => topic.Category);
            await api.AddAsync(
                "areas", HttpMethod.Post, $"{Register}/areas", admin,
                new { name_en = $"Damascus: {english}", name_ar = $"دمشق: {arabic}", geometry = PolygonOf(boundary), agency_id = _agencies[index], categories }, ignored: ["name_taken"]);
        }

        var features = DemoCity.Districts.Index().Where(district => !known.Contains(district.Item.English)).Select(district => new
        {
            type = "Feature",
            properties = new { name = district.Item.English, name_ar = district.Item.Arabic },
            geometry = PolygonOf(DemoCity.BoundaryOf(district.Index)),
        }).ToList();
        if (features.Count > 0)
        {
            var route = $"{Register}/areas/import?name_ar_property=name_ar&agency_id={_agencies[DemoCity.Inspection]}";
            var imported = await api.SendAsync(HttpMethod.Post, route, admin, new { type = "FeatureCollection", features });
            DemoApi.Check(imported, "POST", route);
            api.Count("areas", imported.Body.GetProperty("created").GetInt32());
        }

        static object PolygonOf(double[][] boundary) => new { type = "Polygon", coordinates = new[] { boundary } };
    }

    /// <summary>Employees, crews and vehicles, of the accounts that have the role.</summary>
    private async Task AddStaffAsync()
    {
        if (await api.ListAsync($"{Register}/employees?", admin) is not { } employees)
        {
            return;
        }

        foreach (var (index, person) in WithRoles.Index().Where(official => official.Item is { Role: "staff", HasRole: true }))
        {
            var agency = index / 2;
            var known = employees.FirstOrDefault(employee => EnglishOf(employee) == person.Name);
            if (known.ValueKind is JsonValueKind.Object)
            {
                _employees.Add(IdOf(known));
                continue;
            }

            // Reporting learns of a role from an event, a moment after Auth.
            for (var attempt = 1; ; attempt++)
            {
                var added = await api.SendAsync(
                    HttpMethod.Post, $"{Register}/employees", admin,
                    new { user_id = person.Id, name = person.Name, job = index % 2 == 0 ? "manager" : "field_worker", agency_id = _agencies[agency], skills = DemoCity.Skills[agency] });
                if (added.IsSuccess)
                {
                    api.Count("employees");
                    _employees.Add(IdOf(added.Body));
                    break;
                }

                if (attempt == 240)
                {
                    DemoApi.Check(added, "POST", $"{Register}/employees");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(500));
            }
        }

        if (_employees.Count < _agencies.Count * 2)
        {
            return;
        }

        if (await api.ListAsync($"{Register}/crews?", admin) is { } crews)
        {
            foreach (var (index, name) in DemoCity.Crews.Index())
            {
                _crews.Add(await AddNamedAsync("crews", crews, name, new { name, agency_id = _agencies[index], members = _employees.GetRange(index * 2, 2) }));
            }
        }

        if (await api.ListAsync($"{Register}/vehicles?", admin) is { } vehicles)
        {
            foreach (var (index, (name, plate)) in DemoCity.Vehicles.Index())
            {
                _vehicles.Add(await AddNamedAsync("vehicles", vehicles, name, new { name, plate, agency_id = _agencies[index] }));
            }
        }
    }

    private async Task AddTemplatesAsync()
    {
        if (await api.ListAsync($"{Register}/response-templates?", admin) is { } templates)
        {
            await AddNamedAsync("response-templates", templates, "Seen and planned", new { name = "Seen and planned", text_en = "We have seen “{{ title }}” and planned its repair.", text_ar = "عاينا «{{ title }}» وأدرجنا إصلاحها في الخطة.", status = "verified" });
            await AddNamedAsync("response-templates", templates, "Repaired", new { name = "Repaired", text_en = "“{{ title }}” is repaired. Thank you for the report.", text_ar = "أُصلحت «{{ title }}». شكرًا على البلاغ.", status = "resolved" });
        }
    }

    /// <returns>The id of what has the name, or of what is added.</returns>
    private async Task<Guid> AddNamedAsync(string route, List<JsonElement> known, string name, object body)
    {
        var found = known.FirstOrDefault(item => EnglishOf(item) == name);
        return IdOf(found.ValueKind is JsonValueKind.Object
            ? found
            : (await api.AddAsync(route.Replace('-', ' '), HttpMethod.Post, $"{Register}/{route}", admin, body, Key($"{route}-{name.Replace(' ', '-').Replace(',', '-')}"))).Body);
    }
}

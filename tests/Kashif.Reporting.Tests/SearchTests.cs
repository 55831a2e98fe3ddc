using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Search for words, several values of a filter, times and totals.</summary>
public sealed class SearchTests(ReportingService service)
{
    [Theory]
    [InlineData("Broken café Élan", "cafe elan")]
    [InlineData("A cafe in the lane", "CAFÉ")]
    [InlineData("حُفْرَةٌ عَمِيقَة", "حفرة عميقه")]
    [InlineData("إنارة الشارع", "انارة")]
    [InlineData("انارة", "إنارة أنارة")]
    [InlineData("مستشفى المدينة", "مستشفي المدينه")]
    [InlineData("شـــارع بغداد", "شارع")]
    [InlineData("مسؤول", "مسوول")]
    [InlineData("Hole at the corner", "\"the corner\"")]
    [InlineData("Hole at the corner", "hole -bridge")]
    [InlineData("Straße", "straße")]
    public async Task Words_are_found_however_they_are_typed(string title, string query)
    {
        using var client = service.Citizen(out _);
        var (latitude, longitude) = NewPlace();
        var found = (await client.FileAsync(latitude, longitude, title: title)).Id;
        await client.FileAsync(latitude, longitude, title: "Bridge without any of them");
        var near = FormattableString.Invariant($"&latitude={latitude}&longitude={longitude}&radius_km=0.1");

        (await IdsAsync(client, $"q={Uri.EscapeDataString(query)}{near}")).ShouldBe([found]);
        (await IdsAsync(client, $"q={Uri.EscapeDataString(query)}{near}&sort=newest")).ShouldBe([found]);
    }

    [Fact]
    public async Task The_description_and_the_address_are_searched_too_and_everywhere()
    {
        using var client = service.Citizen(out _);
        var word = $"w{Guid.CreateVersion7():N}";
        using var response = await client.PostReportAsync(
            new { title = "Dark street", description = $"Since {word}.", address = $"{word}x street", category = "street_light", latitude = 1, longitude = 1 });
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        var id = (await response.JsonAsync()).Id;

        (await IdsAsync(client, $"q={word}")).ShouldBe([id]);
        (await IdsAsync(client, $"q={word}X&category=street_light,pothole")).ShouldBe([id]);
        (await IdsAsync(client, $"q={word}&category=pothole")).ShouldBeEmpty();
        (await IdsAsync(client, $"q={word}&bbox=0.9,0.9,1.1,1.1")).ShouldBe([id]);
        (await IdsAsync(client, "q=%22%20-")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("&sort=newest")]
    [InlineData("&sort=nearest&latitude=40&longitude=40&radius_km=50")]
    [InlineData("&sort=newest&latitude=40&longitude=40&radius_km=50")]
    public async Task Several_values_of_a_filter_are_alternatives(string place)
    {
        var (one, other, third) = ($"one-{place.Length}", $"other-{place.Length}", $"third-{place.Length}");
        var first = await service.SeedAsync([(40, 40), (40.01, 40)], one);
        var second = await service.SeedAsync([(40, 40), (40.01, 40)], other, "verified");
        await service.SeedAsync([(40, 40)], third);
        await service.SeedAsync([(40, 40)], one, "resolved");
        using var client = service.Host.Anonymous();

        (await IdsAsync(client, $"category={one},{other}&status=submitted&status=verified{place}")).Order().ShouldBe(first.Concat(second).Order());
        (await IdsAsync(client, $"category={one}&category={other}&status=verified{place}")).Order().ShouldBe(second.Order());
    }

    [Fact]
    public async Task Times_are_exact()
    {
        using var client = service.Citizen(out _);
        var (latitude, longitude) = NewPlace();
        var near = FormattableString.Invariant($"&sort=newest&latitude={latitude}&longitude={longitude}&radius_km=0.1");
        JsonElement[] filed = [await client.FileAsync(latitude, longitude), await client.FileAsync(latitude, longitude), await client.FileAsync(latitude, longitude)];
        var ids = filed.Select(report => report.Id).ToArray();
        var time = Uri.EscapeDataString(filed[1].GetProperty("created_at").GetString()!);

        (await IdsAsync(client, $"from={time}{near}")).ShouldBe([ids[2], ids[1]]);
        (await IdsAsync(client, $"since={time}{near}")).ShouldBe([ids[2], ids[1]]);
        (await IdsAsync(client, $"to={time}{near}")).ShouldBe([ids[0]]);
        (await IdsAsync(client, $"from={time}&to={time}{near}")).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_most_relevant_have_the_words_more_often_and_closer_together()
    {
        using var client = service.Citizen(out _);
        var word = $"r{Guid.CreateVersion7():N}";
        var (latitude, longitude) = NewPlace();
        var often = (await client.FileAsync(latitude, longitude, title: $"{word} {word} bridge")).Id;
        var far = (await client.FileAsync(latitude, longitude, title: $"{word} with a hole of some size and depth beside the long bridge")).Id;
        var close = (await client.FileAsync(latitude, longitude, title: $"Hole at the {word} bridge")).Id;
        var newer = (await client.FileAsync(latitude, longitude, title: $"Hole at the {word} bridge")).Id;
        await client.FileAsync(latitude, longitude, title: "A bridge with none of it");

        foreach (var filter in (string[])["", FormattableString.Invariant($"&latitude={latitude}&longitude={longitude}&radius_km=1"), "&category=pothole,noise&status=submitted"])
        {
            (await IdsAsync(client, $"q={word}+bridge&sort=relevance{filter}")).ShouldBe([often, newer, close, far]);
        }

        (await IdsAsync(client, $"q={word}+bridge&sort=relevance&category=noise")).ShouldBeEmpty();
        (await IdsAsync(client, $"q={word}+-bridge&sort=relevance")).ShouldBeEmpty();
        (await client.ReadAsync($"{Root}?q={word}&sort=relevance&latitude={latitude.ToString(CultureInfo.InvariantCulture)}&longitude={longitude.ToString(CultureInfo.InvariantCulture)}"))
            .Body.GetProperty("items")[0].GetProperty("distance_km").GetDouble().ShouldBe(0);
    }

    [Fact]
    public async Task Pages_by_relevance_neither_skip_nor_repeat()
    {
        var category = $"rank-{Guid.CreateVersion7():N}"[..30];
        var ids = await service.SeedAsync([.. Enumerable.Repeat((4.0, 4.0), 130)], category);
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync(
            $"UPDATE reports SET title = repeat('flood ', 1 + get_byte(uuid_send(id), 5) % 7) || 'street', hidden = id = {ids[0]}, private = id = {ids[1]} WHERE category = {category}", Cancelled));
        using var client = service.Host.Anonymous();

        foreach (var size in (int[])[1, 43, 64, 100])
        {
            var found = (await client.AllPagesAsync($"{Root}?q=flood+street&sort=relevance&category={category}", size)).ToArray();
            found.Select(report => report.Id).Order().ShouldBe(ids[2..].Order());
            found.Select(report => report.GetProperty("title").GetString()!.Length).ShouldBeInOrder(SortDirection.Descending);
        }
    }

    [Fact]
    public async Task Relevance_needs_words()
    {
        using var client = service.Host.Anonymous();
        foreach (var query in (string[])["sort=relevance", "sort=relevance&q=", "sort=best&q=hole", "sort=relevance&q=hole&cursor=bm9uZQ"])
        {
            var (status, body) = await client.ReadAsync($"{Root}?{query}");
            status.ShouldBe(400, query);
            body.BadFields.ShouldBe([query.Contains("cursor", StringComparison.Ordinal) ? "cursor" : "sort"]);
        }
    }

    [Fact]
    public async Task The_total_is_exact_up_to_its_bound()
    {
        var few = $"few-{Guid.CreateVersion7():N}"[..30];
        await service.SeedAsync([.. Enumerable.Repeat((3.0, 3.0), 7)], few);
        using var client = service.Host.Anonymous();

        var (_, page) = await client.ReadAsync($"{Root}?category={few}&limit=2&total=true");
        page.GetProperty("total").GetInt32().ShouldBe(7);
        page.TryGetProperty("total_at_least", out _).ShouldBeFalse();
        (await client.ReadAsync($"{Root}?category={few}")).Body.TryGetProperty("total", out _).ShouldBeFalse();
    }

    private static (double Latitude, double Longitude) NewPlace() => (-70 + Random.Shared.NextDouble(), 100 + Random.Shared.NextDouble());

    private static async Task<Guid[]> IdsAsync(HttpClient client, string query) => [.. (await client.AllPagesAsync($"{Root}?{query}", 50)).Select(report => report.Id)];
}

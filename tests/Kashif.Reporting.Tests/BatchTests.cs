using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Reports that were made offline are filed once, however often they are sent.</summary>
public sealed class BatchTests(ReportingService service)
{
    [Fact]
    public async Task Each_report_is_answered_on_its_own()
    {
        using var client = service.Citizen(out _);
        var now = TimeProvider.System.GetUtcNow();

        var items = await SendAsync(client, Offline("good"), Offline("bad", title: "x", captured: now.AddDays(-31)), Offline("also-good"), Offline("good"));

        items.Select(item => item.GetProperty("outcome").GetString()).ShouldBe(["created", "invalid", "created", "exists"]);
        items.Select(item => item.GetProperty("client_id").GetString()).ShouldBe(["good", "bad", "also-good", "good"]);
        items[1].BadFields.ShouldBe(["captured_at", "title"]);
        items[3].GetProperty("report_id").GetGuid().ShouldBe(items[0].GetProperty("report_id").GetGuid());
        (await client.AllPagesAsync($"{Root}/my-reports?", 100)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task The_same_batches_at_once_file_each_report_once()
    {
        using var client = service.Citizen(out var user);
        var reports = Enumerable.Range(0, 10).Select(index => Offline($"race-{index}")).ToArray();

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(turn => SendAsync(client, turn % 2 == 0 ? reports : [.. reports.Reverse()])));

        answers.SelectMany(items => items).Count(item => item.GetProperty("outcome").GetString() == "created").ShouldBe(10);
        answers.SelectMany(items => items).Select(item => item.GetProperty("report_id").GetGuid()).Distinct().Count().ShouldBe(10);
        (await service.QueryAsync(database => database.Reports.CountAsync(report => report.UserId == user, Cancelled))).ShouldBe(10);
    }

    [Fact]
    public async Task The_hourly_limit_applies_to_each_report_and_the_rest_can_be_sent_again()
    {
        await using var strict = await service.StartAnotherAsync(reportsPerHour: 3);
        using var client = strict.As(Guid.CreateVersion7());

        var items = await SendAsync(client, [.. Enumerable.Range(0, 5).Select(index => Offline($"quota-{index}"))]);
        var again = await SendAsync(client, [.. Enumerable.Range(0, 5).Select(index => Offline($"quota-{index}"))]);

        items.Select(item => item.GetProperty("outcome").GetString()).ShouldBe(["created", "created", "created", "over_quota", "over_quota"]);
        again.Select(item => item.GetProperty("outcome").GetString()).ShouldBe(["exists", "exists", "exists", "over_quota", "over_quota"]);
    }

    [Fact]
    public async Task Client_ids_are_each_users_own()
    {
        using var first = service.Citizen(out _);
        using var second = service.Citizen(out _);

        var items = (await SendAsync(first, Offline("shared"))).Concat(await SendAsync(second, Offline("shared"))).ToArray();

        items.ShouldAllBe(item => item.GetProperty("outcome").GetString() == "created");
        items[0].GetProperty("report_id").GetGuid().ShouldNotBe(items[1].GetProperty("report_id").GetGuid());
    }

    [Fact]
    public async Task A_batch_of_long_texts_is_taken_and_each_report_tells_when_it_was_made()
    {
        using var client = service.Citizen(out _);
        var captured = new DateTimeOffset(TimeProvider.System.GetUtcNow().Date.AddDays(-3), TimeSpan.Zero);
        var reports = Enumerable.Range(0, 100).Select(index => Offline($"long-{index}", captured: captured, description: new string('ح', 4000))).ToArray();

        var items = await SendAsync(client, reports); // 2.4 MB: \uXXXX for each letter

        (items.Length, items[0].GetProperty("outcome").GetString()).ShouldBe((100, "created"));
        var report = (await client.ReadAsync($"{Root}/{items[0].GetProperty("report_id").GetGuid()}")).Body;
        report.GetProperty("captured_at").GetDateTimeOffset().ShouldBe(captured);
        (await service.FileAsync()).TryGetProperty("captured_at", out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(101)]
    public async Task A_batch_has_1_to_100_reports(int count)
    {
        using var client = service.Citizen(out _);

        using var response = await client.PostAsJsonAsync($"{Root}/batch", new { reports = Enumerable.Range(0, count).Select(index => Offline($"{index}")) }, Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.JsonAsync()).BadFields.ShouldBe(["reports"]);
    }

    [Fact]
    public async Task A_batch_with_a_null_is_refused()
    {
        using var client = service.Citizen(out _);

        using var response = await client.PostAsJsonAsync($"{Root}/batch", new { reports = new[] { Offline("1"), null } }, Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.JsonAsync()).BadFields.ShouldBe(["reports"]);
    }

    private static object Offline(string clientId, string title = "A deep hole", DateTimeOffset? captured = null, string description = "Made in a tunnel.") => new
    {
        client_id = clientId,
        captured_at = captured ?? TimeProvider.System.GetUtcNow().AddHours(-3),
        title,
        description,
        category = "pothole",
        latitude = 24.7,
        longitude = 46.7,
    };

    private static async Task<System.Text.Json.JsonElement[]> SendAsync(HttpClient client, params object[] reports)
    {
        using var response = await client.PostAsJsonAsync($"{Root}/batch", new { reports }, Cancelled);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync(Cancelled));
        return [.. (await response.JsonAsync()).GetProperty("items").EnumerateArray()];
    }
}

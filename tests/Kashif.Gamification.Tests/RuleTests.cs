using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.History;
using Kashif.Gamification.Rules;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using NodaTime;

namespace Kashif.Gamification.Tests;

/// <summary>Rules as data: drafts, versions and dry runs. What a version here changes concerns a category of its test only.</summary>
public sealed class RuleTests(GamificationService service)
{
    private const string Rules = $"{GamificationService.Area}/rules";

    private readonly string _category = $"c{Guid.CreateVersion7():N}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Anyone_reads_the_rules_in_force_and_those_that_were()
    {
        using var anonymous = service.Host.Anonymous();

        var (status, first) = await anonymous.ReadAsync("/rules?version=1");
        var (_, active) = await anonymous.ReadAsync("/rules");

        status.ShouldBe(200);
        active.GetProperty("status").GetString().ShouldBe("active");
        var lines = first.GetProperty("lines").EnumerateArray().ToList();
        lines.Select(line => (line.GetProperty("code").GetString(), line.GetProperty("points").GetInt32()))
            .ShouldBe([("report_created", 10), ("report_verified", 5), ("report_resolved", 50), ("survey_answered", 5)]);
        lines.Select(line => line.GetProperty("reversible").GetBoolean()).ShouldBe([true, true, true, false]);
        lines[0].GetProperty("daily_limit").GetInt32().ShouldBe(100);
        first.TryGetProperty("created_by", out _).ShouldBeFalse();
        (await anonymous.ReadAsync("/rules?version=1000000")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_draft_is_seen_and_changed_by_administrators_only()
    {
        using var admin = Admin(out var id);
        using var anonymous = service.Host.Anonymous();
        using var citizen = service.Citizen(out _);

        var (status, draft) = await SendAsync(admin, HttpMethod.Post, "", new { note = "A try", lines = new[] { Line(points: 7) } });
        var version = draft.GetProperty("version").GetInt32();
        var (replaced, changed) = await SendAsync(admin, HttpMethod.Put, $"/{version}", new
        {
            lines = new[] { Line(points: 8, category: _category, window: new { from = "2026-12-01", days = new[] { "friday", "monday" }, hours_from = "18:00", hours_until = "22:00" }, multiplier: 1.5) },
        });
        var (_, read) = await admin.ReadAsync($"/rules/versions/{version}");

        (status, replaced).ShouldBe((201, 200));
        (draft.GetProperty("status").GetString(), draft.GetProperty("note").GetString(), draft.GetProperty("created_by").GetGuid()).ShouldBe(("draft", "A try", id));
        read.GetRawText().ShouldBe(changed.GetRawText());
        var line = read.GetProperty("lines").EnumerateArray().ShouldHaveSingleItem();
        line.GetProperty("window").GetRawText().ShouldBe("""{"from":"2026-12-01","until":null,"days":["monday","friday"],"hours_from":"18:00","hours_until":"22:00"}""");
        line.GetProperty("multiplier").GetDouble().ShouldBe(1.5);
        (await anonymous.ReadAsync($"/rules?version={version}")).Status.ShouldBe(404);
        (await citizen.ReadAsync($"/rules/versions/{version}")).Status.ShouldBe(403);
        (await SendAsync(citizen, HttpMethod.Post, "", new { lines = new[] { Line() } })).Status.ShouldBe(403);
        (await admin.ReadAsync("/rules/versions?limit=1")).Body.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.String);
    }

    [Fact]
    public async Task Every_invalid_line_is_named()
    {
        using var admin = Admin(out _);

        var (status, body) = await SendAsync(admin, HttpMethod.Post, "", new
        {
            lines = new object[]
            {
                Line(),
                Line(points: -1, code: "Bad code", @event: "report.deleted"),
                Line(category: "pothole", area: "nowhere", dailyLimit: 7, multiplier: 0.001),
                Line(code: "other", @event: "report.status_updated", status: "rejected", window: new { from = "2026-12-02", until = "2026-12-01", hours_from = "25:00" }),
                Line(),
                Line(code: "redeemed", window: new { }),
                Line(code: "tiny", points: 1, multiplier: 0.25, status: "verified"),
            },
        });

        status.ShouldBe(400);
        body.BadFields.ShouldBe(
        [
            "lines[1].code", "lines[1].event", "lines[1].points", "lines[2].area", "lines[2].daily_limit", "lines[2].multiplier",
            "lines[3].status", "lines[3].window.hours_from", "lines[3].window.hours_until", "lines[3].window.until", "lines[4].code",
            "lines[5].code", "lines[5].window", "lines[6].multiplier", "lines[6].status",
        ]);
        (await SendAsync(admin, HttpMethod.Post, "", new { lines = Array.Empty<object>() })).Body.BadFields.ShouldBe(["lines"]);
    }

    [Fact]
    public async Task Of_concurrent_activations_one_wins_and_one_version_is_active()
    {
        using var admin = Admin(out var id);
        var versions = new[] { await DraftAsync(admin), await DraftAsync(admin), await DraftAsync(admin) };

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(async index =>
        {
            var version = versions[index % versions.Length];
            return (Version: version, await SendAsync(admin, HttpMethod.Post, $"/{version}/activate"));
        }));

        foreach (var version in versions)
        {
            answers.Where(answer => answer.Version == version).Select(answer => answer.Item2.Status).Order().ShouldBe([200, .. Enumerable.Repeat(409, 7)]);
        }

        answers.Where(answer => answer.Item2.Status == 409).Select(answer => answer.Item2.Body.Code).Distinct().ShouldBe(["not_draft"]);
        var rows = await service.QueryAsync(database => database.RuleVersions.Where(row => versions.Contains(row.Version)).ToListAsync());
        rows.ShouldAllBe(row => row.ActivatedBy == id && row.ActivatedAt != null);
        rows.Select(row => row.ActivatedAt).ShouldBeUnique();
        (await service.QueryAsync(database => database.RuleVersions.CountAsync(row => row.Status == RuleStatus.Active))).ShouldBe(1);
        (await SendAsync(admin, HttpMethod.Put, $"/{versions[0]}", new { lines = new[] { Line() } })).Status.ShouldBe(409);
    }

    [Fact]
    public async Task An_area_that_rules_use_cannot_be_deleted()
    {
        using var admin = Admin(out _);
        var code = $"area-{Guid.CreateVersion7():N}";
        var place = new { name = new { en = "Old town", ar = "المدينة القديمة" }, latitude = -33.0, longitude = -70.0, radius_km = 1.0 };
        using var created = await admin.PutAsJsonAsync($"{GamificationService.Area}/areas/{code}", place, Cancel);
        created.EnsureSuccessStatusCode();

        await ActivateAsync(admin, Line(points: 33, category: _category, area: code, dailyLimit: 100));
        (await DeleteAsync()).ShouldBe(409);
        await ActivateAsync(admin, Line(points: 33, category: _category, dailyLimit: 100));
        (await DeleteAsync()).ShouldBe(204);
        (await DeleteAsync()).ShouldBe(404);

        async Task<int> DeleteAsync()
        {
            using var response = await admin.DeleteAsync($"{GamificationService.Area}/areas/{code}", Cancel);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task Activating_needs_a_session()
    {
        using var admin = Admin(out _);
        var version = await DraftAsync(admin);
        using var key = service.Host.With(service.Issuer.TokenForApiKey(Guid.CreateVersion7(), "gamification:write", Roles.Admin));

        (await SendAsync(key, HttpMethod.Post, $"/{version}/activate")).Status.ShouldBe(403);
    }

    [Fact]
    public async Task An_event_is_judged_by_the_version_of_its_time()
    {
        using var admin = Admin(out _);
        var version = await ActivateAsync(admin, Line(points: 33, category: _category, dailyLimit: 100));
        var activated = await service.QueryAsync(database => database.RuleVersions.Where(row => row.Version == version).Select(row => row.ActivatedAt).SingleAsync());
        var (user, late, next) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());

        await service.Tap.PublishAsync(Created(user, next), time: activated);
        await service.Tap.PublishAsync(Created(user, late), time: activated?.AddSeconds(-1));
        await service.WaitForBalanceAsync(user, 43);

        using var client = service.Host.As(user);
        (await client.ReadAsync("/transactions/me")).Body.GetProperty("items").EnumerateArray()
            .Select(item => (item.GetProperty("reference").GetGuid(), item.GetProperty("points").GetInt32(), item.GetProperty("rule_version").GetInt32() == version))
            .ShouldBe([(late, 10, false), (next, 33, true)], ignoreOrder: true);
    }

    [Fact]
    public async Task Points_that_vest_are_awarded_when_the_report_is_verified()
    {
        using var admin = Admin(out _);
        await ActivateAsync(admin, Line(points: 21, category: _category, dailyLimit: 100, vesting: "on_verification", expiresAfterDays: 30));
        var (user, report) = (Guid.CreateVersion7(), Guid.CreateVersion7());

        await service.Tap.PublishAsync(Created(user, report), time: TimeProvider.System.GetUtcNow().AddSeconds(1));
        await service.Tap.PublishAsync(Status(user, report, "submitted", "in_progress") with { ChangedBy = user, Version = 2 });
        await service.EarnAsync(user, 1);
        (await service.BalanceAsync(user)).ShouldBe(50);
        await service.Tap.PublishAsync(Status(user, report, "submitted", "in_progress") with { Version = 3 });
        await service.WaitForBalanceAsync(user, 71);

        var entry = await service.QueryAsync(database => database.Transactions.SingleAsync(row => row.Reference == report.ToString()));
        (entry.Cause, entry.Rule, entry.Category).ShouldBe(($"report_created:{report}", "report_created", _category));
        entry.ExpiresAt.ShouldNotBeNull().ShouldBe(entry.CreatedAt.AddDays(30), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_weekly_limit_holds_on_two_replicas_and_a_rejection_makes_room()
    {
        using var admin = Admin(out _);
        await ActivateAsync(admin, new { code = $"w{_category[..20]}", @event = "report.created", points = 15, category = _category, weekly_limit = 40, daily_limit = 35, reversible = true });
        var user = Guid.CreateVersion7();
        var monday = WeekOf(TimeProvider.System.GetUtcNow()).AddDays(7); // after the activation
        var reports = Enumerable.Range(0, 28).Select(index => (Id: Guid.CreateVersion7(), At: monday.AddHours(6 * index))).ToList();

        await Task.WhenAll(reports.Select(report => service.Tap.PublishAsync(Created(user, report.Id), time: report.At)));
        await Eventually.TrueAsync(async () => await GivenAsync() == 40, "the limit of the week");
        await Task.WhenAll(reports.Take(26).Select(report => service.Tap.PublishAsync(Status(user, report.Id, "submitted", "rejected"), time: report.At.AddHours(1))));
        await Eventually.TrueAsync(async () => await GivenAsync() == 30, "the points of the two reports that are left");

        Task<long> GivenAsync() => service.QueryAsync(database => database.Transactions
            .Where(row => row.UserId == user && row.Rule == $"w{_category.Substring(0, 20)}").SumAsync(row => (long)row.Points - row.Owed));
    }

    [Fact]
    public async Task A_dry_run_tells_what_a_draft_would_have_awarded_and_writes_nothing()
    {
        var day = new DateTimeOffset(2019, 5, 6, 8, 0, 0, TimeSpan.Zero); // no other test has events of that year
        Guid[] users = [Guid.CreateVersion7(), Guid.CreateVersion7()];
        var reports = Enumerable.Range(0, 6).Select(index => (Id: Guid.CreateVersion7(), User: users[index % 2])).ToList();
        foreach (var (id, user) in reports)
        {
            await service.Tap.PublishAsync(Created(user, id), time: day);
        }

        await service.Tap.PublishAsync(Status(users[0], reports[0].Id, "submitted", "rejected"), time: day.AddHours(1));
        await service.Tap.PublishAsync(Status(users[1], reports[1].Id, "submitted", "verified"), time: day.AddHours(2));
        await service.Tap.PublishAsync(Status(users[1], reports[1].Id, "submitted", "verified"), time: day.AddYears(1)); // not in the period
        await Eventually.TrueAsync(() => service.QueryAsync(async database => await database.ReportEvents.CountAsync(row => users.Contains(row.UserId)) == 9), "all events");
        await service.WaitForBalanceAsync(users[0], 20);
        await service.WaitForBalanceAsync(users[1], 35);
        using var admin = Admin(out _);
        var (_, draft) = await SendAsync(admin, HttpMethod.Post, "", new
        {
            lines = new[]
            {
                Line(points: 4, category: _category, multiplier: 2, dailyLimit: 20, reversible: true),
                Line(code: "first_look", @event: "report.status_updated", status: "verified", points: 3),
            },
        });
        var entries = await CountAsync();

        var (status, sums) = await SendAsync(admin, HttpMethod.Post, $"/{draft.GetProperty("version").GetInt32()}/dry-run", new { from = day.AddDays(-30), to = day.AddDays(30) });

        status.ShouldBe(200);
        sums.GetRawText().ShouldBe(
            """{"awards":6,"points":39,"per_rule":[{"code":"first_look","awards":1,"points":3},{"code":"report_created","awards":5,"points":36}],"reversed":8}""");
        (await CountAsync()).ShouldBe(entries);

        var (tooLong, problem) = await SendAsync(admin, HttpMethod.Post, "/1/dry-run", new { from = day, to = day.AddYears(2) });
        (tooLong, problem.BadFields.ShouldHaveSingleItem()).ShouldBe((400, "to"));
        (await SendAsync(admin, HttpMethod.Post, "/1000000/dry-run", new { from = day, to = day.AddDays(1) })).Status.ShouldBe(404);

        Task<int> CountAsync() => service.QueryAsync(database => database.Transactions.CountAsync(entry => users.Contains(entry.UserId)));
    }

    [Theory]
    [InlineData("lamp", "centre", "2026-03-06T12:00:00Z", 6)]
    [InlineData("lamp", "port", "2026-03-06T12:00:00Z", 5)]
    [InlineData("tree", "centre", "2026-03-06T12:00:00Z", 4)]
    [InlineData("tree", "port", "2026-03-06T12:00:00Z", 1)]
    [InlineData("tree", "port", "2026-03-06T14:59:59Z", 1)]
    [InlineData("tree", "port", "2026-03-06T15:00:00Z", 2)] // Friday 18:00 in Damascus
    [InlineData("tree", "port", "2026-03-06T18:59:59Z", 2)]
    [InlineData("tree", "port", "2026-03-06T19:00:00Z", 1)]
    [InlineData("tree", "port", "2026-03-05T15:00:00Z", 1)] // Thursday
    [InlineData("tree", "port", "2026-03-31T20:59:59Z", 1)]
    [InlineData("tree", "port", "2026-03-31T21:00:00Z", 3)] // the first of April in Damascus
    public void The_most_specific_line_applies(string category, string area, string time, int points)
    {
        var at = DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);
        RuleLine[] lines =
        [
            new() { Number = 0, Code = "a", Event = ReportCreated.Type, Points = 1 },
            new() { Number = 1, Code = "a", Event = ReportCreated.Type, Points = 2, Days = [DayOfWeek.Friday], FromTime = new(18, 0), UntilTime = new(22, 0) },
            new() { Number = 2, Code = "a", Event = ReportCreated.Type, Points = 3, FromDay = new(2026, 4, 1), UntilDay = new(2026, 4, 30) },
            new() { Number = 3, Code = "a", Event = ReportCreated.Type, Points = 4, Area = "centre" },
            new() { Number = 4, Code = "a", Event = ReportCreated.Type, Points = 5, Category = "lamp" },
            new() { Number = 5, Code = "a", Event = ReportCreated.Type, Points = 6, Category = "lamp", Area = "centre" },
            new() { Number = 6, Code = "b", Event = ReportStatusUpdated.Type, Status = "verified", Points = 7 },
        ];
        var rulebook = new Rulebook([new RuleVersion { Version = 1, Lines = [.. lines] }], [], DateTimeZoneProviders.Tzdb["Asia/Damascus"]);

        rulebook.LinesFor(new ReportEvent { Event = ReportCreated.Type, At = at }, category, area).ShouldHaveSingleItem().Points.ShouldBe(points);
    }

    [Theory]
    [InlineData("2026-03-06T18:59:59Z", 1)]
    [InlineData("2026-03-06T19:00:00Z", 2)] // Friday 22:00 in Damascus
    [InlineData("2026-03-06T22:59:59Z", 2)] // Saturday, but the window began on Friday
    [InlineData("2026-03-06T23:00:00Z", 1)]
    [InlineData("2026-03-05T22:59:59Z", 1)] // Friday, but the window would have begun on Thursday
    [InlineData("2026-03-13T22:30:00Z", 2)] // the night after the last day
    [InlineData("2026-03-20T19:30:00Z", 1)]
    [InlineData("2026-02-27T22:30:00Z", 1)] // the first day, but the window would have begun before it
    public void The_hours_after_midnight_belong_to_the_day_on_which_the_window_began(string time, int points)
    {
        RuleLine[] lines =
        [
            new() { Number = 0, Code = "a", Event = ReportCreated.Type, Points = 1 },
            new()
            {
                Number = 1, Code = "a", Event = ReportCreated.Type, Points = 2, Days = [DayOfWeek.Friday],
                FromDay = new(2026, 2, 28), UntilDay = new(2026, 3, 13), FromTime = new(22, 0), UntilTime = new(2, 0),
            },
        ];
        var rulebook = new Rulebook([new RuleVersion { Version = 1, Lines = [.. lines] }], [], DateTimeZoneProviders.Tzdb["Asia/Damascus"]);
        var at = DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);

        rulebook.LinesFor(new ReportEvent { Event = ReportCreated.Type, At = at }, "pothole", null).ShouldHaveSingleItem().Points.ShouldBe(points);
    }

    [Fact]
    public async Task A_deleted_administrators_versions_stay_without_the_id()
    {
        using var admin = Admin(out var id);
        var version = await ActivateAsync(admin, Line(category: _category, dailyLimit: 100));

        await service.Tap.EraseAsync(id, ResourceNames.Gamification);

        var row = await service.QueryAsync(database => database.RuleVersions.SingleAsync(row => row.Version == version));
        (row.CreatedBy, row.ActivatedBy).ShouldBe((Guid.Empty, Guid.Empty));
    }

    private ReportCreated Created(Guid user, Guid report) => GamificationService.Created(user, report) with { Category = _category };

    private ReportStatusUpdated Status(Guid user, Guid report, string from, string to) =>
        GamificationService.Status(user, report, from, to) with { Category = _category };

    private static DateTimeOffset WeekOf(DateTimeOffset time) =>
        new(DateOnly.FromDateTime(time.UtcDateTime).AddDays(-(((int)time.UtcDateTime.DayOfWeek + 6) % 7)), TimeOnly.MinValue, TimeSpan.Zero);

    private HttpClient Admin(out Guid id)
    {
        id = Guid.CreateVersion7();
        return service.Host.As(id, Roles.Admin);
    }

    private static Task<int> DraftAsync(HttpClient admin) => DraftAsync(admin, []);

    /// <summary>Creates a draft with the rules that other tests expect.</summary>
    private static async Task<int> DraftAsync(HttpClient admin, object[] more)
    {
        var (status, body) = await SendAsync(admin, HttpMethod.Post, "", new
        {
            lines = (object[])
            [
                Line(points: 10, dailyLimit: 100, reversible: true),
                Line(code: "report_verified", @event: "report.status_updated", status: "verified", points: 5, reversible: true),
                Line(code: "report_resolved", @event: "report.status_updated", status: "resolved", points: 50, reversible: true),
                .. more,
            ],
        });
        status.ShouldBe(201, body.GetRawText());
        return body.GetProperty("version").GetInt32();
    }

    private static async Task<int> ActivateAsync(HttpClient admin, params object[] more)
    {
        var version = await DraftAsync(admin, more);
        (await SendAsync(admin, HttpMethod.Post, $"/{version}/activate")).Status.ShouldBe(200);
        return version;
    }

    private static object Line(
        string code = "report_created", string @event = "report.created", string? status = null, int points = 10, string? category = null, string? area = null,
        object? window = null, double multiplier = 1, int? dailyLimit = null, int? expiresAfterDays = null, string vesting = "immediate", bool reversible = false) => new
        {
            code,
            @event,
            status,
            points,
            category,
            area,
            window,
            multiplier,
            daily_limit = dailyLimit,
            expires_after_days = expiresAfterDays,
            vesting,
            reversible,
        };

    private static async Task<(int Status, JsonElement Body)> SendAsync(HttpClient client, HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, Rules + path) { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await client.SendAsync(request, Cancel);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }
}

using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Reporting.Data;
using Kashif.Reporting.Promises;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Promised times: how they are measured, given and kept.</summary>
public sealed class PromiseTests(ReportingService service)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Times_and_scores_equal_a_simple_computation(int seed)
    {
        var settings = new Dictionary<string, string?> { ["Promises:MinReports"] = "8", ["Promises:Percentile"] = seed == 1 ? "0.8" : "0.65" };
        await using var first = await service.StartAnotherAsync(0, settings: settings);
        await using var second = await service.StartAnotherAsync(0, first.Database, settings: settings);
        var reports = await SeedAsync(first.Database, new Random(seed), 600);

        // Two replicas measure at once, and again.
        await Task.WhenAll(MeasureAsync(first), MeasureAsync(second), MeasureAsync(first));
        var measured = (await QueryAsync(first, database => database.Promises.AsNoTracking().ToListAsync(Cancelled)))
            .ToDictionary(promise => (promise.Category, promise.AreaId), promise => (Math.Round(promise.Hours, 3), promise.Reports));
        using var anyone = first.Anonymous();
        var scores = (await anyone.ReadAsync($"{Root}/promises?days=90")).Body;

        measured.ShouldBe(Expected(reports, least: 8, seed == 1 ? 0.8 : 0.65), ignoreOrder: true);
        scores.GetProperty("items").EnumerateArray()
            .Select(item => (item.GetProperty("category").GetString() ?? "", Area(item), item.GetProperty("made").GetInt32(), item.GetProperty("kept").GetInt32(), item.GetProperty("missed").GetInt32(), Score(item)))
            .ShouldBe(Scores(reports), ignoreOrder: true);
        var all = Scores(reports);
        (scores.GetProperty("kept").GetInt32(), scores.GetProperty("missed").GetInt32()).ShouldBe((all.Sum(score => score.Kept), all.Sum(score => score.Missed)));
        var one = all.First(score => score.Area is not null);
        var filtered = (await anyone.ReadAsync($"{Root}/promises?days=90&category={one.Category}&area={one.Area}")).Body;
        (filtered.GetProperty("made").GetInt32(), filtered.GetProperty("items").GetArrayLength()).ShouldBe((one.Made, 1));
        (await anyone.ReadAsync($"{Root}/promises?days=7&category=no_such")).Body.BadFields.ShouldBe(["category", "days"]);
    }

    [Fact]
    public async Task A_new_report_is_promised_what_was_measured_there_and_keeps_it()
    {
        var settings = new Dictionary<string, string?> { ["Promises:MinReports"] = "3" };
        await using var host = await service.StartAnotherAsync(0, settings: settings);
        using var owner = host.As(Guid.CreateVersion7());
        using var staff = host.As(Guid.CreateVersion7(), Roles.Staff);
        var area = Guid.CreateVersion7();
        await ExecuteAsync(host.Database, $"""
            INSERT INTO areas (id, name_en, name_ar, categories, boundary, square_metres, created_at, version) VALUES
            ('{area}', 'North', 'الشمال', ARRAY[]::text[], ST_Multi(ST_MakeEnvelope(10, 10, 11, 11, 4326)), 1, now(), 1);
            INSERT INTO promises (category, area_id, hours, reports, measured_at) VALUES
            ('pothole', '{Promise.AllAreas}', 30.2, 90, now()), ('pothole', '{area}', 0.1, 40, now()), ('noise', '{Promise.AllAreas}', 5, 40, now())
            """);

        var inside = await owner.FileAsync(10.5, 10.5);
        var outside = await owner.FileAsync(20, 20);
        var other = await owner.FileAsync(10.5, 10.5, "garbage");

        Promised(inside).ShouldBe(TimeSpan.FromHours(1), "the area's time, in whole hours");
        Promised(outside).ShouldBe(TimeSpan.FromHours(31), "the category's time");
        Promised(other).ShouldBe(TimeSpan.FromDays(3), "the service level");
        (outside.GetProperty("due_at").GetDateTimeOffset() - outside.GetProperty("created_at").GetDateTimeOffset()).ShouldBe(TimeSpan.FromDays(14));

        using (var corrected = await staff.PatchAsJsonAsync($"{Root}/{other.Id}", new { category = "noise", reason = "It is loud." }, Cancelled))
        {
            Promised(await corrected.JsonAsync()).ShouldBe(TimeSpan.FromHours(5), "the time of the new category");
        }

        // Nothing was resolved: the next measurement removes the times. Reports that exist keep their promise.
        await MeasureAsync(host);
        (await QueryAsync(host, database => database.Promises.CountAsync(Cancelled))).ShouldBe(0);
        (await owner.ReadAsync($"{Root}/{outside.Id}")).Body.GetProperty("expected_at").GetDateTimeOffset().ShouldBe(outside.GetProperty("expected_at").GetDateTimeOffset());
    }

    [Fact]
    public async Task The_scores_count_public_reports_only_and_the_final_resolution()
    {
        await using var host = await service.StartAnotherAsync(0);
        using var owner = host.As(Guid.CreateVersion7());
        using var staff = host.As(Guid.CreateVersion7(), Roles.Staff);
        using var anyone = host.Anonymous();
        var kept = (await owner.FileAsync(category: "noise")).Id;
        var reopened = (await owner.FileAsync(category: "noise")).Id;
        var late = (await owner.FileAsync(category: "noise")).Id;
        using var secret = await owner.PostReportAsync(new { title = "Mine alone", description = "", category = "park", latitude = 1, longitude = 1, @private = true });
        var hidden = (await secret.JsonAsync()).Id;
        foreach (var id in new[] { kept, reopened, late, hidden })
        {
            (await staff.ChangeStatusAsync(id, new { status = "in_progress" })).Status.ShouldBe(200);
            (await staff.ChangeStatusAsync(id, new { status = "resolved" })).Status.ShouldBe(200);
        }

        using var again = await owner.PostAsJsonAsync($"{Root}/{reopened}/reopen", new { reason = "Still loud." }, Cancelled);
        again.EnsureSuccessStatusCode();
        await ExecuteAsync(host.Database, $"UPDATE reports SET expected_at = created_at + interval '1 microsecond' WHERE id IN ('{reopened}', '{late}')");

        var (_, scores) = await anyone.ReadAsync($"{Root}/promises");

        var item = scores.GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        item.ToString().ShouldBe("""{"category":"noise","area_id":null,"made":3,"kept":1,"missed":2,"score":33.3}""");
    }

    private static TimeSpan Promised(JsonElement report) => report.GetProperty("expected_at").GetDateTimeOffset() - report.GetProperty("created_at").GetDateTimeOffset();

    private static Guid? Area(JsonElement item) => item.GetProperty("area_id") is { ValueKind: JsonValueKind.String } area ? area.GetGuid() : null;

    private static double? Score(JsonElement item) => item.GetProperty("score") is { ValueKind: JsonValueKind.Number } score ? score.GetDouble() : null;

    private static Task MeasureAsync(ServiceHost<Program> host) => host.Services.GetServices<IHostedService>().OfType<PromiseMeasurement>().Single().RunOnceAsync(Cancelled);

    private static async Task<T> QueryAsync<T>(ServiceHost<Program> host, Func<ReportingDbContext, Task<T>> query)
    {
        await using var scope = host.Services.CreateAsyncScope();
        return await query(scope.ServiceProvider.GetRequiredService<ReportingDbContext>());
    }

    private static async Task ExecuteAsync(string database, string sql, params object[] values)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        command.Parameters.AddRange(Array.ConvertAll(values, value => new NpgsqlParameter { Value = value }));
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    /// <summary>The nearest rank: the smallest time within which the part of the reports was resolved.</summary>
    private static Dictionary<(string, Guid), (double, int)> Expected(IReadOnlyList<Seeded> reports, int least, double percentile)
    {
        var since = TimeProvider.System.GetUtcNow().AddDays(-365);
        var resolved = reports.Where(report => report.Status == "resolved" && report.Resolutions[^1] >= since).ToList();
        return resolved.Select(report => (report.Category, Area: Promise.AllAreas, report))
            .Concat(resolved.Where(report => report.Area is not null).Select(report => (report.Category, Area: report.Area.GetValueOrDefault(), report)))
            .GroupBy(row => (row.Category, row.Area), row => (row.report.Resolutions[^1] - row.report.CreatedAt).TotalHours)
            .Where(group => group.Count() >= least)
            .ToDictionary(group => group.Key, group => (Math.Round(group.Order().ElementAt((int)Math.Ceiling((percentile * group.Count()) - 1e-9) - 1), 3), group.Count()));
    }

    private static List<(string Category, Guid? Area, int Made, int Kept, int Missed, double? Score)> Scores(IReadOnlyList<Seeded> reports)
    {
        var now = TimeProvider.System.GetUtcNow();
        return
        [
            .. from report in reports
               where !report.Private && report.Expected is not null && report.Status is not ("rejected" or "duplicate" or "withdrawn") && report.CreatedAt >= now.AddDays(-90)
               group report by (report.Category, report.Area) into same
               let kept = same.Count(report => report.Status == "resolved" && report.Resolutions[^1] <= report.Expected)
               let missed = same.Count(report => report.Status == "resolved" ? report.Resolutions[^1] > report.Expected : report.Expected < now)
               select (same.Key.Category, same.Key.Area, same.Count(), kept, missed, kept + missed == 0 ? (double?)null : Math.Round(100.0 * kept / (kept + missed), 1)),
        ];
    }

    private static async Task<List<Seeded>> SeedAsync(string database, Random random, int count)
    {
        string[] categories = ["pothole", "noise", "park"];
        Guid?[] areas = [null, Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7()];
        string[] statuses = ["resolved", "resolved", "resolved", "submitted", "in_progress", "rejected", "withdrawn"];
        var now = TimeProvider.System.GetUtcNow();
        now = new DateTimeOffset(now.Ticks / 10 * 10, TimeSpan.Zero);
        var reports = Enumerable.Range(0, count).Select(_ =>
        {
            // Few distinct times, so that ranks have ties; none near a border of a period, because the clock runs on.
            var created = now.AddDays(-random.Next(2, 700)).AddMinutes(-random.Next(10, 1000));
            var resolutions = Enumerable.Range(0, random.Next(1, 4)).Select(_ => created.AddHours(random.Next(1, 40) * (random.Next(4) == 0 ? 24 : 1) * 0.5)).Where(at => at < now).Order().ToArray();
            var status = random.GetItems(statuses, 1)[0];
            return new Seeded(
                Guid.CreateVersion7(created), random.GetItems(categories, 1)[0], random.GetItems(areas, 1)[0], resolutions.Length == 0 && status == "resolved" ? "submitted" : status,
                created, random.Next(5) == 0 ? null : created.AddHours(random.Next(1, 100)), random.Next(6) == 0, resolutions);
        }).ToList();

        var changes = reports.SelectMany(report => report.Resolutions.SelectMany((at, index) => new[]
        {
            (report.Id, Version: (index * 3) + 2, Kind: "status", From: "in_progress", To: "resolved", At: at),
            (report.Id, Version: (index * 3) + 3, Kind: "assigned", From: "resolved", To: "resolved", At: at.AddMinutes(20)), // no resolution
            (report.Id, Version: (index * 3) + 4, Kind: "reopened", From: "resolved", To: "in_progress", At: at.AddMinutes(30)),
        })).ToList();
        await ExecuteAsync(database, """
            INSERT INTO reports (id, user_id, title, description, category, area_id, status, latitude, longitude, created_at, updated_at, expected_at, private, version)
            SELECT id, id, 'Seeded', '', category, area_id, status, 1, 1, created_at, created_at, expected_at, private, 99
            FROM unnest($1, $2, $3, $4, $5, $6, $7) AS row (id, category, area_id, status, created_at, expected_at, private)
            """,
            reports.Select(report => report.Id).ToArray(), reports.Select(report => report.Category).ToArray(), reports.Select(report => report.Area).ToArray(),
            reports.Select(report => report.Status).ToArray(), reports.Select(report => report.CreatedAt).ToArray(), reports.Select(report => report.Expected).ToArray(),
            reports.Select(report => report.Private).ToArray());
        await ExecuteAsync(database, """
            INSERT INTO status_changes (report_id, version, kind, "from", "to", at, changed_by) SELECT id, version, kind, "from", "to", at, id
            FROM unnest($1, $2, $3, $4, $5, $6) AS row (id, version, kind, "from", "to", at)
            """,
            changes.Select(change => change.Id).ToArray(), changes.Select(change => change.Version).ToArray(), changes.Select(change => change.Kind).ToArray(),
            changes.Select(change => change.From).ToArray(), changes.Select(change => change.To).ToArray(), changes.Select(change => change.At).ToArray());
        return reports;
    }

    private sealed record Seeded(
        Guid Id, string Category, Guid? Area, string Status, DateTimeOffset CreatedAt, DateTimeOffset? Expected, bool Private, DateTimeOffset[] Resolutions);
}

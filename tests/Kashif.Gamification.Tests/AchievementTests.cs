using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Achievements are unlocked once, in any order of events, and are never taken away.</summary>
public sealed class AchievementTests(GamificationService service)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redelivered_and_reordered_events_unlock_once()
    {
        var user = Guid.CreateVersion7();
        var publications = new List<Func<Task>>();
        for (var report = 0; report < 10; report++)
        {
            var (id, created, verified, again, resolved) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
            for (var copy = 0; copy < 3; copy++)
            {
                publications.Add(() => service.Tap.PublishAsync(Created(user, id), created));
                publications.Add(() => service.Tap.PublishAsync(Verified(user, id) with { Category = "pothole" }, verified));
                publications.Add(() => service.Tap.PublishAsync(Verified(user, id) with { Category = "pothole", Version = 4 }, again));
                publications.Add(() => service.Tap.PublishAsync(Resolved(user, id) with { Version = 3 }, resolved));
            }
        }

        var order = publications.ToArray();
        new Random(4711).Shuffle(order);
        await Task.WhenAll(order.Select(publish => publish()));
        await service.WaitForBalanceAsync(user, 10 * (10 + 5 + 50));

        string[] expected = ["first_report", "first_resolved", "level_5", "pothole_spotter", "reports_verified_10"];
        await Eventually.TrueAsync(() => Announced(user).Length >= expected.Length, "the announcements");
        (await UnlockedAsync(user)).ShouldBe(expected);
        Announced(user).ShouldBe(expected);
    }

    [Fact]
    public async Task What_the_reporter_did_does_not_count_and_a_report_counts_once()
    {
        var user = Guid.CreateVersion7();
        var report = Guid.CreateVersion7();
        await HandleAsync(Resolved(user, Guid.CreateVersion7()) with { ChangedBy = user });
        for (var version = 2; version < 12; version++)
        {
            await HandleAsync(Verified(user, report) with { Version = version });
        }

        (await UnlockedAsync(user)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(new[] { 0, 1, 2, 3, 4, 5, 6 }, true)]
    [InlineData(new[] { 6, 4, 2, 0, 1, 5, 3 }, true)] // the last one closes the gap
    [InlineData(new[] { 0, 1, 2, 3, 4, 5, 7, 8, 9 }, false)]
    [InlineData(new[] { 0, 0, 0, 1, 1, 2, 3 }, false)]
    public async Task Seven_days_in_a_row_are_a_streak_in_any_order(int[] days, bool isStreak)
    {
        var user = Guid.CreateVersion7();
        var start = TimeProvider.System.GetUtcNow().Date.AddDays(-20);
        foreach (var day in days)
        {
            await HandleAsync(Created(user, Guid.CreateVersion7()), new DateTimeOffset(start.AddDays(day).AddHours(day % 2 == 0 ? 0 : 23.99), TimeSpan.Zero));
        }

        (await UnlockedAsync(user)).Contains("streak_7").ShouldBe(isStreak);
    }

    [Fact]
    public async Task A_rejected_report_breaks_a_streak_but_takes_no_achievement()
    {
        using var client = service.Citizen(out var user);
        var now = TimeProvider.System.GetUtcNow();
        var reports = new List<Guid>();
        for (var day = 3; day >= 0; day--)
        {
            reports.Add(Guid.CreateVersion7());
            await HandleAsync(Created(user, reports[^1]), now.AddDays(-day));
        }

        (await MineAsync(client, "streak_7")).GetProperty("value").GetInt32().ShouldBe(4);
        await HandleAsync(Status(user, reports[1], "submitted", "rejected"));
        var (streak, first) = (await MineAsync(client, "streak_7"), await MineAsync(client, "first_report"));

        (streak.GetProperty("value").GetInt32(), streak.GetProperty("unlocked_at").ValueKind).ShouldBe((2, JsonValueKind.Null));
        (first.GetProperty("value").GetInt32(), first.GetProperty("unlocked_at").ValueKind).ShouldBe((1, JsonValueKind.String));
    }

    [Fact]
    public async Task Points_without_an_event_unlock_too()
    {
        var user = Guid.CreateVersion7();
        await using var scope = service.Host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
        var ledger = scope.ServiceProvider.GetRequiredService<PointsLedger>();
        await using (var transaction = await database.Database.BeginTransactionAsync(Cancel))
        {
            await ledger.BookAsync(await ledger.NewAsync([new Booking(user, 1_000, EntryKind.Earned, "adjusted", $"test:{user}")], Cancel), Cancel);
            await transaction.CommitAsync(Cancel);
        }

        await ledger.CommittedAsync(Cancel);
        (await UnlockedAsync(user)).ShouldBe(["level_5", "points_1000"]);
    }

    [Fact]
    public async Task An_admin_changes_what_users_can_achieve()
    {
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Admin);
        using var client = service.Citizen(out var user);
        var code = $"a{Guid.CreateVersion7():N}";
        using var counted = new MeasuredCounter("achievements_unlocked", code);
        var definition = new
        {
            title = new { en = "Night owl", ar = "بومة الليل" },
            description = new { en = "File two reports.", ar = "قدّم بلاغين." },
            kind = "badge",
            metric = "reports_filed",
            threshold = 2,
            category = code,
            active = true,
        };
        await service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()) with { Category = code });
        await service.WaitForBalanceAsync(user, 10);

        (await PutAsync(client, code, definition)).Status.ShouldBe(403);
        (await PutAsync(admin, code, definition)).Status.ShouldBe(200);
        (await MineAsync(client, code)).GetProperty("value").GetInt32().ShouldBe(1);
        await service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()) with { Category = code });
        await service.WaitForBalanceAsync(user, 20);
        (await MineAsync(client, code)).GetProperty("unlocked_at").ValueKind.ShouldBe(JsonValueKind.String);
        await service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()) with { Category = code });
        await service.WaitForBalanceAsync(user, 30);
        await Eventually.TrueAsync(() => counted.Sum == 1, "the metric"); // after the commit
        (await PutAsync(admin, code, definition with { active = false })).Status.ShouldBe(200);

        (await MineAsync(client, code)).GetProperty("unlocked_at").ValueKind.ShouldBe(JsonValueKind.String);
        (await client.ReadAsync("/achievements")).Body.GetProperty("items").EnumerateArray().ShouldNotContain(item => item.GetProperty("code").GetString() == code);
        (await admin.ReadAsync($"/achievements/{code}")).Body.GetProperty("active").GetBoolean().ShouldBeFalse();
        (await PutAsync(admin, code, definition with { metric = "points" })).Body.BadFields.ShouldBe(["category"]);
        (await PutAsync(admin, code, definition with { metric = "luck" })).Body.BadFields.ShouldBe(["metric"]);
        (await PutAsync(admin, code, definition with { threshold = 0 })).Body.BadFields.ShouldBe(["threshold"]);
        (await PutAsync(admin, "Not%20a%20code", definition)).Status.ShouldBe(400);
    }

    private Task HandleAsync<TEvent>(TEvent data, DateTimeOffset? time = null)
        where TEvent : IIntegrationEvent
    {
        var id = Guid.CreateVersion7();
        return Eventually.TrueAsync(async () =>
        {
            await service.Tap.PublishAsync(data, id, time ?? TimeProvider.System.GetUtcNow());
            return await service.QueryAsync(database => database.Set<InboxEntry>().AnyAsync(entry => entry.EventId == id, Cancel));
        }, "the event in the inbox");
    }

    private Task<List<string>> UnlockedAsync(Guid user) => service.QueryAsync(database =>
        database.UnlockedAchievements.Where(row => row.UserId == user).OrderBy(row => row.Code).Select(row => row.Code).ToListAsync(Cancel));

    private string?[] Announced(Guid user) =>
    [
        .. service.Tap.Envelopes(AchievementUnlocked.Type).Select(envelope => envelope.GetProperty("data"))
            .Where(data => data.GetProperty("user_id").GetGuid() == user).Select(data => data.GetProperty("code").GetString()).Order(StringComparer.Ordinal),
    ];

    private static async Task<JsonElement> MineAsync(HttpClient client, string code) =>
        (await client.ReadAsync("/achievements/me")).Body.GetProperty("items").EnumerateArray().Single(item => item.GetProperty("code").GetString() == code);

    private static async Task<(int Status, JsonElement Body)> PutAsync(HttpClient client, string code, object definition)
    {
        using var response = await client.PutAsJsonAsync($"{Area}/achievements/{code}", definition, Cancel);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }
}

/// <summary>Alone, because levels are everybody's.</summary>
[Collection<Alone>]
public sealed class LevelTests(GamificationService service)
{
    [Fact]
    public async Task An_admin_moves_the_levels()
    {
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Admin);
        using var client = service.Citizen(out var user);
        await service.EarnAsync(user, 1);
        var (_, before) = await client.ReadAsync("/levels");
        var thresholds = before.GetProperty("items").EnumerateArray().Select(level => level.GetProperty("threshold").GetInt64()).ToArray();
        thresholds.ShouldBe([0, 50, 150, 300, 600, 1_000, 2_000, 4_000, 8_000, 15_000]);

        (await PutAsync(client, [0])).ShouldBe(403);
        (await PutAsync(admin, [0, 10, 20, 30])).ShouldBe(200);
        (await client.ReadAsync("/points/me")).Body.GetProperty("level").GetInt32().ShouldBe(4);
        (await PutAsync(admin, thresholds)).ShouldBe(200);
        (await client.ReadAsync("/points/me")).Body.GetProperty("level").GetInt32().ShouldBe(2);
    }

    [Theory]
    [InlineData(new long[0])]
    [InlineData(new long[] { 1, 2 })]
    [InlineData(new long[] { 0, 5, 5 })]
    public async Task Levels_without_order_are_refused(long[] thresholds)
    {
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Admin);

        (await PutAsync(admin, thresholds)).ShouldBe(400);
    }

    private static async Task<int> PutAsync(HttpClient client, long[] thresholds)
    {
        using var response = await client.PutAsJsonAsync($"{Area}/levels", new { thresholds }, TestContext.Current.CancellationToken);
        return (int)response.StatusCode;
    }
}

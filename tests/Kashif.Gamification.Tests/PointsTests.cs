using System.Net;
using System.Text.Json;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Points;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Tests;

/// <summary>Points and the ledger over HTTP.</summary>
public sealed class PointsTests(GamificationService service)
{
    [Fact]
    public async Task A_new_user_has_no_points_and_no_rank()
    {
        using var client = service.Citizen(out var user);

        var (status, body) = await client.ReadAsync("/points/me");

        status.ShouldBe(200);
        body.GetRawText().ShouldBe($$"""{"user_id":"{{user}}","display_name":null,"points":0,"earned":0,"spent":0,"expired":0,"reversed":0,"owed":0,"expiring":null,"rank":null,"level":1}""");
    }

    [Fact]
    public async Task Points_add_up_and_are_public()
    {
        using var client = service.Citizen(out var user);
        await service.EarnAsync(user, 4);
        (await service.SpendAsync(user, 60)).Status.ShouldBe(200);

        var (_, mine) = await client.ReadAsync("/points/me");
        using var anonymous = service.Host.Anonymous();
        var (_, theirs) = await anonymous.ReadAsync($"/points/{user}");

        theirs.EnumerateObject().Select(member => member.Name).ShouldBe(["user_id", "display_name", "points", "earned", "spent", "rank", "level"]); // the rest is private
        theirs.EnumerateObject().Where(member => member.Name != "rank").ShouldAllBe(member => mine.GetProperty(member.Name).GetRawText() == member.Value.GetRawText());
        mine.GetProperty("points").GetInt64().ShouldBe(140);
        mine.GetProperty("earned").GetInt64().ShouldBe(200);
        mine.GetProperty("spent").GetInt64().ShouldBe(60);
        mine.GetProperty("level").GetInt32().ShouldBe(3);
        mine.GetProperty("rank").GetInt64().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Points_of_an_unknown_user_return_404()
    {
        using var anonymous = service.Host.Anonymous();

        var (status, problem) = await anonymous.ReadAsync($"/points/{Guid.CreateVersion7()}");

        (status, problem.Code).ShouldBe((404, "not_found"));
    }

    [Fact]
    public async Task Public_points_have_an_etag_and_return_304()
    {
        using var anonymous = service.Host.Anonymous();
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);
        (await service.SpendAsync(user, 50)).Status.ShouldBe(200); // without points there is no rank, which other tests change
        var path = $"{GamificationService.Area}/points/{user}";

        using var first = await anonymous.GetAsync(path, TestContext.Current.CancellationToken);
        using var again = new HttpRequestMessage(HttpMethod.Get, path);
        again.Headers.IfNoneMatch.Add(first.Headers.ETag.ShouldNotBeNull());
        using var second = await anonymous.SendAsync(again, TestContext.Current.CancellationToken);

        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        first.Headers.CacheControl.ShouldNotBeNull().Public.ShouldBeTrue();
        second.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Theory]
    [InlineData("GET", "/points/me")]
    [InlineData("GET", "/transactions/me")]
    public async Task Personal_endpoints_return_401_without_a_token_and_403_to_services(string method, string path)
    {
        using var anonymous = service.Host.Anonymous();
        using var asService = service.Host.AsService();

        using var unknown = await anonymous.SendAsync(Request(method, path), TestContext.Current.CancellationToken);
        using var noPerson = await asService.SendAsync(Request(method, path), TestContext.Current.CancellationToken);

        unknown.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        noPerson.StatusCode.ShouldBe(HttpStatusCode.Forbidden);

        static HttpRequestMessage Request(string method, string path) => new(new HttpMethod(method), GamificationService.Area + path);
    }

    [Fact]
    public async Task What_expires_next_is_computed_once_for_each_version_of_the_balance()
    {
        var user = Guid.CreateVersion7();
        using var cache = new ExpiringCache();
        var before = await EarnAsync();
        (await NextAsync(before)).ShouldBe(5);
        var after = await EarnAsync();

        (await NextAsync(before)).ShouldBe(5); // the ledger has 10
        (await NextAsync(after)).ShouldBe(10);

        async Task<Balance> EarnAsync()
        {
            await service.BookAsync(new Booking(user, 5, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { ExpiresAt = new(2126, 2, 1, 10, 0, 0, TimeSpan.Zero) });
            return await service.QueryAsync(database => database.Balances.AsNoTracking().SingleAsync(balance => balance.UserId == user));
        }

        async Task<long?> NextAsync(Balance balance) =>
            (await service.QueryAsync(database => cache.GetAsync(balance, database, TestContext.Current.CancellationToken)))?.Points;
    }

    [Fact]
    public async Task An_exactly_full_last_page_of_the_ledger_has_no_next_cursor()
    {
        using var client = service.Citizen(out var user);
        await service.EarnAsync(user, 5);
        await service.SpendAsync(user, 10);

        var (_, first) = await client.ReadAsync("/transactions/me?limit=3");
        var (_, second) = await client.ReadAsync($"/transactions/me?limit=3&cursor={first.GetProperty("next_cursor").GetString()}");

        second.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        JsonElement[] entries = [.. first.GetProperty("items").EnumerateArray(), .. second.GetProperty("items").EnumerateArray()];
        entries.Select(entry => entry.GetProperty("points").GetInt32()).ShouldBe([-10, 50, 50, 50, 50, 50]);
        entries[0].GetProperty("reason").GetString().ShouldBe("redeemed");
        entries[0].GetProperty("reference").GetString().ShouldBe("7");
        entries[0].GetProperty("rule").ValueKind.ShouldBe(JsonValueKind.Null);
        entries[1].GetProperty("rule").GetString().ShouldBe("report_resolved");
        entries[0].GetProperty("balance_after").GetInt64().ShouldBe(240);
        entries[0].GetProperty("created_at").GetString().ShouldNotBeNull().ShouldEndWith("Z");
    }

    [Fact]
    public async Task An_invalid_cursor_returns_400()
    {
        using var client = service.Citizen(out _);

        var (status, body) = await client.ReadAsync("/transactions/me?cursor=nonsense");

        status.ShouldBe(400);
        body.BadFields.ShouldBe(["cursor"]);
    }

    [Fact]
    public async Task Debiting_more_than_the_balance_returns_422()
    {
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);

        var (status, body) = await service.SpendAsync(user, 51);

        status.ShouldBe(422);
        body.Code.ShouldBe("insufficient_points");
        (await service.BalanceAsync(user)).ShouldBe(50);
    }

    [Fact]
    public async Task Concurrent_debits_keep_the_balance_at_zero_or_more()
    {
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 4);

        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => service.SpendAsync(user, 30)));

        responses.Count(response => response.Status == 200).ShouldBe(6);
        (await service.BalanceAsync(user)).ShouldBe(20);
        await service.Tap.WaitForAsync("points.redeemed", data =>
            data.GetProperty("user_id").GetGuid() == user && data.GetProperty("points").GetInt32() == 30 && data.GetProperty("balance").GetInt64() == 20);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(49, 1)]
    [InlineData(50, 2)]
    [InlineData(14_999, 9)]
    [InlineData(15_000, 10)]
    [InlineData(1_000_000, 10)]
    public void Levels_begin_at_their_thresholds(long earned, int level) => new LevelTable([0, 50, 150, 300, 600, 1_000, 2_000, 4_000, 8_000, 15_000]).Of(earned).ShouldBe(level);

    [Fact]
    public async Task The_model_has_no_pending_migration() =>
        (await service.QueryAsync(database => Task.FromResult(database.Database.HasPendingModelChanges()))).ShouldBeFalse();
}

using System.Net;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Kashif.Cache;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace Kashif.Gamification.Tests;

/// <summary>
/// The leaderboard equals the ledger with Redis, without it, and after Redis loses its data. Alone, because Redis is written after the
/// commit: a rank can miss a balance that another test has just changed.
/// </summary>
[Collection<Alone>]
public sealed class LeaderboardTests(GamificationService service)
{
    [Fact]
    public async Task The_leaderboard_equals_the_ledger_after_Redis_is_flushed()
    {
        var users = await EarnAsync(3, 1, 2);
        using var redis = await ConnectionMultiplexer.ConnectAsync(service.Servers.Cache);

        await redis.GetDatabase().ExecuteAsync("FLUSHALL");

        await WaitForLeaderboardAsync(users, 150, 50, 100);
        await Eventually.TrueAsync(async () => await RankingAsync(redis) == await BalancesAsync(), "the rebuilt ranking in Redis");
    }

    [Fact]
    public async Task Without_Redis_the_database_is_read_and_the_ranking_is_rebuilt_later()
    {
        var users = await EarnAsync(2, 1);
        await WaitForLeaderboardAsync(users, 100, 50);

        (await service.Servers.Commands.ExecuteCommandAsync(ResourceNames.Cache, KnownResourceCommands.StopCommand, TestContext.Current.CancellationToken)).Success.ShouldBeTrue();
        await service.EarnAsync(users[1], 2);
        using var client = service.Host.As(users[1]);
        (await service.SpendAsync(users[1], 10)).Status.ShouldBe(200);
        var (status, mine) = await client.ReadAsync("/points/me");
        status.ShouldBe(200);
        mine.GetProperty("points").GetInt64().ShouldBe(140);
        mine.GetProperty("rank").GetInt64().ShouldBeGreaterThan(0);
        await WaitForLeaderboardAsync(users, 100, 140);

        (await service.Servers.Commands.ExecuteCommandAsync(ResourceNames.Cache, KnownResourceCommands.StartCommand, TestContext.Current.CancellationToken)).Success.ShouldBeTrue();
        await Eventually.TrueAsync(async () =>
        {
            await WaitForLeaderboardAsync(users, 100, 140);
            using var redis = await ConnectionMultiplexer.ConnectAsync(service.Servers.Cache + ",abortConnect=false");
            return redis.IsConnected && await RankingAsync(redis) == await BalancesAsync();
        }, "the rebuilt ranking");
    }

    [Fact]
    public async Task The_first_read_after_Redis_is_flushed_returns_the_right_rank()
    {
        var users = await EarnAsync(2, 1);
        await WaitForLeaderboardAsync(users, 100, 50);
        using var redis = await ConnectionMultiplexer.ConnectAsync(service.Servers.Cache);

        await redis.GetDatabase().ExecuteAsync("FLUSHALL");
        await RankShouldMatchDatabaseAsync(users[1]);

        await Eventually.TrueAsync(async () => await RankingAsync(redis) == await BalancesAsync(), "the rebuilt ranking in Redis");
        await RankShouldMatchDatabaseAsync(users[1]);
    }

    [Fact]
    public async Task The_ranking_is_rebuilt_without_a_read_after_Redis_restarts_empty()
    {
        var users = await EarnAsync(2, 1);
        await WaitForRebuildAsync(); // No pending write will find Redis empty.
        await FlushRedisAsync();

        await RunCommandAsync(KnownResourceCommands.StopCommand);
        await RunCommandAsync(KnownResourceCommands.StartCommand);

        await WaitForRebuildAsync();
        await RankShouldMatchDatabaseAsync(users[1]);
    }

    [Fact]
    public async Task The_ranking_is_rebuilt_after_Redis_restarts_with_an_old_snapshot()
    {
        var users = await EarnAsync(1, 1);
        await WaitForRebuildAsync();
        using (var redis = await ConnectionMultiplexer.ConnectAsync(service.Servers.Cache))
        {
            await redis.GetDatabase().ExecuteAsync("SAVE");
            await service.EarnAsync(users[1], 2);
            await WaitForRebuildAsync();
            await redis.GetDatabase().ExecuteAsync("CONFIG", "SET", "save", ""); // As in a crash: nothing is saved at shutdown.
        }

        await RunCommandAsync(KnownResourceCommands.StopCommand);
        await RunCommandAsync(KnownResourceCommands.StartCommand);

        await WaitForRebuildAsync();
        await RankShouldMatchDatabaseAsync(users[0]);
        await WaitForLeaderboardAsync(users, 50, 150);
    }

    [Fact]
    public async Task A_late_writer_does_not_overwrite_a_newer_balance()
    {
        // In a separate database, which no service rebuilds.
        using var redis = await ConnectionMultiplexer.ConnectAsync(service.Servers.Cache + ",defaultDatabase=1");
        using var circuit = new RedisCircuit(new Lazy<IConnectionMultiplexer>(redis), TimeSpan.FromMinutes(1), NullLogger<RedisCircuit>.Instance);
        await circuit.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => circuit.IsClosed, "Redis");
        var ranking = new RankingCache(circuit, new RankingSignal(), NullLogger<RankingCache>.Instance);
        (await ranking.RebuildAsync(AsyncEnumerable.Empty<Balance>(), TestContext.Current.CancellationToken)).ShouldBeTrue();
        var user = Guid.CreateVersion7();

        await ranking.WriteAsync([Booked(user, 60, -10)], TestContext.Current.CancellationToken);
        await ranking.WriteAsync([Booked(user, 999)], TestContext.Current.CancellationToken);
        var top = (await ranking.TopAsync(1, TestContext.Current.CancellationToken)).ShouldNotBeNull().ShouldHaveSingleItem();
        await ranking.WriteAsync([Booked(user, 60, -10, -50)], TestContext.Current.CancellationToken);

        top.ShouldBe(new Standing(user, 50, 60));
        (await ranking.TopAsync(1, TestContext.Current.CancellationToken)).ShouldBe([]);
    }

    /// <summary>A process that committed before the erasure may write after it, and a rebuild may have read the balance before.</summary>
    [Fact]
    public async Task A_removed_user_is_not_brought_back()
    {
        // In a separate database, which no service rebuilds.
        using var redis = await ConnectionMultiplexer.ConnectAsync(service.Servers.Cache + ",defaultDatabase=1");
        using var circuit = new RedisCircuit(new Lazy<IConnectionMultiplexer>(redis), TimeSpan.FromMinutes(1), NullLogger<RedisCircuit>.Instance);
        await circuit.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => circuit.IsClosed, "Redis");
        var ranking = new RankingCache(circuit, new RankingSignal(), NullLogger<RankingCache>.Instance);
        var (removed, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await redis.GetDatabase().SortedSetAddAsync("{gamification.ranking.2}.removed", "long ago", TimeProvider.System.GetUtcNow().AddDays(-2).ToUnixTimeSeconds());
        (await ranking.RebuildAsync(AsyncEnumerable.Empty<Balance>(), TestContext.Current.CancellationToken)).ShouldBeTrue();
        await ranking.WriteAsync([Booked(removed, 60)], TestContext.Current.CancellationToken);

        await ranking.RemoveAsync([removed], TestContext.Current.CancellationToken);
        await ranking.WriteAsync([Booked(removed, 60, 10), Booked(other, 5)], TestContext.Current.CancellationToken);
        (await ranking.TopAsync(9, TestContext.Current.CancellationToken)).ShouldBe([new Standing(other, 5, 5)]);

        await redis.GetDatabase().KeyDeleteAsync("{gamification.ranking.2}.states");
        (await ranking.RebuildAsync(new[] { Booked(removed, 60), Booked(other, 7) }.ToAsyncEnumerable(), TestContext.Current.CancellationToken)).ShouldBeTrue();
        (await ranking.TopAsync(9, TestContext.Current.CancellationToken)).ShouldBe([new Standing(other, 7, 7)]);
        (await redis.GetDatabase().SortedSetRangeByRankAsync("{gamification.ranking.2}.removed")).Select(user => user.ToString()).ShouldBe([removed.ToString()]);
        (await redis.GetDatabase().KeyTimeToLiveAsync("{gamification.ranking.2}.removed")).ShouldNotBeNull().ShouldBeInRange(TimeSpan.FromHours(23), TimeSpan.FromHours(24));
    }

    /// <summary>A balance whose version is the number of its entries.</summary>
    private static Balance Booked(Guid user, params int[] points)
    {
        var balance = new Balance { UserId = user };
        foreach (var change in points)
        {
            _ = balance.Book(new Booking(user, change, change > 0 ? EntryKind.Earned : EntryKind.Spent, "test", "test"), TimeProvider.System.GetUtcNow()).ToList();
        }

        return balance;
    }

    [Fact]
    public async Task Ties_share_a_rank_and_are_sorted_by_id()
    {
        var users = (await EarnAsync(4, 4, 4)).Order().ToArray();
        await WaitForLeaderboardAsync(users, 200, 200, 200);

        var own = (await LeaderboardAsync()).FindAll(item => users.Contains(item.GetProperty("user_id").GetGuid()));

        own.Select(item => item.GetProperty("user_id").GetGuid()).ShouldBe(users);
        own.Select(item => item.GetProperty("rank").GetInt32()).Distinct().ShouldHaveSingleItem();
        using var client = service.Host.As(users[2]);
        var (_, mine) = await client.ReadAsync("/points/me");
        mine.GetProperty("rank").GetInt32().ShouldBe(own[0].GetProperty("rank").GetInt32());
        mine.GetProperty("level").GetInt32().ShouldBe(own[0].GetProperty("level").GetInt32());
    }

    [Theory]
    [InlineData("month")]
    [InlineData("week")]
    public async Task A_period_counts_earned_points_and_ignores_spending(string period)
    {
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 3);
        using var coupons = service.Host.AsService();
        var redemption = Guid.CreateVersion7();
        await coupons.DebitAsync(redemption, user, 150);
        (await coupons.DebitAsync(redemption, user, 150, collection: "refunds")).Status.ShouldBe(200);
        await service.SpendAsync(user, 150);
        var past = Guid.CreateVersion7();
        await service.EarnAsync(past, 1);
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE period_totals SET starts_on = starts_on - 40 WHERE user_id = {past}"));

        await Eventually.TrueAsync(
            async () => (await LeaderboardAsync(period)).Any(item => item.GetProperty("user_id").GetGuid() == user && item.GetProperty("points").GetInt64() == 150),
            "the award on the leaderboard");
        (await LeaderboardAsync(period)).ShouldNotContain(item => item.GetProperty("user_id").GetGuid() == past);
    }

    [Fact]
    public async Task The_totals_of_past_periods_are_deleted()
    {
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync(
            $"INSERT INTO period_totals SELECT user_id, period, starts_on - 40, 7 FROM period_totals WHERE user_id = {user}"));

        await service.Host.Services.GetServices<IHostedService>().OfType<PeriodCleanup>().Single().RunOnceAsync(TestContext.Current.CancellationToken);

        var totals = await service.QueryAsync(database => database.PeriodTotals.Where(total => total.UserId == user).Select(total => total.Points).ToListAsync());
        totals.ShouldBe([50, 50]);
    }

    [Fact]
    public async Task Totals_that_a_former_version_did_not_write_are_corrected()
    {
        var (missing, wrong) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await service.EarnAsync(missing, 1);
        await service.EarnAsync(wrong, 1);
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"DELETE FROM period_totals WHERE user_id = {missing}"));
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE period_totals SET points = points - 7 WHERE user_id = {wrong}"));

        await service.Host.Services.GetServices<IHostedService>().OfType<PeriodCleanup>().Single().RunOnceAsync(TestContext.Current.CancellationToken);

        var totals = await service.QueryAsync(database => database.PeriodTotals
            .Where(total => total.UserId == missing || total.UserId == wrong).Select(total => total.Points).ToListAsync());
        totals.ShouldBe([50, 50, 50, 50]);
    }

    [Fact]
    public async Task A_period_that_cannot_be_corrected_leaves_the_others_and_all_time_is_looked_at_once_a_day()
    {
        await using var ledger = await LedgerDatabase.CreateAsync(service);
        await using var provider = new ServiceCollection().AddScoped(_ => ledger.Open()).BuildServiceProvider();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var cleanup = new PeriodCleanup(provider.GetRequiredService<IServiceScopeFactory>(), time, NullLogger<PeriodCleanup>.Instance);
        await ledger.BookAsync(new Booking(Guid.CreateVersion7(), 7, EntryKind.Earned, "test", "test") { Rule = "test", Area = "north" }); // without totals
        await ledger.ExecuteAsync("ALTER TABLE period_totals ADD CONSTRAINT refused CHECK (period <> 'month')");

        (await Should.ThrowAsync<AggregateException>(() => cleanup.RunOnceAsync(TestContext.Current.CancellationToken))).InnerExceptions.Count.ShouldBe(1);
        (await TotalsAsync()).ShouldBe(["all", "week", "week"]);
        await ledger.ExecuteAsync("ALTER TABLE period_totals DROP CONSTRAINT refused; DELETE FROM scoped_totals");
        await cleanup.RunOnceAsync(TestContext.Current.CancellationToken);
        (await TotalsAsync()).ShouldBe(["month", "month", "week", "week"]);
        time.Advance(TimeSpan.FromDays(1));
        await cleanup.RunOnceAsync(TestContext.Current.CancellationToken);
        (await TotalsAsync()).ShouldContain("all");

        Task<List<string>> TotalsAsync() => ledger.QueryAsync<string>("""
            SELECT period AS "Value" FROM (SELECT period, points FROM period_totals UNION ALL SELECT period, points FROM scoped_totals) totals WHERE points = 7 ORDER BY 1
            """);
    }

    [Theory]
    [InlineData("2026-11-29T23:59:59.999Z", "2026-11-01", "2026-11-23")]
    [InlineData("2026-11-30T00:00:00Z", "2026-11-01", "2026-11-30")]
    [InlineData("2027-01-01T00:00:00Z", "2027-01-01", "2026-12-28")]
    [InlineData("2027-01-01T02:00:00+03:00", "2026-12-01", "2026-12-28")]
    public void Periods_begin_in_UTC(string time, string month, string week)
    {
        var at = DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);

        Period.Month.StartOf(at).ToString("O", System.Globalization.CultureInfo.InvariantCulture).ShouldBe(month);
        Period.Week.StartOf(at).ToString("O", System.Globalization.CultureInfo.InvariantCulture).ShouldBe(week);
    }

    [Fact]
    public async Task An_unchanged_leaderboard_returns_304()
    {
        using var anonymous = service.Host.Anonymous();
        var path = GamificationService.Area + "/leaderboard?period=month&limit=1";

        // Another test may change the leaderboard between the two requests.
        await Eventually.TrueAsync(async () =>
        {
            using var first = await anonymous.GetAsync(path, TestContext.Current.CancellationToken);
            first.Headers.CacheControl.ShouldNotBeNull().ToString().ShouldBe("public, max-age=1");
            using var again = new HttpRequestMessage(HttpMethod.Get, path);
            again.Headers.IfNoneMatch.Add(first.Headers.ETag.ShouldNotBeNull());
            using var second = await anonymous.SendAsync(again, TestContext.Current.CancellationToken);
            return second.StatusCode == HttpStatusCode.NotModified;
        }, "a 304");
    }

    [Theory]
    [InlineData("?limit=0", "limit")]
    [InlineData("?limit=101", "limit")]
    [InlineData("?period=year", "period")]
    [InlineData("?cursor=nonsense", "cursor")]
    public async Task An_invalid_parameter_returns_400_with_its_name(string query, string field)
    {
        using var anonymous = service.Host.Anonymous();

        var (status, body) = await anonymous.ReadAsync("/leaderboard" + query);

        status.ShouldBe(400);
        body.BadFields.ShouldBe([field]);
    }

    private async Task RunCommandAsync(string command) =>
        (await service.Servers.Commands.ExecuteCommandAsync(ResourceNames.Cache, command, TestContext.Current.CancellationToken)).Success.ShouldBeTrue(command);

    private async Task FlushRedisAsync()
    {
        using var redis = await ConnectionMultiplexer.ConnectAsync(service.Servers.Cache);
        await redis.GetDatabase().ExecuteAsync("FLUSHALL");
    }

    /// <summary>Compares Redis with the database, without a request to the service.</summary>
    private Task WaitForRebuildAsync() => Eventually.TrueAsync(
        async () =>
        {
            using var redis = await ConnectionMultiplexer.ConnectAsync(service.Servers.Cache + ",abortConnect=false");
            return redis.IsConnected && await RankingAsync(redis) == await BalancesAsync();
        },
        "the same ranking in Redis and the ledger");

    /// <summary>Reads the rank once. Other tests may earn points meanwhile, so it compares with the database before and after.</summary>
    private async Task RankShouldMatchDatabaseAsync(Guid user)
    {
        using var client = service.Host.As(user);
        var points = await service.BalanceAsync(user);
        var before = await CountAheadAsync(points);
        var (status, mine) = await client.ReadAsync("/points/me");
        var after = await CountAheadAsync(points);

        status.ShouldBe(200);
        mine.GetProperty("rank").ValueKind.ShouldBe(JsonValueKind.Number);
        mine.GetProperty("rank").GetInt64().ShouldBeInRange(Math.Min(before, after) + 1, Math.Max(before, after) + 1);
    }

    private Task<long> CountAheadAsync(long points) => service.QueryAsync(
        database => database.Balances.LongCountAsync(balance => balance.Points > points && !balance.Hidden && balance.UserId != ErasedUser.Id));

    /// <summary>Creates users with 50 points per resolved report.</summary>
    private async Task<Guid[]> EarnAsync(params int[] reports)
    {
        var users = reports.Select(_ => Guid.CreateVersion7()).ToArray();
        await Task.WhenAll(users.Zip(reports, service.EarnAsync));
        return users;
    }

    private Task WaitForLeaderboardAsync(Guid[] users, params long[] points) => Eventually.TrueAsync(async () =>
    {
        var board = await LeaderboardAsync();
        return users.Zip(points).All(expected => board.Any(item =>
            item.GetProperty("user_id").GetGuid() == expected.First && item.GetProperty("points").GetInt64() == expected.Second));
    }, "the balances on the leaderboard");

    /// <summary>Reads the whole leaderboard, page by page.</summary>
    private async Task<List<JsonElement>> LeaderboardAsync(string period = "all")
    {
        using var anonymous = service.Host.Anonymous();
        var items = new List<JsonElement>();
        string? cursor = null;
        do
        {
            var (status, body) = await anonymous.ReadAsync($"/leaderboard?period={period}&limit=100{(cursor is null ? "" : $"&cursor={cursor}")}");
            status.ShouldBe(200, body.ToString());
            items.AddRange(body.GetProperty("items").EnumerateArray());
            cursor = body.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);
        return items;
    }

    private Task<string> BalancesAsync() => service.QueryAsync(async database => string.Join('\n', await database.Balances
        .Where(balance => balance.Points > 0 && !balance.Hidden && balance.UserId != ErasedUser.Id)
        .OrderByDescending(balance => balance.Points).ThenBy(balance => balance.UserId)
        .Select(balance => $"{balance.UserId} {balance.Points}")
        .ToListAsync()));

    private static async Task<string> RankingAsync(ConnectionMultiplexer redis) => string.Join('\n',
        (await redis.GetDatabase().SortedSetRangeByRankWithScoresAsync("{gamification.ranking.2}.points")).Select(entry => $"{entry.Element} {-entry.Score}"));
}

using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>A person goes, the ledger stays and adds up.</summary>
[Collection(typeof(Alone))]
public sealed class ErasureTests(GamificationService service)
{
    [Fact]
    public async Task The_ledger_stays_without_the_person_and_adds_up()
    {
        using var citizen = service.Citizen(out var user);
        await service.EarnAsync(user, 200);
        (await citizen.RedeemAsync(30, key: "once")).Status.ShouldBe(201);
        var redemption = Guid.CreateVersion7();
        using var coupons = service.Host.AsService();
        (await coupons.DebitAsync(redemption, user, 20)).Status.ShouldBe(200);
        await Eventually.TrueAsync(async () => await IsOnLeaderboardAsync(user), "the leaderboard to show it");
        var entries = await service.QueryAsync(database => database.Transactions.CountAsync());

        var export = await coupons.GetFromJsonAsync<JsonElement>($"/internal/v1/users/{user}/export", TestContext.Current.CancellationToken);
        export.GetProperty("transactions").GetArrayLength().ShouldBe(202);
        export.GetProperty("points").GetInt64().ShouldBe(200 * 50 - 50);

        await service.Tap.EraseAsync(user, ResourceNames.Gamification);

        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox"]).ShouldBeEmpty();
        (await service.QueryAsync(database => database.Transactions.CountAsync())).ShouldBeGreaterThanOrEqualTo(entries);
        await ShouldAddUpAsync();
        await Eventually.TrueAsync(async () => !await IsOnLeaderboardAsync(user), "the leaderboard to forget");
        (await IsOnLeaderboardAsync(Guid.Empty)).ShouldBeFalse();
        (await citizen.ReadAsync("/points/me")).Body.GetProperty("points").GetInt64().ShouldBe(0);

        // The redemption asks again, and gets its first response.
        (await coupons.DebitAsync(redemption, user, 20)).Status.ShouldBe(200);
        (await citizen.RedeemAsync(1)).Status.ShouldBe(422);
    }

    [Fact]
    public async Task An_award_that_comes_late_goes_with_the_next_event()
    {
        using var citizen = service.Citizen(out var user);
        await service.EarnAsync(user, 1);
        await service.Tap.EraseAsync(user, ResourceNames.Gamification);
        await service.EarnAsync(user, 1);

        await service.Tap.PublishAsync(new Kashif.Messaging.Events.UserDeleted(user));

        await Eventually.TrueAsync(
            async () => !(await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox"]).Any(), "the second sweep");
        await ShouldAddUpAsync();
    }

    [Fact]
    public async Task Nobody_earns_for_a_report_without_author()
    {
        await service.Tap.PublishAsync(Resolved(Guid.Empty, Guid.CreateVersion7()));
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Resolved(Guid.Empty, report));
        await service.EarnAsync(Guid.CreateVersion7(), 1);

        (await service.QueryAsync(database => database.Transactions.AnyAsync(entry => entry.Reference == report.ToString()))).ShouldBeFalse();
    }

    private async Task<bool> IsOnLeaderboardAsync(Guid user)
    {
        using var client = service.Host.Anonymous();
        var (_, board) = await client.ReadAsync("/leaderboard?limit=100");
        return board.GetProperty("items").EnumerateArray().Any(item => item.GetProperty("user_id").GetGuid() == user);
    }

    /// <summary>Invariant 1 of the contract, also for those who have left.</summary>
    private async Task ShouldAddUpAsync() => (await service.QueryAsync(database => database.Database.SqlQuery<Guid>($"""
        SELECT coalesce(b.user_id, t.user_id) AS "Value"
        FROM balances b FULL JOIN (SELECT user_id, sum(points) AS points FROM point_transactions GROUP BY user_id) t ON t.user_id = b.user_id
        WHERE b.points IS DISTINCT FROM t.points
        """).ToListAsync())).ShouldBeEmpty();
}

/// <summary>While nothing else runs: hosts of other tests, on other databases, take from the same queue.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

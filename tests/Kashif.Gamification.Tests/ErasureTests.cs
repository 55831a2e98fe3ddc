using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Quests;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Deleting a user keeps the ledger, anonymised, and its sums.</summary>
[Collection(typeof(Alone))]
public sealed class ErasureTests(GamificationService service)
{
    [Fact]
    public async Task A_deleted_users_ledger_stays_without_the_users_id_and_adds_up()
    {
        using var citizen = service.Citizen(out var user);
        await service.EarnAsync(user, 200);
        (await service.SpendAsync(user, 30)).Status.ShouldBe(200);
        var redemption = Guid.CreateVersion7();
        using var coupons = service.Host.AsService();
        (await coupons.DebitAsync(redemption, user, 20)).Status.ShouldBe(200);
        await Eventually.TrueAsync(async () => await IsOnLeaderboardAsync(user), "the user on the leaderboard");
        await service.BookAsync(
            new Booking(user, 5, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { ExpiresAt = TimeProvider.System.GetUtcNow().AddDays(-1) },
            new Booking(user, -20_000, EntryKind.Reversed, "test", $"test:{Guid.CreateVersion7()}") { Note = "Private words.", Actor = user },
            new Booking(user, 20_000, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { Note = "Private words." });
        var entries = await service.QueryAsync(database => database.Transactions.CountAsync());

        await JoinQuestsAsync(user, citizen);
        await Eventually.TrueAsync(async () => await service.QueryAsync(database => database.TrustScores.AnyAsync(score => score.UserId == user && score.Score > 90)), "the trust score");

        var export = await coupons.GetFromJsonAsync<JsonElement>($"/internal/v1/users/{user}/export", TestContext.Current.CancellationToken);
        export.GetProperty("transactions").GetArrayLength().ShouldBe(208);
        export.GetProperty("transactions")[203].GetProperty("note").GetString().ShouldBe("Private words.");
        export.GetProperty("points").GetInt64().ShouldBe((201 * 50) - 50 + 5 + 20);
        export.GetProperty("trust_score").GetInt32().ShouldBeGreaterThan(90);
        export.GetProperty("quests").EnumerateArray().Select(quest => quest.GetProperty("status").GetString()).ShouldBe(["completed", "joined"]);

        await service.Tap.EraseAsync(user, ResourceNames.Gamification);

        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        (await service.QueryAsync(database => database.Transactions.CountAsync())).ShouldBeGreaterThanOrEqualTo(entries);
        await LedgerShouldAddUpAsync();
        await service.LedgerShouldBeWholeAsync();
        (await service.QueryAsync(database => database.Transactions.AnyAsync(entry => entry.Note == "Private words."))).ShouldBeFalse();
        (await service.QueryAsync(database => database.Budgets.SingleAsync(budget => budget.Name == "erasure")))
            .ShouldSatisfyAllConditions(budget => budget.Reserved.ShouldBe(0), budget => budget.Spent.ShouldBe(20));
        await Eventually.TrueAsync(async () => !await IsOnLeaderboardAsync(user), "the removal from the leaderboard");
        (await IsOnLeaderboardAsync(Guid.Empty)).ShouldBeFalse();
        (await service.BalanceAsync(Guid.Empty)).ShouldBeGreaterThan(0);
        (await citizen.ReadAsync($"/points/{Guid.Empty}")).Status.ShouldBe(404);
        (await citizen.ReadAsync($"/points/{user}")).Status.ShouldBe(404);
        (await citizen.ReadAsync("/points/me")).Body.GetProperty("points").GetInt64().ShouldBe(0);

        // A repeated debit returns its first result.
        (await coupons.DebitAsync(redemption, user, 20)).Status.ShouldBe(200);
        (await service.SpendAsync(user, 1)).Status.ShouldBe(422);
    }

    [Fact]
    public async Task Erasure_and_export_read_by_index()
    {
        using var citizen = service.Citizen(out var user);
        using var queries = PersonQueries.Record(user);
        using var auth = service.Host.AsService();

        await auth.GetStringAsync($"/internal/v1/users/{user}/export", TestContext.Current.CancellationToken);
        await service.Tap.EraseAsync(user, ResourceNames.Gamification);

        (await queries.ScansAsync(service.Host.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_late_event_of_a_deleted_user_awards_nothing()
    {
        using var citizen = service.Citizen(out var user);
        await service.EarnAsync(user, 1);
        await service.Tap.EraseAsync(user, ResourceNames.Gamification);

        var late = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Resolved(user, Guid.CreateVersion7()), late);

        await Eventually.TrueAsync(async () => await service.QueryAsync(database => database.Set<InboxEntry>().AnyAsync(entry => entry.EventId == late)), "the event in the inbox");
        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        await LedgerShouldAddUpAsync();
    }

    [Fact]
    public async Task A_report_without_an_author_awards_nothing()
    {
        await service.Tap.PublishAsync(Resolved(Guid.Empty, Guid.CreateVersion7()));
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Resolved(Guid.Empty, report));
        await service.EarnAsync(Guid.CreateVersion7(), 1);

        (await service.QueryAsync(database => database.Transactions.AnyAsync(entry => entry.Reference == report.ToString()))).ShouldBeFalse();
    }

    /// <summary>One quest that the user completes, and one that stays open.</summary>
    private async Task JoinQuestsAsync(Guid user, HttpClient citizen)
    {
        var now = TimeProvider.System.GetUtcNow();
        var (one, two) = await service.QueryAsync(async database =>
        {
            var budget = new Budget { Name = "erasure", Points = 100, StartsAt = now, EndsAt = now.AddDays(1) };
            database.Budgets.Add(budget);
            await database.SaveChangesAsync();
            Quest[] quests = [.. new[] { 1, 2 }.Select(count => new Quest
            {
                TitleEn = "x",
                TitleAr = "x",
                Event = ReportStatusUpdated.Type,
                Count = count,
                Reward = 20,
                BudgetId = budget.Id,
                StartsAt = now,
                EndsAt = now.AddDays(1),
            })];
            database.Quests.AddRange(quests);
            await database.SaveChangesAsync();
            return (quests[0].Id, quests[1].Id);
        });
        foreach (var quest in new[] { one, two })
        {
            using var joined = await citizen.PostAsync($"{Area}/quests/{quest}/join", null);
            joined.EnsureSuccessStatusCode();
        }

        await service.Tap.PublishAsync(Resolved(user, Guid.CreateVersion7()));
        await service.WaitForBalanceAsync(user, (201 * 50) - 50 + 5 + 20);
    }

    private async Task<bool> IsOnLeaderboardAsync(Guid user)
    {
        using var client = service.Host.Anonymous();
        var (_, board) = await client.ReadAsync("/leaderboard?limit=100");
        return board.GetProperty("items").EnumerateArray().Any(item => item.GetProperty("user_id").GetGuid() == user);
    }

    /// <summary>Invariant 1 of the contract, for deleted users too: each balance equals the sum of its ledger.</summary>
    private async Task LedgerShouldAddUpAsync() => (await service.QueryAsync(database => database.Database.SqlQuery<Guid>($"""
        SELECT coalesce(b.user_id, t.user_id) AS "Value"
        FROM balances b FULL JOIN (SELECT user_id, sum(points) AS points FROM point_transactions GROUP BY user_id) t ON t.user_id = b.user_id
        WHERE b.points IS DISTINCT FROM t.points
        """).ToListAsync())).ShouldBeEmpty();
}

/// <summary>Runs alone: hosts of other tests, on other databases, consume from the same queue.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

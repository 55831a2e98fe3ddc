using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.Quests;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Quests pay each winner once, and no budget pays more than it holds.</summary>
public sealed class QuestTests(GamificationService service)
{
    private static readonly DateTimeOffset Future = TimeProvider.System.GetUtcNow().AddDays(30);

    [Fact]
    public async Task A_quest_counts_distinct_reports_of_its_kind_since_the_user_joined_and_pays_once()
    {
        var budget = await CreateBudgetAsync(100);
        var quest = await CreateQuestAsync(budget, new { count = 3, status = "verified", category = "pothole", latitude = 24.7, longitude = 46.7, radius_km = 1.0 });
        using var client = service.Citizen(out var user);
        await PublishAsync(Pothole(user)); // before joining
        await service.WaitForBalanceAsync(user, 5);

        var (status, joined) = await JoinAsync(client, quest);

        status.ShouldBe(200);
        (joined.GetProperty("status").GetString(), joined.GetProperty("progress").GetInt32()).ShouldBe(("joined", 0));
        var rejected = Pothole(user);
        var verified = Pothole(user);
        await PublishAsync(
            Pothole(user) with { Category = "litter" }, Pothole(user) with { Latitude = 24.8 }, Pothole(user) with { Latitude = null, Longitude = null },
            Pothole(user) with { To = "resolved" }, rejected, verified, verified with { Version = 3 });
        await WaitForProgressAsync(client, 2);
        await PublishAsync(rejected with { To = "rejected", Version = 3 });
        await WaitForProgressAsync(client, 1);
        await PublishAsync(Pothole(user) with { ChangedBy = user }, Pothole(user));
        await WaitForProgressAsync(client, 2);
        (await MineAsync(client)).GetProperty("status").GetString().ShouldBe("joined");
        (await BudgetAsync(budget)).ShouldBe((100, 20, 0));

        var (last, id) = (Pothole(user), Guid.CreateVersion7());
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => service.Tap.PublishAsync(last, id)));
        await PublishAsync(Pothole(user), Pothole(user), Pothole(user));

        await Eventually.TrueAsync(async () => (await MineAsync(client)).GetProperty("status").GetString() == "completed", "the end");
        var entry = (await service.QueryAsync(database => database.Transactions.Where(row => row.UserId == user && row.Reason == "quest").ToListAsync())).ShouldHaveSingleItem();
        (entry.Points, entry.Reference, entry.Rule).ShouldBe((20, $"{quest}", null));
        (await BudgetAsync(budget)).ShouldBe((100, 0, 20));
        (await JoinAsync(client, quest)).Body.GetProperty("status").GetString().ShouldBe("completed");
        (await BudgetAsync(budget)).ShouldBe((100, 0, 20));
        await service.Tap.WaitForAsync(PointsAwarded.Type, data => data.GetProperty("user_id").GetGuid() == user && data.GetProperty("reason").GetString() == "quest");
        await service.Tap.WaitForAsync(QuestCompleted.Type, data => data.GetProperty("user_id").GetGuid() == user && data.GetProperty("quest_id").GetInt32() == quest);
        service.Tap.Envelopes(QuestCompleted.Type).Count(envelope => envelope.GetProperty("data").GetProperty("user_id").GetGuid() == user).ShouldBe(1);
    }

    [Fact]
    public async Task Of_64_users_who_complete_at_once_a_budget_for_10_pays_10()
    {
        var budget = await CreateBudgetAsync(10 * 20 + 19);
        var quest = await CreateQuestAsync(budget, new { count = 1 });
        Guid[] users = [.. Enumerable.Range(0, 64).Select(_ => Guid.CreateVersion7())];

        var joins = await Task.WhenAll(users.Select(async user =>
        {
            using var client = service.Host.As(user);
            return await JoinAsync(client, quest);
        }));
        joins.CountBy(join => join.Status).ShouldBe([KeyValuePair.Create(200, 10), KeyValuePair.Create(422, 54)], ignoreOrder: true);
        joins.Where(join => join.Status == 422).Select(join => join.Body.Code).Distinct().ShouldBe(["budget_exhausted"]);
        (await BudgetAsync(budget)).ShouldBe((219, 200, 0));
        await Task.WhenAll(users.SelectMany(user => Enumerable.Range(0, 2).Select(_ => service.Tap.PublishAsync(Pothole(user)))));

        await Eventually.TrueAsync(async () => (await BudgetAsync(budget)).Reserved == 0, "the payments");
        (await BudgetAsync(budget)).ShouldBe((219, 0, 200));
        var paid = await service.QueryAsync(database => database.Transactions.Where(row => row.Reason == "quest" && row.Reference == $"{quest}").ToListAsync());
        paid.Count.ShouldBe(10);
        paid.Select(entry => entry.UserId).ShouldBe(users.Where((_, index) => joins[index].Status == 200), ignoreOrder: true);
    }

    [Fact]
    public async Task One_user_who_joins_64_times_at_once_has_one_place_and_one_reservation()
    {
        var budget = await CreateBudgetAsync(100);
        var quest = await CreateQuestAsync(budget, new { max_winners = 1 });
        using var client = service.Citizen(out _);
        using var other = service.Citizen(out _);

        var joins = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => JoinAsync(client, quest)));

        joins.ShouldAllBe(join => join.Status == 200);
        (await BudgetAsync(budget)).ShouldBe((100, 20, 0));
        (await JoinAsync(other, quest)).Body.Code.ShouldBe("quest_full");
        (await BudgetAsync(budget)).ShouldBe((100, 20, 0));
    }

    [Fact]
    public async Task Reservations_end_with_the_time_and_with_the_quest()
    {
        var budget = await CreateBudgetAsync(40);
        var quest = await CreateQuestAsync(budget, new { days = 1, count = 2 });
        using var late = service.Citizen(out var lateUser);
        using var done = service.Citizen(out var doneUser);
        using var third = service.Citizen(out _);
        (await JoinAsync(late, quest)).Status.ShouldBe(200);
        (await JoinAsync(done, quest)).Status.ShouldBe(200);
        (await JoinAsync(third, quest)).Body.Code.ShouldBe("budget_exhausted");
        (await PostAsync($"/budgets/{budget}/top-up", new { points = 20 })).GetProperty("points").GetInt32().ShouldBe(60);
        (await JoinAsync(third, quest)).Status.ShouldBe(200);

        await PublishAsync(Pothole(lateUser), Pothole(doneUser));
        await WaitForProgressAsync(late, 1);
        await service.QueryAsync(database => database.Participations.Where(row => row.UserId == lateUser).ExecuteUpdateAsync(set => set.SetProperty(row => row.Deadline, row => row.JoinedAt.AddHours(-2))));
        await using (var scope = service.Host.Services.CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<QuestRewards>().ExpireAsync(100, TestContext.Current.CancellationToken);
        }

        (await MineAsync(late)).GetProperty("status").GetString().ShouldBe("expired");
        (await BudgetAsync(budget)).ShouldBe((60, 40, 0));
        await PublishAsync(Pothole(doneUser));
        await Eventually.TrueAsync(async () => (await BudgetAsync(budget)).Spent == 20, "the payment");

        (await PostAsync($"/quests/{quest}/cancel", new { })).GetProperty("is_cancelled").GetBoolean().ShouldBeTrue();

        (await MineAsync(third)).GetProperty("status").GetString().ShouldBe("cancelled");
        (await MineAsync(done)).GetProperty("status").GetString().ShouldBe("completed");
        (await BudgetAsync(budget)).ShouldBe((60, 0, 20));
        using var fourth = service.Citizen(out _);
        (await JoinAsync(fourth, quest)).Body.Code.ShouldBe("quest_closed");
    }

    [Fact]
    public async Task A_cancelled_quest_releases_the_rewards_of_all_its_users_and_of_no_other_quest()
    {
        var budget = await CreateBudgetAsync(100);
        var (quest, other) = (await CreateQuestAsync(budget, new { }), await CreateQuestAsync(budget, new { reward_points = 30 }));
        using var first = service.Citizen(out _);
        using var second = service.Citizen(out _);
        using var third = service.Citizen(out _);
        (await JoinAsync(first, quest)).Status.ShouldBe(200);
        (await JoinAsync(second, quest)).Status.ShouldBe(200);
        (await JoinAsync(third, other)).Status.ShouldBe(200);

        await PostAsync($"/quests/{quest}/cancel", new { });
        await PostAsync($"/quests/{quest}/cancel", new { });

        (await BudgetAsync(budget)).ShouldBe((100, 30, 0));
        foreach (var (client, status) in new[] { (first, "cancelled"), (second, "cancelled"), (third, "joined") })
        {
            (await MineAsync(client)).GetProperty("status").GetString().ShouldBe(status);
        }

        var rows = await service.QueryAsync(database => database.Participations.Where(row => row.QuestId == quest).ToListAsync());
        rows.ShouldAllBe(row => row.ChangedAt > row.JoinedAt);
    }

    [Fact]
    public async Task A_change_of_a_quest_leaves_the_terms_of_those_who_have_joined()
    {
        var budget = await CreateBudgetAsync(100);
        var quest = await CreateQuestAsync(budget, new { });
        using var admin = Admin();
        using var client = service.Citizen(out var user);
        await JoinAsync(client, quest);
        using var changed = await admin.PatchAsJsonAsync($"{Area}/quests/{quest}", new { title_en = "Other", ends_at = TimeProvider.System.GetUtcNow().AddSeconds(-0.001) }, Cancel);
        changed.EnsureSuccessStatusCode();

        using var other = service.Citizen(out _);
        (await JoinAsync(other, quest)).Body.Code.ShouldBe("quest_closed");
        await PublishAsync(Pothole(user));

        await Eventually.TrueAsync(async () => (await BudgetAsync(budget)).Spent == 20, "the payment");
    }

    [Fact]
    public async Task Open_quests_are_public_and_found_near_a_point()
    {
        var budget = await CreateBudgetAsync(100);
        var here = await CreateQuestAsync(budget, new { latitude = -70.0, longitude = 10.0, radius_km = 1.0 });
        var city = await CreateQuestAsync(budget, new { });
        var later = await CreateQuestAsync(budget, new { starts_at = Future.AddDays(-1) });

        (await ListAsync("?limit=100")).ShouldSatisfyAllConditions(all => all.ShouldContain(here), all => all.ShouldContain(city), all => all.ShouldNotContain(later));
        (await ListAsync("?limit=100&latitude=-70.0&longitude=10.0")).ShouldContain(here);
        (await ListAsync("?limit=100&latitude=-70.05&longitude=10.0")).ShouldNotContain(here);
        (await ListAsync("?limit=100&latitude=-70.05&longitude=10.0")).ShouldContain(city);
        (await ListAsync("?limit=100&latitude=-70.05&longitude=10.0&radius_km=5")).ShouldContain(here);
        using var anonymous = service.Host.Anonymous();
        (await anonymous.ReadAsync("/quests?latitude=1&cursor=x")).Body.BadFields.ShouldBe(["cursor", "longitude"]);
    }

    [Fact]
    public async Task Invalid_quests_and_budgets_are_refused()
    {
        var budget = await CreateBudgetAsync(100);
        using var admin = Admin();
        using var citizen = service.Host.As(Guid.CreateVersion7(), Roles.Citizen);

        using var wrong = await admin.PostAsJsonAsync(
            $"{Area}/quests", new { title_en = "", title_ar = "م", @event = "x", count = 0, reward_points = 1, budget_id = 2_000_000_000, ends_at = Future, status = "verified", latitude = 1.0 }, Cancel);
        (await wrong.Content.ReadFromJsonAsync<JsonElement>(Cancel)).BadFields.ShouldBe(["budget_id", "count", "event", "radius_km", "status", "title_en"]);
        using var outside = await admin.PostAsJsonAsync(
            $"{Area}/quests", new { title_en = "x", title_ar = "م", @event = "report.created", count = 1, reward_points = 1, budget_id = budget, ends_at = Future.AddDays(2) }, Cancel);
        (await outside.Content.ReadFromJsonAsync<JsonElement>(Cancel)).BadFields.ShouldBe(["ends_at"]);
        using var refused = await citizen.PostAsJsonAsync($"{Area}/budgets", new { name = "x", points = 1, ends_at = Future }, Cancel);
        ((int)refused.StatusCode).ShouldBe(403);
        var name = $"{Guid.CreateVersion7()}";
        await PostAsync("/budgets", new { name, points = 1, ends_at = Future });
        using var taken = await admin.PostAsJsonAsync($"{Area}/budgets", new { name, points = 1, ends_at = Future }, Cancel);
        ((int)taken.StatusCode).ShouldBe(409);
    }

    [Fact]
    public async Task A_quest_counts_the_users_votes_for_reports_of_others_near_a_place_each_report_once()
    {
        var budget = await CreateBudgetAsync(100);
        var quest = await CreateQuestAsync(budget, new { @event = "report.voted", count = 2, category = "pothole", latitude = 24.7, longitude = 46.7, radius_km = 1.0 });
        using var client = service.Citizen(out var user);
        (await JoinAsync(client, quest)).Status.ShouldBe(200);
        var first = Vote(user);

        await VoteAsync(Vote(user) with { Category = "litter" }, Vote(user) with { Latitude = 24.8 }, first, first with { Version = 5 });
        await WaitForProgressAsync(client, 1);
        (await MineAsync(client)).GetProperty("status").GetString().ShouldBe("joined");
        await VoteAsync(Vote(user));
        await Eventually.TrueAsync(async () => (await MineAsync(client)).GetProperty("status").GetString() == "completed", "the end");

        // In a second quest: the withdrawal overtakes the vote, and the city rejects a report.
        var next = await CreateQuestAsync(budget, new { @event = "report.voted", count = 3 });
        using var other = service.Citizen(out var otherId);
        (await JoinAsync(other, next)).Status.ShouldBe(200);
        var gone = Vote(otherId) with { Version = 2, Withdrawn = true };
        var wrong = Vote(otherId);
        await VoteAsync(gone);
        await Eventually.TrueAsync(() => service.QueryAsync(database => database.ReportVotes.AnyAsync(vote => vote.ReportId == gone.ReportId)), "the withdrawal");
        await VoteAsync(gone with { Version = 1, Withdrawn = false }, wrong, Vote(otherId));
        await WaitForProgressAsync(other, 2);
        await PublishAsync(Verified(wrong.ReporterId, wrong.ReportId) with { To = "rejected", Version = 3 });
        await WaitForProgressAsync(other, 1);
        await VoteAsync(gone with { Version = 3, Withdrawn = false });
        await WaitForProgressAsync(other, 2);
        (await MineAsync(other)).GetProperty("status").GetString().ShouldBe("joined");
        await VoteAsync(Vote(otherId));
        await Eventually.TrueAsync(async () => (await MineAsync(other)).GetProperty("status").GetString() == "completed", "the end");
        (await service.QueryAsync(database => database.Transactions.CountAsync(row => row.UserId == otherId && row.Reason == "quest"))).ShouldBe(1);
    }

    private static ReportVoted Vote(Guid user) => new(Guid.CreateVersion7(), user, Guid.CreateVersion7(), "pothole", 24.7, 46.7, Withdrawn: false, Version: 1);

    private Task VoteAsync(params ReportVoted[] events) => Task.WhenAll(events.Select(data => service.Tap.PublishAsync(data)));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ReportStatusUpdated Pothole(Guid user) => Verified(user, Guid.CreateVersion7()) with { Category = "pothole", Latitude = 24.7, Longitude = 46.7 };

    private HttpClient Admin() => service.Host.As(Guid.CreateVersion7(), Roles.Citizen, Roles.Admin);

    private Task PublishAsync(params ReportStatusUpdated[] events) => Task.WhenAll(events.Select(data => service.Tap.PublishAsync(data)));

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var admin = Admin();
        using var response = await admin.PostAsJsonAsync(Area + path, body, Cancel);
        response.IsSuccessStatusCode.ShouldBeTrue(await response.Content.ReadAsStringAsync(Cancel));
        return await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }

    private async Task<int> CreateBudgetAsync(int points) =>
        (await PostAsync("/budgets", new { name = $"{Guid.CreateVersion7()}", points, ends_at = Future.AddDays(1) })).GetProperty("id").GetInt32();

    /// <summary>A quest for one verified report, with a reward of 20 points, changed by the fields of <paramref name="more"/>.</summary>
    private async Task<int> CreateQuestAsync(int budget, object more)
    {
        var body = JsonSerializer.SerializeToNode(new
        {
            title_en = "Potholes",
            title_ar = "حفر",
            @event = "report.status_updated",
            count = 1,
            reward_points = 20,
            budget_id = budget,
            ends_at = Future,
        }).ShouldNotBeNull().AsObject();
        foreach (var (name, value) in JsonSerializer.SerializeToNode(more).ShouldNotBeNull().AsObject())
        {
            body[name] = value?.DeepClone();
        }

        return (await PostAsync("/quests", body)).GetProperty("id").GetInt32();
    }

    private static async Task<(int Status, JsonElement Body)> JoinAsync(HttpClient client, int quest)
    {
        using var response = await client.PostAsync($"{Area}/quests/{quest}/join", null, Cancel);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    private static async Task<JsonElement> MineAsync(HttpClient client) => (await client.ReadAsync("/quests/me")).Body.GetProperty("items").EnumerateArray().Single();

    private static Task WaitForProgressAsync(HttpClient client, int reports) =>
        Eventually.TrueAsync(async () => (await MineAsync(client)).GetProperty("progress").GetInt32() == reports, $"a progress of {reports}");

    private async Task<List<int>> ListAsync(string query)
    {
        using var anonymous = service.Host.Anonymous();
        return [.. (await anonymous.ReadAsync($"/quests{query}")).Body.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetInt32())];
    }

    private Task<(long Points, long Reserved, long Spent)> BudgetAsync(int id) => service.QueryAsync(async database =>
    {
        var budget = await database.Budgets.AsNoTracking().SingleAsync(row => row.Id == id);
        return (budget.Points, budget.Reserved, budget.Spent);
    });
}

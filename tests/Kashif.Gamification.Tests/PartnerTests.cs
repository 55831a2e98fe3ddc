using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.Partners;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Partners manage the budgets and quests of their own company, and no other's.</summary>
public sealed class PartnerTests(GamificationService service)
{
    private static readonly DateTimeOffset Future = TimeProvider.System.GetUtcNow().AddDays(30);

    private static int _companies = 1_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_partner_manages_the_budgets_and_quests_of_its_own_company_only()
    {
        var (company, other) = (NewCompany(), NewCompany());
        using var partner = await PartnerAsync(company);
        using var admin = Admin();
        var foreign = await CreatedAsync(admin, "/budgets", Budget(other, points: 100));
        var city = await CreatedAsync(admin, "/budgets", Budget(null, points: 100));
        var foreignQuest = await CreatedAsync(admin, "/quests", Quest(foreign));

        var budget = await CreatedAsync(partner, "/budgets", Budget(company, points: 0));
        (await admin.SendAsync($"/budgets/{budget}/top-up", new { points = 30 })).Status.ShouldBe(200);
        var quest = await CreatedAsync(partner, "/quests", Quest(budget));
        (await PatchAsync(partner, quest, new { title_en = "Better" })).Status.ShouldBe(200);

        (await IdsAsync(partner, "/budgets", item => item)).ShouldBe([budget]);
        (await IdsAsync(partner, "/quests/managed", item => item.GetProperty("quest"))).ShouldBe([quest]);
        (await IdsAsync(admin, "/quests/managed?limit=100", item => item.GetProperty("quest"))).ShouldContain(foreignQuest);
        (await IdsAsync(admin, $"/budgets?limit=100&cursor={Kashif.Http.Cursor.Encode(budget - 1)}", item => item)).ShouldContain(budget);

        (await partner.SendAsync("/budgets", Budget(other, points: 5))).Body.BadFields.ShouldBe(["company_id", "points"]);
        (await partner.SendAsync("/budgets", Budget(null, points: 0))).Body.BadFields.ShouldBe(["company_id"]);
        (await partner.SendAsync($"/budgets/{budget}/top-up", new { points = 1 })).Status.ShouldBe(403);
        foreach (var budgetOfOthers in new[] { foreign, city })
        {
            (await partner.SendAsync("/quests", Quest(budgetOfOthers))).Body.BadFields.ShouldBe(["budget_id"]);
        }

        (await PatchAsync(partner, foreignQuest, new { title_en = "Mine" })).Status.ShouldBe(404);
        (await partner.SendAsync($"/quests/{foreignQuest}/cancel", new { })).Status.ShouldBe(404);
        (await service.QueryAsync(database => database.Quests.SingleAsync(row => row.Id == foreignQuest))).CancelledAt.ShouldBeNull();

        // A quest of 20 points fits once into a budget of 30.
        using var winner = service.Citizen(out _);
        using var second = service.Citizen(out _);
        (await winner.SendAsync($"/quests/{quest}/join", new { })).Status.ShouldBe(200);
        (await second.SendAsync($"/quests/{quest}/join", new { })).Body.Code.ShouldBe("budget_exhausted");
        var managed = (await partner.ReadAsync("/quests/managed")).Body.GetProperty("items").EnumerateArray().Single();
        (managed.GetProperty("budget_id").GetInt32(), managed.GetProperty("joined").GetInt32(), managed.GetProperty("completed").GetInt32()).ShouldBe((budget, 1, 0));
        (await partner.SendAsync($"/quests/{quest}/cancel", new { })).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_removed_partner_stays_removed_however_its_events_arrive()
    {
        var (company, user) = (NewCompany(), Guid.CreateVersion7());
        using var partner = service.Host.As(user, Roles.Citizen, Roles.Partner);
        var (added, addedAgain, removed) = (Event(company, user, isPartner: true, 1), Event(company, user, isPartner: true, 3), Event(company, user, isPartner: false, 4));
        await service.Tap.PublishAsync(added, Guid.CreateVersion7());
        await WaitForAsync(user, company, isPartner: true);
        var budget = await CreatedAsync(partner, "/budgets", Budget(company, points: 0));
        var quest = await CreatedAsync(partner, "/quests", Quest(budget));

        await service.Tap.PublishAsync(removed);
        await WaitForAsync(user, company, isPartner: false);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(index => service.Tap.PublishAsync(index % 2 == 0 ? added : addedAgain)));
        await service.Tap.PublishAsync(Event(company, user, isPartner: false, 5));
        await Eventually.TrueAsync(async () => (await RowsAsync(user)).Single().Version == 5, "the last event");

        (await IdsAsync(partner, "/budgets", item => item)).ShouldBeEmpty();
        (await IdsAsync(partner, "/quests/managed", item => item.GetProperty("quest"))).ShouldBeEmpty();
        (await partner.SendAsync("/budgets", Budget(company, points: 0))).Body.BadFields.ShouldBe(["company_id"]);
        (await partner.SendAsync("/quests", Quest(budget))).Body.BadFields.ShouldBe(["budget_id"]);
        (await PatchAsync(partner, quest, new { title_en = "Late" })).Status.ShouldBe(404);
        (await partner.SendAsync($"/quests/{quest}/cancel", new { })).Status.ShouldBe(404);
    }

    [Fact]
    public async Task The_newest_of_a_storm_of_events_counts()
    {
        var company = NewCompany();
        Guid[] users = [.. Enumerable.Range(0, 8).Select(_ => Guid.CreateVersion7())];
        var events = users.SelectMany((user, index) => Enumerable.Range(0, 9).Select(version => Event(company, user, (version + index) % 2 == 0, version))).ToArray();
        Random.Shared.Shuffle(events);

        await Task.WhenAll(events.SelectMany(data => Enumerable.Repeat(data, 2)).Select(data => service.Tap.PublishAsync(data)));

        foreach (var (user, index) in users.Select((user, index) => (user, index)))
        {
            await Eventually.TrueAsync(async () => await RowsAsync(user) is [{ Version: 8 }], "the newest version");
            (await RowsAsync(user)).Single().IsPartner.ShouldBe(index % 2 == 0);
        }
    }

    [Fact]
    public async Task A_deleted_user_is_no_partner_again()
    {
        var (company, user) = (NewCompany(), Guid.CreateVersion7());
        using var partner = await PartnerAsync(company, user);
        await service.Tap.EraseAsync(user, ResourceNames.Gamification);

        await service.Tap.PublishAsync(Event(company, user, isPartner: true, 9));
        await PartnerAsync(company); // a later event of the same queue

        (await RowsAsync(user)).ShouldBeEmpty();
        (await partner.SendAsync("/budgets", Budget(company, points: 0))).Body.BadFields.ShouldBe(["company_id"]);
    }

    /// <summary>Of no other test.</summary>
    private static int NewCompany() => Interlocked.Increment(ref _companies);

    private static CompanyPartnerUpdated Event(int company, Guid user, bool isPartner, int version) => new(company, user, isPartner, version);

    private static object Budget(int? company, int points) => new { name = $"{Guid.CreateVersion7()}", points, company_id = company, ends_at = Future.AddDays(1) };

    private static object Quest(int budget) => new
    {
        title_en = "Potholes",
        title_ar = "حفر",
        @event = "report.status_updated",
        count = 1,
        reward_points = 20,
        budget_id = budget,
        ends_at = Future,
    };

    private HttpClient Admin() => service.Host.As(Guid.CreateVersion7(), Roles.Citizen, Roles.Admin);

    private async Task<HttpClient> PartnerAsync(int company, Guid? id = null)
    {
        var user = id ?? Guid.CreateVersion7();
        await service.Tap.PublishAsync(Event(company, user, isPartner: true, 1));
        await WaitForAsync(user, company, isPartner: true);
        return service.Host.As(user, Roles.Citizen, Roles.Partner);
    }

    private Task WaitForAsync(Guid user, int company, bool isPartner) =>
        Eventually.TrueAsync(async () => (await RowsAsync(user)).Exists(row => row.CompanyId == company && row.IsPartner == isPartner), "the partner");

    private Task<List<CompanyPartner>> RowsAsync(Guid user) => service.QueryAsync(database => database.CompanyPartners.AsNoTracking().Where(row => row.UserId == user).ToListAsync());

    private static async Task<int> CreatedAsync(HttpClient client, string path, object body)
    {
        var (status, created) = await client.SendAsync(path, body);
        status.ShouldBe(201, created.ToString());
        return created.GetProperty("id").GetInt32();
    }

    private static async Task<(int Status, JsonElement Body)> PatchAsync(HttpClient client, int quest, object body)
    {
        using var response = await client.PatchAsJsonAsync($"{Area}/quests/{quest}", body, Cancel);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    private static async Task<int[]> IdsAsync(HttpClient client, string path, Func<JsonElement, JsonElement> item) =>
        [.. (await client.ReadAsync(path)).Body.GetProperty("items").EnumerateArray().Select(element => item(element).GetProperty("id").GetInt32())];
}

using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.Ledger;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kashif.Gamification.Tests;

/// <summary>The debit for Coupons: idempotent by id.</summary>
public sealed class DebitTests(GamificationService service)
{
    /// <summary>Coupons asks for the areas that a coupon is for.</summary>
    [Fact]
    public async Task An_area_counts_while_points_that_were_earned_there_are_not_taken_back()
    {
        var user = Guid.CreateVersion7();
        var (kept, lost) = ($"kept{Guid.CreateVersion7():N}", $"lost{Guid.CreateVersion7():N}");
        await service.BookAsync(Award(kept), Award(kept), Award(lost));
        (await AreasAsync()).ShouldBe([kept, lost]);

        await service.BookAsync(Award(kept) with { Points = -10, Kind = EntryKind.Reversed }, Award(lost) with { Points = -10, Kind = EntryKind.Reversed });

        (await AreasAsync()).ShouldBe([kept]);

        Booking Award(string area) => new(user, 10, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { Rule = "test", Area = area, Category = "pothole" };

        async Task<string?[]> AreasAsync()
        {
            using var coupons = service.Host.AsService();
            var balance = await coupons.GetFromJsonAsync<JsonElement>($"/internal/v1/balances/{user}?areas=true", TestContext.Current.CancellationToken);
            return [.. balance.GetProperty("areas").EnumerateArray().Select(area => area.GetString())];
        }
    }

    [Fact]
    public async Task Only_services_with_the_scope_can_debit()
    {
        using var citizen = service.Citizen(out var user);
        using var admin = service.Host.As(user, Security.Roles.Admin);
        using var otherService = service.Host.AsService(Security.ServiceScopes.ExportUsers, Security.ServiceScopes.ExchangeApiKeys);
        using var anonymous = service.Host.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/internal/v1/debits/{Guid.CreateVersion7()}");

        (await citizen.DebitAsync(Guid.CreateVersion7(), user, 1)).Status.ShouldBe(403);
        (await admin.DebitAsync(Guid.CreateVersion7(), user, 1)).Status.ShouldBe(403);
        (await otherService.DebitAsync(Guid.CreateVersion7(), user, 1)).Status.ShouldBe(403);
        ((int)(await anonymous.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode).ShouldBe(401);
    }

    [Fact]
    public async Task A_service_reads_balances_of_users_with_and_without_points()
    {
        using var client = service.Host.AsService();
        using var citizen = service.Citizen(out var user);
        await service.EarnAsync(user, 1);

        (await BalanceAsync(client, user)).ShouldBe((200, 50));
        (await BalanceAsync(client, Guid.CreateVersion7())).ShouldBe((200, 0));
        (await BalanceAsync(citizen, user)).ShouldBe((403, null));

        static async Task<(int, long?)> BalanceAsync(HttpClient client, Guid user)
        {
            using var response = await client.GetAsync($"/internal/v1/balances/{user}", TestContext.Current.CancellationToken);
            var body = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            return ((int)response.StatusCode, body.TryGetProperty("points", out var points) ? points.GetInt64() : null);
        }
    }

    [Fact]
    public async Task Twenty_concurrent_debits_with_one_id_debit_once_and_return_the_same()
    {
        using var client = service.Host.AsService();
        var user = Guid.CreateVersion7();
        var redemption = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);

        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.DebitAsync(redemption, user, 50)));

        responses.ShouldAllBe(response => response.Status == 200);
        responses.Select(response => response.Body.GetRawText()).Distinct().ShouldHaveSingleItem();
        (await service.BalanceAsync(user)).ShouldBe(0);
    }

    [Fact]
    public async Task A_different_debit_with_the_same_id_returns_409()
    {
        using var client = service.Host.AsService();
        var user = Guid.CreateVersion7();
        var redemption = Guid.CreateVersion7();
        await service.EarnAsync(user, 2);
        await client.DebitAsync(redemption, user, 50);

        (await client.DebitAsync(redemption, user, 51)).Status.ShouldBe(409);
        (await client.DebitAsync(redemption, user, 50, couponId: 8)).Status.ShouldBe(409);
        (await client.DebitAsync(redemption, Guid.CreateVersion7(), 50)).Status.ShouldBe(409);
        (await service.BalanceAsync(user)).ShouldBe(50);
    }

    [Fact]
    public async Task Twenty_concurrent_refunds_give_a_debit_back_once_and_it_stays_refused()
    {
        using var client = service.Host.AsService();
        var user = Guid.CreateVersion7();
        var redemption = Guid.CreateVersion7();
        await service.EarnAsync(user, 2);
        await client.DebitAsync(redemption, user, 60);

        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.DebitAsync(redemption, user, 60, collection: "refunds")));
        var again = await client.DebitAsync(redemption, user, 60);

        responses.ShouldAllBe(response => response.Status == 200);
        (again.Status, again.Body.Code).ShouldBe((422, "insufficient_points"));
        (await service.BalanceAsync(user)).ShouldBe(100);
        using var citizen = service.Host.As(user);
        var entries = (await citizen.ReadAsync("/transactions/me")).Body.GetProperty("items").EnumerateArray().ToArray();
        entries.Select(entry => (entry.GetProperty("points").GetInt32(), entry.GetProperty("reason").GetString())).Take(2).ShouldBe([(60, "refunded"), (-60, "redeemed")], ignoreOrder: true);
        var points = (await citizen.ReadAsync("/points/me")).Body;
        (points.GetProperty("earned").GetInt64(), points.GetProperty("spent").GetInt64()).ShouldBe((100, 0));
    }

    [Fact]
    public async Task A_refund_before_its_debit_refuses_the_debit()
    {
        using var client = service.Host.AsService();
        var user = Guid.CreateVersion7();
        var redemption = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);

        var refund = await client.DebitAsync(redemption, user, 50, collection: "refunds");
        var other = await client.DebitAsync(redemption, user, 49, collection: "refunds");
        var late = await client.DebitAsync(redemption, user, 50);

        (refund.Status, refund.Body.GetProperty("points").GetInt64()).ShouldBe((200, 50));
        (other.Status, other.Body.Code).ShouldBe((409, "debit_mismatch"));
        (late.Status, late.Body.Code).ShouldBe((422, "insufficient_points"));
        (await service.BalanceAsync(user)).ShouldBe(50);
    }

    [Fact]
    public async Task A_refusal_stays_final_even_if_the_user_earns_points()
    {
        using var client = service.Host.AsService();
        var user = Guid.CreateVersion7();
        var redemption = Guid.CreateVersion7();

        var before = await client.DebitAsync(redemption, user, 50);
        await service.EarnAsync(user, 2);
        var after = await client.DebitAsync(redemption, user, 50);

        (before.Status, before.Body.Code).ShouldBe((422, "insufficient_points"));
        (after.Status, after.Body.Code).ShouldBe((422, "insufficient_points"));
        (await service.BalanceAsync(user)).ShouldBe(100);
    }

    [Fact]
    public async Task Results_of_debits_are_deleted_after_ninety_days_and_debited_no_second_time()
    {
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);
        using var coupons = service.Host.AsService();
        var now = TimeProvider.System.GetUtcNow();
        var (old, young) = (Guid.CreateVersion7(now.AddDays(-91)), Guid.CreateVersion7(now.AddDays(-89)));
        foreach (var id in new[] { old, young })
        {
            (await coupons.DebitAsync(id, user, 10)).Status.ShouldBe(200);
        }

        await service.QueryAsync(database => database.Database.ExecuteSqlAsync(
            $"UPDATE debits SET created_at = CASE id WHEN {old} THEN now() - interval '91 days' ELSE now() - interval '89 days' END WHERE user_id = {user}"));

        await service.Host.Services.GetServices<IHostedService>().OfType<DebitCleanup>().Single().RunOnceAsync(TestContext.Current.CancellationToken);

        (await service.QueryAsync(database => database.Debits.Where(debit => debit.UserId == user).Select(debit => debit.Id).ToListAsync())).ShouldBe([young]);
        (await coupons.DebitAsync(old, user, 10)).Status.ShouldBeGreaterThanOrEqualTo(400);
        (await service.BalanceAsync(user)).ShouldBe(30);
        (await service.QueryAsync(database => database.Transactions.CountAsync(entry => entry.UserId == user && entry.Points < 0))).ShouldBe(2);
    }

    [Fact]
    public async Task An_order_is_debited_and_refunded_like_a_redemption()
    {
        using var client = service.Host.AsService();
        var user = Guid.CreateVersion7();
        var order = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);

        var debits = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PutAsync("debits", new { user_id = user, points = 40, order_id = order })));
        var other = await PutAsync("debits", new { user_id = user, points = 40, coupon_id = 7 });

        debits.ShouldAllBe(debit => debit.Status == 200);
        debits.Select(debit => debit.Body.GetProperty("reference").GetString()).Distinct().ShouldBe([$"order:{order}"]);
        debits[0].Body.GetProperty("reason").GetString().ShouldBe("redeemed");
        (other.Status, other.Body.Code).ShouldBe((409, "debit_mismatch"));
        (await service.BalanceAsync(user)).ShouldBe(10);

        // An order can be cancelled after its debit's result has left the table.
        await service.QueryAsync(database => database.Debits.Where(debit => debit.Id == order).ExecuteDeleteAsync());
        var refund = await PutAsync("refunds", new { user_id = user, points = 40, order_id = order });
        (refund.Status, refund.Body.GetProperty("points").GetInt64()).ShouldBe((200, 50));
        var refunds = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PutAsync("refunds", new { user_id = user, points = 40, order_id = order })));
        var late = await PutAsync("debits", new { user_id = user, points = 40, order_id = order });

        refunds.ShouldAllBe(refund => refund.Status == 200);
        (late.Status, late.Body.Code).ShouldBe((422, "insufficient_points"));
        (await service.BalanceAsync(user)).ShouldBe(50);

        foreach (var invalid in new object[] { new { user_id = user, points = 40 }, new { user_id = user, points = 40, coupon_id = 7, order_id = order } })
        {
            var (status, body) = await PutAsync("debits", invalid);
            status.ShouldBe(400);
            body.BadFields.ShouldBe(["coupon_id", "order_id"]);
        }

        async Task<(int Status, JsonElement Body)> PutAsync(string collection, object body)
        {
            using var response = await client.PutAsJsonAsync($"/internal/v1/{collection}/{order}", body);
            return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
        }
    }
}

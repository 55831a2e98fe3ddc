using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Tests.Shop;
using Kashif.Testing;

namespace Kashif.Coupons.Tests;

/// <summary>Deleting a user keeps their redemptions, anonymised.</summary>
[Collection(typeof(Alone))]
public sealed class ErasureTests(CouponsService service)
{
    [Fact]
    public async Task A_deleted_users_redemptions_stay_without_the_users_id()
    {
        var user = await service.UserAsync(1);
        var place = await service.Host.CreateCompanyAndCategoryAsync();
        using var partner = await service.Host.PartnerAsync(place.Company, user);
        var coupon = await service.Host.OfferAsync(partner, place, pointsCost: 40, stock: 3);
        (await service.Host.RedeemAsync(user, coupon, key: "once")).Status.ShouldBe(201);
        var sku = await service.Host.SellAsync(10, stock: 5, place.Company);
        (await partner.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = 4, reason = "A pallet." })).Status.ShouldBe(200);

        using (var auth = service.Host.AsService())
        {
            var export = await auth.GetFromJsonAsync<JsonElement>($"/internal/v1/users/{user}/export", TestContext.Current.CancellationToken);
            export.GetProperty("redemptions").EnumerateArray().ShouldHaveSingleItem().Status.ShouldBe("completed");
            export.GetProperty("companies").EnumerateArray().ShouldHaveSingleItem().IntId.ShouldBe(place.Company);
            export.GetProperty("stock_movements").EnumerateArray().ShouldHaveSingleItem().GetProperty("quantity").GetInt32().ShouldBe(3);
            export.GetProperty("product_movements").EnumerateArray().ShouldHaveSingleItem().GetProperty("quantity").GetInt32().ShouldBe(4);
        }

        await service.Tap.EraseAsync(user, ResourceNames.Coupons);

        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        (await service.Host.CountAsync(coupon, RedemptionStatus.Completed)).ShouldBe(1);
        await service.Host.StockShouldAddUpAsync();
        using var client = service.Host.As(user);
        (await client.ReadAsync("/redemptions/me")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Erasure_and_export_read_by_index()
    {
        var user = await service.UserAsync(1);
        using var queries = PersonQueries.Record(user);
        using var auth = service.Host.AsService();

        await auth.GetStringAsync($"/internal/v1/users/{user}/export", TestContext.Current.CancellationToken);
        await service.Tap.EraseAsync(user, ResourceNames.Coupons);

        // Of few companies PostgreSQL reads all, in their order.
        (await queries.ScansAsync(service.Host.Database)).Where(scan => !scan.StartsWith("Index Scan of pk_companies: ", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_open_redemption_ends_before_the_erasure()
    {
        var calls = 0;
        var network = new FaultyNetwork { Next = () => Interlocked.Increment(ref calls) < 10 ? Fault.NoConnection : Fault.None };
        await using var replica = await service.StartAnotherAsync(service.Host.Database, network);
        var user = await service.UserAsync(1);
        var coupon = await service.Host.OfferAsync(pointsCost: 40, stock: 3);
        (await replica.RedeemAsync(user, coupon)).Status.ShouldBe(202);

        // There is no receipt until recovery ends the redemption. Whether it completes depends on whether the points are erased first.
        await service.Tap.EraseAsync(user, ResourceNames.Coupons);

        (await service.Host.CountAsync(coupon, RedemptionStatus.Reserved)).ShouldBe(0);
        await service.Host.StockShouldAddUpAsync();
        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_deleted_users_orders_stay_without_the_person_and_those_not_shipped_are_cancelled()
    {
        var user = await service.UserAsync(2);
        var sku = await service.Host.SellAsync(10, stock: 5);
        using var admin = service.Host.Admin();
        using var client = service.Host.As(user);
        var street = $"Street {Guid.CreateVersion7()}";
        var shipped = await OrderAsync("shipped");
        (await admin.AdvanceAsync(shipped, "packed")).Status.ShouldBe(200);
        (await admin.AdvanceAsync(shipped, "shipped")).Status.ShouldBe(200);
        var paid = await OrderAsync("paid");

        using (var auth = service.Host.AsService())
        {
            var export = await auth.GetFromJsonAsync<JsonElement>($"/internal/v1/users/{user}/export", TestContext.Current.CancellationToken);
            export.GetProperty("orders").EnumerateArray().Select(order => order.GetProperty("shipping_address").GetProperty("line1").GetString()).ShouldBe([street, street]);
        }

        (await DatabaseScan.TablesWithAsync(service.Host.Database, street)).ShouldBe(["idempotency_keys", "orders"]);
        await service.Tap.EraseAsync(user, ResourceNames.Coupons);

        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(service.Host.Database, street)).ShouldBeEmpty();
        (await client.ReadAsync("/orders/me")).Body.Items().ShouldBeEmpty();
        (await admin.AdvanceAsync(shipped, "delivered")).Body.Status.ShouldBe("delivered");
        await Eventually.TrueAsync(async () => (await admin.ReadAsync($"/orders/{paid}")).Body.Status == "cancelled", "the cancelled order");
        (await admin.ReadAsync($"/orders/{paid}")).Body.Text("cancel_reason").ShouldBe("account_deleted");
        (await service.Host.StockOfAsync(sku)).ShouldBe((4, 0));
        await service.Host.MovementsShouldAddUpAsync();

        async Task<Guid> OrderAsync(string key)
        {
            var (status, body) = await client.SubmitAsync("/orders", new { items = new[] { new { sku, quantity = 1 } }, shipping_address = ShopClient.Address(street) }, key);
            status.ShouldBe(201, body.ToString());
            return body.Id;
        }
    }
}

/// <summary>Runs alone: hosts of other tests, on other databases, consume from the same queue.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

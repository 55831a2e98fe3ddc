using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Shop;
using Kashif.Coupons.Tests.Shop;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

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

        (await queries.ScansAsync(service.Host.Database)).ShouldBeEmpty();
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
    public async Task A_redemption_that_is_reserved_during_the_erasure_stays_its_users()
    {
        var user = await service.UserAsync(2);
        var sku = await service.Host.SellAsync(10, stock: 5);
        var order = (await service.Host.OrderAsync(user, [(sku, 1)])).Body.Id;
        var coupon = await service.Host.OfferAsync(pointsCost: 40, stock: 3);
        await using var scope = service.Host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<CouponsDbContext>();
        await using var other = await database.Database.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await database.Database.ExecuteSqlAsync($"SELECT FROM orders WHERE id = {order} FOR UPDATE", TestContext.Current.CancellationToken);

        var erasing = service.Tap.EraseAsync(user, ResourceNames.Coupons);
        await WaitForLockAsync();
        await ReserveAsync(user, coupon);
        await other.RollbackAsync(TestContext.Current.CancellationToken);
        await erasing;

        (await RedemptionAsync()).UserId.ShouldBe(user);
        await service.Host.QueryAsync(database => database.Redemptions.Where(row => row.CouponId == coupon)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.LeasedUntil, TimeProvider.System.GetUtcNow())));
        await service.Tap.PublishAsync(new UserDeleted(user)); // as Auth repeats it
        await Eventually.TrueAsync(async () => (await RedemptionAsync()) is { UserId: var owner, EndedAt: not null } && owner == Guid.Empty, "the end and the erasure of the redemption");
        await service.Host.StockShouldAddUpAsync();

        Task<Redemption> RedemptionAsync() => service.Host.QueryAsync(database => database.Redemptions.AsNoTracking().SingleAsync(row => row.CouponId == coupon));
    }

    [Fact]
    public async Task An_order_that_is_cancelled_during_the_erasure_stays_its_users_until_it_has_ended()
    {
        var user = await service.UserAsync(2);
        var sku = await service.Host.SellAsync(10, stock: 5);
        var order = (await service.Host.OrderAsync(user, [(sku, 1)])).Body.Id;
        await using var scope = service.Host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<CouponsDbContext>();
        await using var other = await database.Database.BeginTransactionAsync(TestContext.Current.CancellationToken);

        // The buyer cancels it; recovery leaves it for an hour.
        await database.Database.ExecuteSqlAsync(
            $"UPDATE orders SET status = 'cancelling', cancel_reason = 'buyer', leased_until = {TimeProvider.System.GetUtcNow().AddHours(1)} WHERE id = {order}",
            TestContext.Current.CancellationToken);
        var erasing = service.Tap.EraseAsync(user, ResourceNames.Coupons);
        await WaitForLockAsync();
        await other.CommitAsync(TestContext.Current.CancellationToken);
        await erasing;

        (await OrderAsync()).UserId.ShouldBe(user);
        await service.Host.QueryAsync(database => database.Orders.Where(row => row.Id == order)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.LeasedUntil, TimeProvider.System.GetUtcNow())));
        await service.Tap.PublishAsync(new UserDeleted(user)); // as Auth repeats it
        await Eventually.TrueAsync(
            async () => await OrderAsync() is { Status: OrderStatus.Cancelled, ShippingAddress: null, UserId: var owner } && owner == Guid.Empty, "the end and the erasure of the order");
        await service.Host.MovementsShouldAddUpAsync();

        Task<Order> OrderAsync() => service.Host.QueryAsync(database => database.Orders.AsNoTracking().SingleAsync(row => row.Id == order));
    }

    /// <summary>The erasure has looked for open redemptions and orders, and waits for the lock of the order.</summary>
    private Task WaitForLockAsync() => Eventually.TrueAsync(
        () => service.Host.QueryAsync(database => database.Database.SqlQuery<bool>($"""
            SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM orders WHERE user_id%') AS "Value"
            """).SingleAsync()),
        "the erasure");

    /// <summary>Reserves the coupon like a request; recovery leaves it for an hour.</summary>
    private Task ReserveAsync(Guid user, int coupon) => service.Host.QueryAsync(async database =>
    {
        var now = TimeProvider.System.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync();
        await database.Coupons.Where(row => row.Id == coupon).ExecuteUpdateAsync(set => set.SetProperty(row => row.Stock, row => row.Stock - 1));
        var redemption = new Redemption { Id = Guid.CreateVersion7(), CouponId = coupon, UserId = user, PointsCost = 40, CreatedAt = now, LeasedUntil = now.AddHours(1) };
        database.Redemptions.Add(redemption);
        database.StockMovements.Add(new StockMovement { CouponId = coupon, Kind = StockMovementKind.Reserved, Quantity = -1, RedemptionId = redemption.Id, At = now });
        await database.SaveChangesAsync();
        await transaction.CommitAsync();
        return redemption;
    });

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

using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Tests.Shop;

/// <summary>The stock of products is the sum of its movements.</summary>
public sealed class InventoryTests(CouponsService service)
{
    [Fact]
    public async Task Adjustments_and_orders_are_movements_of_the_stock()
    {
        var user = await service.UserAsync(1);
        var sku = await service.Host.SellAsync(10, stock: 5);
        var actor = Guid.CreateVersion7();
        using var admin = service.Host.As(actor, Roles.Admin);

        var (status, stock) = await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = -2, reason = "Two broke." }, key: "broke");
        var (_, replayed) = await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = -2, reason = "Two broke." }, key: "broke");
        (await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = 4, reason = "A pallet.", type = "received" })).Status.ShouldBe(200);
        var (_, order) = await service.Host.OrderAsync(user, [(sku, 3)]);
        var (_, now) = await admin.ReadAsync($"/inventory/{sku.ToLowerInvariant()}?quantity=4");

        (status, stock.Number("on_hand"), stock.Number("available"), stock.Number("version")).ShouldBe((200, 3, 3, 2));
        replayed.GetRawText().ShouldBe(stock.GetRawText());
        (now.Number("on_hand"), now.Number("reserved"), now.Number("available"), now.Number("version")).ShouldBe((4, 0, 4, 5));
        now.GetProperty("is_available").GetBoolean().ShouldBeTrue();
        (await admin.ReadAsync($"/inventory/{sku}?quantity=5")).Body.GetProperty("is_available").GetBoolean().ShouldBeFalse();
        var (_, first) = await admin.ReadAsync($"/inventory/{sku}/movements?limit=3");
        var (_, rest) = await admin.ReadAsync($"/inventory/{sku}/movements?limit=3&cursor={first.Text("next_cursor")}");
        first.Items().Concat(rest.Items()).Select(movement => (movement.Text("type"), movement.Number("quantity"), movement.Number("on_hand"), movement.Number("reserved")))
            .ShouldBe([("sold", 3, 4, 0), ("reserved", 3, 7, 3), ("received", 4, 7, 0), ("adjusted", -2, 3, 0), ("received", 5, 5, 0)]);
        rest.Text("next_cursor").ShouldBeNull();
        first.Items()[0].GetProperty("order_id").GetGuid().ShouldBe(order.Id);
        first.Items().Concat(rest.Items()).Select(movement => movement.GetProperty("actor_id").ValueKind != JsonValueKind.Null).ShouldBe([false, false, true, true, true]);
        (await service.Host.QueryAsync(database => database.ProductMovements.CountAsync(row => row.ActorId == actor))).ShouldBe(2);
        rest.Items()[0].Text("reason").ShouldBe("Two broke.");
        var published = (await service.Tap.WaitForAsync(InventoryUpdated.Type, data => data.Text("sku") == sku && data.Number("version") == 5)).GetProperty("data");
        published.Number("available").ShouldBe(4);
    }

    [Fact]
    public async Task A_stock_cannot_be_less_than_nothing()
    {
        var sku = await service.Host.SellAsync(10, stock: 5);
        using var admin = service.Host.Admin();

        var below = await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = -6, reason = "Stolen." });
        (below.Status, below.Body.Code).ShouldBe((422, "stock_out_of_range"));
        (await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = 0, reason = " " })).Body.BadFields.ShouldBe(["quantity", "reason"]);
        (await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = -1, reason = "Back.", type = "received" })).Body.BadFields.ShouldBe(["quantity"]);
        (await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = -5, reason = "Stolen." })).Status.ShouldBe(200);
        (await service.Host.StockOfAsync(sku)).ShouldBe((0, 0));
    }

    [Fact]
    public async Task Sixty_four_concurrent_changes_of_a_stock_add_up()
    {
        Guid[] users = [.. await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => service.UserAsync(1)))];
        var sku = await service.Host.SellAsync(1, stock: 20);
        using var admin = service.Host.Admin();

        var responses = await Task.WhenAll(Enumerable.Range(0, 64).Select(async index => (index % 4) switch
        {
            0 => (await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = index % 8 == 0 ? -3 : 2, reason = "Counted." })).Status,
            _ => (await service.Host.OrderAsync(users[index % users.Length], [(sku, 1)])).Status,
        }));

        responses.ShouldAllBe(status => status == 200 || status == 201 || status == 422);
        var (onHand, reserved) = await service.Host.StockOfAsync(sku);
        onHand.ShouldBeGreaterThanOrEqualTo(0);
        reserved.ShouldBe(0);
        await service.Host.MovementsShouldAddUpAsync();
    }
}

using System.Text.Json;
using Kashif.Messaging.Events;

namespace Kashif.Coupons.Tests.Shop;

/// <summary>Ordering while Gamification is up.</summary>
public sealed class OrderTests(CouponsService service)
{
    [Fact]
    public async Task An_order_sells_its_items_and_spends_its_points()
    {
        var user = await service.UserAsync(2);
        var mug = await service.Host.SellAsync(20, stock: 3);
        var bag = await service.Host.SellAsync(35, stock: 1);
        using var client = service.Host.As(user);

        using var response = await client.SendAsync("/orders", new
        {
            items = new[] { new { sku = bag, quantity = 1 }, new { sku = mug.ToLowerInvariant(), quantity = 2 } },
            shipping_address = new { name = " Amina ", line1 = "12 Straight Street", city = "Damascus", country = "SY", phone = "0911" },
            billing_address = ShopClient.Address("1 Bank Street"),
            total_points = 75,
        });
        var order = await response.JsonAsync();

        ((int)response.StatusCode).ShouldBe(201, order.ToString());
        (order.Status, order.Number("total_points"), order.Number("version")).ShouldBe(("paid", 75, 2));
        order.GetProperty("cancel_reason").ValueKind.ShouldBe(JsonValueKind.Null);
        order.Items().Select(item => (item.Text("sku"), item.Number("quantity"), item.Number("points_cost"))).ShouldBe([(mug, 2, 20), (bag, 1, 35)], ignoreOrder: true);
        order.GetProperty("shipping_address").Text("phone").ShouldBe("0911");
        order.GetProperty("billing_address").Text("line1").ShouldBe("1 Bank Street");
        response.Headers.Location?.ToString().ShouldBe($"{CouponsService.Area}/orders/{order.Id}");
        (await client.ReadAsync($"/orders/{order.Id}")).Body.GetRawText().ShouldBe(order.GetRawText());
        (await service.PointsAsync(user)).ShouldBe(25);
        (await service.Host.StockOfAsync(mug)).ShouldBe((1, 0));
        (await service.Host.StockOfAsync(bag)).ShouldBe((0, 0));

        var created = (await WaitForAsync(OrderCreated.Type, order.Id)).GetProperty("data");
        (created.GetProperty("user_id").GetGuid(), created.Number("total_points"), created.Items().Length).ShouldBe((user, 75, 2));
        var updated = (await WaitForAsync(OrderUpdated.Type, order.Id)).GetProperty("data");
        (updated.Text("from"), updated.Text("to"), updated.Number("version")).ShouldBe(("placed", "paid", 2));
        var payment = (await WaitForAsync(PaymentProcessed.Type, order.Id)).GetProperty("data");
        (payment.Text("kind"), payment.Number("points")).ShouldBe(("debit", 75));
        var redeemed = await service.Tap.WaitForAsync(PointsRedeemed.Type, data => data.GetProperty("user_id").GetGuid() == user);
        redeemed.GetProperty("data").Number("points").ShouldBe(75);
    }

    [Fact]
    public async Task A_malformed_order_returns_every_bad_field()
    {
        var sku = await service.Host.SellAsync(1, stock: 5);
        using var client = service.Host.As(await service.UserAsync(1));

        (await PlaceAsync([new { sku, quantity = 1 }, new { sku = sku.ToLowerInvariant(), quantity = 1 }])).ShouldBe(["items[1].sku"]);
        (await PlaceAsync([new { sku, quantity = 1 }, new { sku = "NOT-THERE", quantity = 1 }])).ShouldBe(["items[1].sku"]);
        (await PlaceAsync([new { sku, quantity = 101 }, new { sku = "a b", quantity = 0 }])).ShouldBe(["items[0].quantity", "items[1].quantity", "items[1].sku"]);
        (await PlaceAsync([])).ShouldBe(["items"]);
        (await PlaceAsync([null])).ShouldBe(["items[0]"]);
        (await PlaceAsync([.. Enumerable.Range(0, 21).Select(index => new { sku = $"S-{index}", quantity = 1 })])).ShouldBe(["items"]);
        (await PlaceAsync([new { sku, quantity = 1 }], new { name = " ", line1 = "x", city = "y", country = "Syria" })).ShouldBe(["shipping_address.country", "shipping_address.name"]);
        (await service.Host.StockOfAsync(sku)).ShouldBe((5, 0));

        async Task<string[]> PlaceAsync(object?[] items, object? address = null)
        {
            var (status, body) = await client.SubmitAsync("/orders", new { items, shipping_address = address ?? ShopClient.Address() });
            status.ShouldBe(400, body.ToString());
            return body.BadFields;
        }
    }

    [Fact]
    public async Task An_order_that_is_refused_reserves_nothing()
    {
        var user = await service.UserAsync(1);
        var mug = await service.Host.SellAsync(20, stock: 3);
        var rare = await service.Host.SellAsync(10, stock: 1);

        var (short_, shortage) = await service.Host.OrderAsync(user, [(mug, 1), (rare, 2)]);
        var (poor, problem) = await service.Host.OrderAsync(user, [(mug, 3)]);

        (short_, shortage.Code).ShouldBe((422, "out_of_stock"));
        shortage.Text("detail").ShouldBe($"Not enough of {rare} is in stock.");
        (poor, problem.Code).ShouldBe((422, "insufficient_points"));
        (await service.Host.StockOfAsync(mug)).ShouldBe((3, 0));
        (await service.Host.StockOfAsync(rare)).ShouldBe((1, 0));
        (await service.PointsAsync(user)).ShouldBe(50);
        using var client = service.Host.As(user);
        (await client.ReadAsync("/orders/me")).Body.Items().ShouldBeEmpty();
    }

    [Fact]
    public async Task Sixty_four_crossing_orders_do_not_deadlock_and_sell_exactly_the_stock()
    {
        Guid[] users = [.. await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => service.UserAsync(1)))];
        string[] skus = [.. await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => service.Host.SellAsync(1, stock: 25)))];

        var responses = await Task.WhenAll(Enumerable.Range(0, 64).Select(index =>
            service.Host.OrderAsync(users[index % users.Length], [.. (index % 2 == 0 ? skus : skus.AsEnumerable().Reverse()).Select(sku => (sku, 1))])));

        responses.Count(response => response.Status == 201).ShouldBe(25);
        responses.Where(response => response.Status != 201).Select(response => (response.Status, response.Body.Code)).Distinct().ShouldBe([(422, "out_of_stock")]);
        (await Task.WhenAll(skus.Select(service.Host.StockOfAsync))).Distinct().ShouldBe([(0, 0)]);
        (await Task.WhenAll(users.Select(service.PointsAsync))).Sum().ShouldBe((users.Length * 50) - 100);
        await service.Host.MovementsShouldAddUpAsync();
    }

    [Fact]
    public async Task One_idempotency_key_orders_once()
    {
        var user = await service.UserAsync(1);
        var sku = await service.Host.SellAsync(10, stock: 5);

        var responses = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => service.Host.OrderAsync(user, [(sku, 1)], key: "once")));
        var replay = await service.Host.OrderAsync(user, [(sku, 1)], key: "once");

        responses.ShouldAllBe(response => response.Status == 201 || response.Status == 202 || response.Status == 409);
        (replay.Status, replay.Body.Status).ShouldBe((201, "paid"));
        (await service.Host.StockOfAsync(sku)).ShouldBe((4, 0));
        (await service.PointsAsync(user)).ShouldBe(40);
    }

    [Fact]
    public async Task Cancelling_returns_stock_and_points_once()
    {
        var user = await service.UserAsync(1);
        var sku = await service.Host.SellAsync(10, stock: 5);
        using var client = service.Host.As(user);
        var (_, order) = await service.Host.OrderAsync(user, [(sku, 2)]);

        var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.SubmitAsync($"/orders/{order.Id}/cancel", null)));
        var (status, cancelled) = await client.SubmitAsync($"/orders/{order.Id}/cancel", null);

        responses.ShouldAllBe(response => response.Status == 200 || response.Status == 202);
        (status, cancelled.Status, cancelled.Text("cancel_reason")).ShouldBe((200, "cancelled", "buyer"));
        (await service.PointsAsync(user)).ShouldBe(50);
        (await service.Host.StockOfAsync(sku)).ShouldBe((5, 0));
        using var admin = service.Host.Admin();
        (await admin.ReadAsync($"/inventory/{sku}/movements?limit=1")).Body.Items()[0].Text("type").ShouldBe("returned");
        var published = (await WaitForAsync(OrderCancelled.Type, order.Id)).GetProperty("data");
        (published.Text("reason"), published.Number("points_refunded")).ShouldBe(("buyer", 20));
        await service.Tap.WaitForAsync(PaymentProcessed.Type, data => data.GetProperty("order_id").GetGuid() == order.Id && data.Text("kind") == "refund");
        service.Tap.Envelopes(OrderCancelled.Type).Count(envelope => envelope.GetProperty("data").GetProperty("order_id").GetGuid() == order.Id).ShouldBe(1);
        await service.Host.MovementsShouldAddUpAsync();
    }

    [Fact]
    public async Task A_repeated_cancellation_with_a_key_returns_the_stored_response()
    {
        var (company, _) = await service.Host.CreateCompanyAndCategoryAsync();
        var user = await service.UserAsync(1);
        var sku = await service.Host.SellAsync(10, stock: 5, company);
        using var buyer = service.Host.As(user);
        using var seller = await service.Host.PartnerAsync(company);
        foreach (var client in new[] { buyer, seller })
        {
            var (_, order) = await service.Host.OrderAsync(user, [(sku, 2)]);
            var (status, cancelled) = await client.SubmitAsync($"/orders/{order.Id}/cancel", null, key: "changed-my-mind");
            using var replayed = await client.SendAsync($"/orders/{order.Id}/cancel", null, key: "changed-my-mind");

            status.ShouldBe(200, cancelled.ToString());
            cancelled.Status.ShouldBe("cancelled");
            replayed.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
            (await replayed.JsonAsync()).GetRawText().ShouldBe(cancelled.GetRawText());
            (await client.SubmitAsync($"/orders/{order.Id}/cancel", null, key: "another")).Body.GetRawText().ShouldBe(cancelled.GetRawText());
        }

        (await service.PointsAsync(user)).ShouldBe(50);
        (await service.Host.StockOfAsync(sku)).ShouldBe((5, 0));
    }

    [Fact]
    public async Task An_order_goes_to_its_buyer_step_by_step()
    {
        var (company, _) = await service.Host.CreateCompanyAndCategoryAsync();
        var user = await service.UserAsync(1);
        var sku = await service.Host.SellAsync(10, stock: 5, company);
        using var buyer = service.Host.As(user);
        using var seller = await service.Host.PartnerAsync(company);
        var (_, order) = await service.Host.OrderAsync(user, [(sku, 1)]);

        (await buyer.AdvanceAsync(order.Id, "packed")).Status.ShouldBe(403);
        (await InvalidAsync(seller.AdvanceAsync(order.Id, "shipped"))).ShouldBeTrue();
        (await InvalidAsync(seller.AdvanceAsync(order.Id, "cancelled"))).ShouldBeTrue();
        (await seller.AdvanceAsync(order.Id, "packed", "\"1\"")).Status.ShouldBe(412);
        var (status, packed) = await seller.AdvanceAsync(order.Id, "packed", "\"2\"");
        (status, packed.Status, packed.Number("version")).ShouldBe((200, "packed", 3));
        (await InvalidAsync(buyer.SubmitAsync($"/orders/{order.Id}/cancel", null))).ShouldBeTrue();

        var races = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => seller.AdvanceAsync(order.Id, "shipped")));
        races.Count(race => race.Status == 200).ShouldBe(1);
        (await InvalidAsync(seller.SubmitAsync($"/orders/{order.Id}/cancel", null))).ShouldBeTrue();
        (await seller.AdvanceAsync(order.Id, "delivered")).Body.Status.ShouldBe("delivered");
        (await InvalidAsync(seller.AdvanceAsync(order.Id, "packed"))).ShouldBeTrue();
        await service.Tap.WaitForAsync(OrderUpdated.Type, data => data.GetProperty("order_id").GetGuid() == order.Id && data.Text("to") == "delivered");

        var (_, second) = await service.Host.OrderAsync(user, [(sku, 1)]);
        (await seller.AdvanceAsync(second.Id, "packed")).Status.ShouldBe(200);
        var (_, cancelled) = await seller.SubmitAsync($"/orders/{second.Id}/cancel", null);
        (cancelled.Status, cancelled.Text("cancel_reason")).ShouldBe(("cancelled", "seller"));
        (await service.PointsAsync(user)).ShouldBe(40);

        static async Task<bool> InvalidAsync(Task<(int Status, JsonElement Body)> call) =>
            await call is (422, var problem) && problem.Code == "invalid_status_transition";
    }

    [Fact]
    public async Task Sellers_see_their_items_and_the_address_only_while_they_need_it()
    {
        var (company, _) = await service.Host.CreateCompanyAndCategoryAsync();
        var (other, _) = await service.Host.CreateCompanyAndCategoryAsync();
        var user = await service.UserAsync(1);
        var (own, foreign) = (await service.Host.SellAsync(10, stock: 5, company), await service.Host.SellAsync(15, stock: 5, other));
        using var buyer = service.Host.As(user);
        using var seller = await service.Host.PartnerAsync(company);
        using var admin = service.Host.Admin();
        using var stranger = service.Host.As(Guid.CreateVersion7());
        var (_, order) = await service.Host.OrderAsync(user, [(own, 1), (foreign, 1)]);

        var (status, seen) = await seller.ReadAsync($"/orders/{order.Id}");
        (status, seen.Number("total_points")).ShouldBe((200, 10));
        seen.Items().ShouldHaveSingleItem().Text("sku").ShouldBe(own);
        seen.GetProperty("shipping_address").Text("city").ShouldBe("Damascus");
        seen.GetProperty("billing_address").ValueKind.ShouldBe(JsonValueKind.Null);
        (await seller.ReadAsync("/orders?status=paid")).Body.Items().ShouldHaveSingleItem().GetRawText().ShouldBe(seen.GetRawText());
        (await seller.ReadAsync("/orders?status=packed")).Body.Items().ShouldBeEmpty();
        var denied = await seller.AdvanceAsync(order.Id, "packed");
        (denied.Status, denied.Body.Code).ShouldBe((403, "forbidden"));
        (await seller.SubmitAsync($"/orders/{order.Id}/cancel", null)).Status.ShouldBe(403);
        (await admin.ReadAsync($"/orders/{order.Id}")).Body.Items().Length.ShouldBe(2);

        using var third = await service.Host.PartnerAsync((await service.Host.CreateCompanyAndCategoryAsync()).Company);
        foreach (var client in new[] { stranger, third })
        {
            (await client.ReadAsync($"/orders/{order.Id}")).Status.ShouldBe(404);
            (await client.SubmitAsync($"/orders/{order.Id}/cancel", null)).Status.ShouldBe(404);
            (await client.ReadAsync("/orders/me")).Body.Items().ShouldBeEmpty();
        }

        (await third.AdvanceAsync(order.Id, "packed")).Status.ShouldBe(404);
        (await third.ReadAsync("/orders")).Body.Items().ShouldBeEmpty();
        (await stranger.ReadAsync("/orders")).Status.ShouldBe(403);

        foreach (var step in new[] { "packed", "shipped", "delivered" })
        {
            var (_, advanced) = await admin.AdvanceAsync(order.Id, step);
            advanced.GetProperty("shipping_address").ValueKind.ShouldBe(step == "delivered" ? JsonValueKind.Null : JsonValueKind.Object, step);
        }

        (await seller.ReadAsync($"/orders/{order.Id}")).Body.GetProperty("shipping_address").ValueKind.ShouldBe(JsonValueKind.Null);
        (await buyer.ReadAsync($"/orders/{order.Id}")).Body.GetProperty("shipping_address").ValueKind.ShouldBe(JsonValueKind.Object);
    }

    [Fact]
    public async Task Payments_list_the_debits_and_refunds_of_orders_and_redemptions()
    {
        var user = await service.UserAsync(2);
        var sku = await service.Host.SellAsync(20, stock: 5);
        var coupon = await service.Host.OfferAsync(7, stock: 5);
        using var client = service.Host.As(user);
        var (_, order) = await service.Host.OrderAsync(user, [(sku, 1)]);
        var (_, redemption) = await service.Host.RedeemAsync(user, coupon);
        var (_, kept) = await service.Host.OrderAsync(user, [(sku, 2)]);
        (await client.SubmitAsync($"/redemptions/{redemption.Id}/cancel", null)).Status.ShouldBe(200);
        (await client.SubmitAsync($"/orders/{order.Id}/cancel", null)).Status.ShouldBe(200);

        var payments = new List<JsonElement>();
        for (var cursor = ""; cursor is not null;)
        {
            var (_, page) = await client.ReadAsync($"/payments/me?limit=1{cursor}");
            payments.AddRange(page.Items());
            cursor = page.Text("next_cursor") is { } next ? $"&cursor={next}" : null;
        }

        payments.Select(payment => (payment.Text("type"), payment.Number("points"), payment.Text("order_id"), payment.Text("redemption_id"))).ShouldBe(
        [
            ("refund", 20, order.Id.ToString(), null), ("refund", 7, null, redemption.Id.ToString()), ("debit", 40, kept.Id.ToString(), null), ("debit", 7, null, redemption.Id.ToString()), ("debit", 20, order.Id.ToString(), null),
        ]);
        using var other = service.Host.As(Guid.CreateVersion7());
        (await other.ReadAsync("/payments/me")).Body.Items().ShouldBeEmpty();
        (await other.ReadAsync("/payments/me?cursor=nonsense")).Status.ShouldBe(400);
    }

    private Task<JsonElement> WaitForAsync(string type, Guid order) =>
        service.Tap.WaitForAsync(type, data => data.GetProperty("order_id").GetGuid() == order);
}

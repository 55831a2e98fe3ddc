using Kashif.Coupons.Shop;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Tests.Shop;

/// <summary>Ordering and cancelling while the network fails at each step: every order ends, and stock and points add up.</summary>
public sealed class OrderRecoveryTests(CouponsService service) : IAsyncLifetime
{
    private readonly FaultyNetwork _network = new();
    private ServiceHost<Program>? _host;
    private ServiceHost<Program> Host => _host ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync() => _host = await service.StartAnotherAsync(network: _network);

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.MovementsShouldAddUpAsync();
            await _host.DisposeAsync();
        }
    }

    [Fact]
    public async Task While_gamification_is_down_ordering_returns_202_and_is_paid_later()
    {
        var user = await service.UserAsync(2);
        var sku = await Host.SellAsync(30, stock: 2);
        using var client = Host.As(user);
        _network.Next = () => Fault.NoConnection;

        var (status, order) = await Host.OrderAsync(user, [(sku, 2)]);

        (status, order.Status).ShouldBe((202, "placed"));
        (await Host.StockOfAsync(sku)).ShouldBe((2, 2));
        using var admin = Host.Admin();
        var below = await admin.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = -1, reason = "One broke." });
        (below.Status, below.Body.Code).ShouldBe((422, "stock_out_of_range"));

        _network.Next = () => Fault.None;
        await WaitForStatusAsync(client, order.Id, "paid");
        (await Host.StockOfAsync(sku)).ShouldBe((0, 0));
        (await service.PointsAsync(user)).ShouldBe(40);
    }

    [Fact]
    public async Task A_lost_debit_response_spends_the_points_once()
    {
        var user = await service.UserAsync(2);
        var sku = await Host.SellAsync(60, stock: 1);
        using var client = Host.As(user);
        _network.Next = () => Fault.LostResponse;

        var (status, order) = await Host.OrderAsync(user, [(sku, 1)]);
        status.ShouldBe(202);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 40, "the debit");

        _network.Next = () => Fault.None;
        await WaitForStatusAsync(client, order.Id, "paid");
        (await service.PointsAsync(user)).ShouldBe(40);
    }

    [Fact]
    public async Task A_lost_refusal_stays_final_even_if_the_user_earns_points()
    {
        var user = await service.UserAsync(1);
        var sku = await Host.SellAsync(60, stock: 1);
        using var client = Host.As(user);
        _network.Next = () => Fault.LostResponse;
        var (status, order) = await Host.OrderAsync(user, [(sku, 1)]);
        status.ShouldBe(202);

        await service.EarnAsync(user, 1);
        _network.Next = () => Fault.None;

        await WaitForStatusAsync(client, order.Id, "cancelled");
        (await client.ReadAsync($"/orders/{order.Id}")).Body.Text("cancel_reason").ShouldBe("insufficient_points");
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockOfAsync(sku)).ShouldBe((1, 0));
        (await client.ReadAsync("/payments/me")).Body.Items().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(Fault.NoConnection)]
    [InlineData(Fault.LostResponse)] // the points are debited
    public async Task An_order_that_is_not_paid_in_time_is_cancelled_and_costs_nothing(Fault fault)
    {
        var user = await service.UserAsync(2);
        var sku = await Host.SellAsync(60, stock: 1);
        using var client = Host.As(user);
        _network.Next = () => fault;
        var (status, order) = await Host.OrderAsync(user, [(sku, 1)]);
        status.ShouldBe(202);

        await ExpireAsync(order.Id);
        await WaitForStatusAsync(client, order.Id, "cancelling");
        (await Host.StockOfAsync(sku)).ShouldBe((1, 1));
        _network.Next = () => Fault.None;

        await WaitForStatusAsync(client, order.Id, "cancelled");
        (await client.ReadAsync($"/orders/{order.Id}")).Body.Text("cancel_reason").ShouldBe("reservation_expired");
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockOfAsync(sku)).ShouldBe((1, 0));
        (await client.ReadAsync("/payments/me")).Body.Items().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_debit_that_answers_after_the_reservation_has_expired_does_not_pay_the_order()
    {
        var user = await service.UserAsync(2);
        var sku = await Host.SellAsync(60, stock: 1);
        await using var patient = await service.StartAnotherAsync(Host.Database, _network, isPatient: true);
        _network.Next = () => Fault.HeldResponse;
        var ordering = patient.OrderAsync(user, [(sku, 1)]);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 40, "the debit");
        var order = await Host.QueryAsync(database => database.Orders.Where(row => row.UserId == user).Select(row => row.Id).SingleAsync());

        await ExpireAsync(order);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 100, "the refund");
        _network.Next = () => Fault.None;
        _network.Release();
        var (status, answer) = await ordering;

        (status, answer.Code).ShouldBe((422, "reservation_expired"));
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockOfAsync(sku)).ShouldBe((1, 0));
    }

    [Fact]
    public async Task Too_many_open_orders_of_one_user_are_refused()
    {
        var user = await service.UserAsync(1);
        var sku = await Host.SellAsync(1, stock: 20);
        _network.Next = () => Fault.NoConnection;

        var responses = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Host.OrderAsync(user, [(sku, 1)])));

        responses.Count(response => response.Status == 202).ShouldBe(3);
        responses.Where(response => response.Status != 202).Select(response => (response.Status, response.Body.Code)).Distinct().ShouldBe([(422, "too_many_open_orders")]);
        (await Host.StockOfAsync(sku)).ShouldBe((20, 3));

        _network.Next = () => Fault.None;
        await Eventually.TrueAsync(async () => await Host.StockOfAsync(sku) == (17, 0), "the payment of the open orders");
        await BuyAsync(user, sku);
    }

    [Fact]
    public async Task Another_process_pays_an_order_abandoned_after_the_debit()
    {
        var user = await service.UserAsync(2);
        var sku = await Host.SellAsync(60, stock: 1);
        _network.Next = () => Fault.HangingResponse;
        var ordering = Host.OrderAsync(user, [(sku, 1)]);
        await _network.Debited;

        await using var other = await service.StartAnotherAsync(Host.Database, new FaultyNetwork());

        await Eventually.TrueAsync(async () => await other.StockOfAsync(sku) == (0, 0), "the paid order");
        (await service.PointsAsync(user)).ShouldBe(40);
        (await ordering).Status.ShouldBe(202);
    }

    [Fact]
    public async Task A_lost_refund_response_gives_the_points_back_once()
    {
        var user = await service.UserAsync(2);
        var sku = await Host.SellAsync(60, stock: 1);
        using var client = Host.As(user);
        var order = await BuyAsync(user, sku);
        _network.Next = () => Fault.LostResponse;

        using var response = await client.SendAsync($"/orders/{order}/cancel", null);
        var cancelling = await response.JsonAsync();

        ((int)response.StatusCode, cancelling.Status).ShouldBe((202, "cancelling"));
        response.Headers.Location?.ToString().ShouldBe($"{CouponsService.Area}/orders/{order}");
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockOfAsync(sku)).ShouldBe((0, 0));

        _network.Next = () => Fault.None;
        await WaitForStatusAsync(client, order, "cancelled");
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockOfAsync(sku)).ShouldBe((1, 0));
    }

    [Fact]
    public async Task A_debit_that_answers_after_the_cancellation_does_not_pay_the_order()
    {
        var user = await service.UserAsync(2);
        var sku = await Host.SellAsync(60, stock: 1);
        await using var patient = await service.StartAnotherAsync(Host.Database, _network, isPatient: true);
        _network.Next = () => Fault.HeldResponse;
        var ordering = patient.OrderAsync(user, [(sku, 1)]);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 40, "the debit");
        var order = await Host.QueryAsync(database => database.Orders.Where(row => row.UserId == user).Select(row => row.Id).SingleAsync());
        using var client = Host.As(user);

        (await client.SubmitAsync($"/orders/{order}/cancel", null)).Status.ShouldBe(202); // the refund's response is lost
        _network.Next = () => Fault.None;
        _network.Release();
        var (_, answer) = await ordering;

        answer.Status.ShouldNotBe("paid");
        await WaitForStatusAsync(client, order, "cancelled");
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockOfAsync(sku)).ShouldBe((1, 0));
    }

    [Fact]
    public async Task With_random_faults_and_cancellations_stock_and_points_add_up()
    {
        Guid[] users = [.. await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => service.UserAsync(2)))];
        string[] skus = [await Host.SellAsync(10, stock: 30), await Host.SellAsync(5, stock: 30)];
        await using var replica = await service.StartAnotherAsync(Host.Database, _network);
        _network.Next = FaultyNetwork.AtRandom;

        var orders = await Task.WhenAll(Enumerable.Range(0, 48).Select(async index =>
        {
            var (user, host) = (users[index % users.Length], index % 2 == 0 ? Host : replica);
            var (status, body) = await host.OrderAsync(user, [.. (index % 4 < 2 ? skus : skus.AsEnumerable().Reverse()).Select(sku => (sku, 1))]);
            if (index % 4 == 1 && status == 202)
            {
                await ExpireAsync(body.Id);
            }

            if (index % 3 == 0 && status is 201 or 202)
            {
                using var client = (index % 2 == 0 ? replica : Host).As(user);
                (await client.SubmitAsync($"/orders/{body.Id}/cancel", null)).Status.ShouldBeOneOf(200, 202);
            }

            return status;
        }));

        orders.ShouldAllBe(status => status == 201 || status == 202 || status == 422);
        await Eventually.TrueAsync(
            async () => await Host.QueryAsync(database => database.Orders.CountAsync(row => row.Status == OrderStatus.Placed || row.Status == OrderStatus.Cancelling)) == 0,
            "the end of every order", FaultyNetwork.LongestRecovery);
        var paid = await Host.QueryAsync(database => database.Orders.Where(row => row.Status == OrderStatus.Paid).SumAsync(row => row.TotalPoints));
        paid.ShouldBeGreaterThan(0);
        (await Task.WhenAll(users.Select(service.PointsAsync))).Sum().ShouldBe((users.Length * 100) - paid);
        foreach (var sku in skus)
        {
            (await Host.StockOfAsync(sku)).ShouldBe((30 - (paid / 15), 0));
        }
    }

    /// <summary>Orders one item. The debit has half a second, so a slow machine returns 202 first.</summary>
    /// <returns>The id of the paid order.</returns>
    private async Task<Guid> BuyAsync(Guid user, string sku)
    {
        var (status, order) = await Host.OrderAsync(user, [(sku, 1)]);
        status.ShouldBeOneOf(201, 202);
        using var client = Host.As(user);
        await WaitForStatusAsync(client, order.Id, "paid");
        return order.Id;
    }

    private Task<int> ExpireAsync(Guid order) => Host.QueryAsync(database => database.Orders.Where(row => row.Id == order)
        .ExecuteUpdateAsync(set => set.SetProperty(row => row.ReservedUntil, TimeProvider.System.GetUtcNow())));

    private static Task WaitForStatusAsync(HttpClient client, Guid order, string status) => Eventually.TrueAsync(
        async () => (await client.ReadAsync($"/orders/{order}")).Body.Status == status, $"the {status} order");
}

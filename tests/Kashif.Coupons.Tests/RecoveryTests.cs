using System.Text.Json;
using Kashif.Coupons.Redemptions;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Tests;

/// <summary>Redeeming while the network fails at each step: every redemption ends and the stock adds up.</summary>
public sealed class RecoveryTests(CouponsService service) : IAsyncLifetime
{
    private static readonly DateTimeOffset FarFuture = new(2999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FaultyNetwork _network = new();
    private ServiceHost<Program>? _host;
    private ServiceHost<Program> Host => _host ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync() => _host = await service.StartAnotherAsync(network: _network);

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.StockShouldAddUpAsync();
            await _host.DisposeAsync();
        }
    }

    [Fact]
    public async Task While_gamification_is_down_redeeming_returns_202_and_completes_later()
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(60, stock: 1);
        using var client = Host.As(user);
        _network.Next = () => Fault.NoConnection;

        using var response = await client.SendAsync($"/{coupon}/redeem", null);
        var pending = await response.JsonAsync();

        ((int)response.StatusCode).ShouldBe(202, pending.ToString());
        response.Headers.Location.ShouldNotBeNull().ToString().ShouldBe($"{CouponsService.Area}/redemptions/{pending.Id}");
        (pending.Status, pending.Code).ShouldBe(("pending", null));
        (await Host.StockAsync(coupon)).ShouldBe(0);
        (await service.PointsAsync(user)).ShouldBe(100);

        _network.Next = () => Fault.None;
        await WaitForStatusAsync(client, pending.Id, "completed");
        (await service.PointsAsync(user)).ShouldBe(40);
        await service.Tap.WaitForAsync("coupon.redeemed", data => data.GetProperty("redemption_id").GetGuid() == pending.Id);
    }

    [Fact]
    public async Task A_lost_debit_response_spends_the_points_once()
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(60, stock: 1);
        using var client = Host.As(user);
        _network.Next = () => Fault.LostResponse;

        var (status, pending) = await Host.RedeemAsync(user, coupon);
        status.ShouldBe(202);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 40, "the debit");

        _network.Next = () => Fault.None;
        await WaitForStatusAsync(client, pending.Id, "completed");
        (await service.PointsAsync(user)).ShouldBe(40);
        (await Host.CountAsync(coupon, RedemptionStatus.Completed)).ShouldBe(1);
    }

    [Fact]
    public async Task A_lost_refusal_stays_final_even_if_the_user_earns_points()
    {
        var user = await service.UserAsync(1);
        var coupon = await Host.OfferAsync(60, stock: 1, perUserLimit: 1);
        using var client = Host.As(user);
        _network.Next = () => Fault.LostResponse;
        var (status, pending) = await Host.RedeemAsync(user, coupon);
        status.ShouldBe(202);

        await service.EarnAsync(user, 1);
        _network.Next = () => Fault.None;

        await WaitForStatusAsync(client, pending.Id, "cancelled");
        (await client.ReadAsync($"/redemptions/{pending.Id}")).Body.GetProperty("points_spent").GetInt32().ShouldBe(0);
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockAsync(coupon)).ShouldBe(1);

        // A cancelled redemption does not count towards the limit.
        await BuyAsync(user, coupon);
    }

    [Fact]
    public async Task Too_many_open_redemptions_of_one_user_are_refused()
    {
        var user = await service.UserAsync(1);
        int[] coupons = [await Host.OfferAsync(1, stock: 10), await Host.OfferAsync(1, stock: 10)];
        _network.Next = () => Fault.NoConnection;

        var responses = await Task.WhenAll(Enumerable.Range(0, 12).Select(index => Host.RedeemAsync(user, coupons[index % coupons.Length])));

        responses.Count(response => response.Status == 202).ShouldBe(3);
        responses.Where(response => response.Status != 202).Select(response => (response.Status, response.Body.Code)).Distinct().ShouldBe([(422, "too_many_open_redemptions")]);
        (await Task.WhenAll(coupons.Select(Host.StockAsync))).Sum().ShouldBe(17);

        _network.Next = () => Fault.None;
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 47, "the debits");
        await Eventually.TrueAsync(async () => (await Host.RedeemAsync(user, coupons[0])).Status is 201 or 202, "another redemption");
    }

    [Fact]
    public async Task Another_process_completes_a_redemption_abandoned_after_the_debit()
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(60, stock: 1);
        _network.Next = () => Fault.HangingResponse;
        using var client = Host.As(user);
        using var leaving = new CancellationTokenSource();
        var request = client.PostAsync($"{CouponsService.Area}/{coupon}/redeem", null, leaving.Token);
        await _network.Debited;

        await LeaveAsync(request, leaving);
        await using var other = await service.StartAnotherAsync(Host.Database, new FaultyNetwork());

        await Eventually.TrueAsync(async () => await other.CountAsync(coupon, RedemptionStatus.Completed) == 1, "the completed redemption");
        (await service.PointsAsync(user)).ShouldBe(40);
    }

    [Fact]
    public async Task An_offer_that_ended_before_the_debit_costs_no_points()
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(60, stock: 1, endsAt: FarFuture);
        using var client = Host.As(user);
        _network.Next = () => Fault.NoConnection;
        var (status, pending) = await Host.RedeemAsync(user, coupon);
        status.ShouldBe(202);

        await EndOfferAsync(coupon);
        _network.Next = () => Fault.None;

        await WaitForStatusAsync(client, pending.Id, "cancelled");
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockAsync(coupon)).ShouldBe(1);
        (await Host.RedeemAsync(user, coupon)).Body.Code.ShouldBe("coupon_not_available");
    }

    [Fact]
    public async Task An_offer_that_ended_after_the_debit_gives_the_points_back_once()
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(60, stock: 1, endsAt: FarFuture);
        using var client = Host.As(user);
        _network.Next = () => Fault.LostResponse;
        var (status, pending) = await Host.RedeemAsync(user, coupon);
        status.ShouldBe(202);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 40, "the debit");

        // The refund's response is lost too, and is repeated.
        await EndOfferAsync(coupon);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 100, "the refund");
        (await client.ReadAsync($"/redemptions/{pending.Id}")).Body.Status.ShouldBe("pending");
        _network.Next = () => Fault.None;

        await WaitForStatusAsync(client, pending.Id, "cancelled");
        (await client.ReadAsync($"/redemptions/{pending.Id}")).Body.GetProperty("points_spent").GetInt32().ShouldBe(0);
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockAsync(coupon)).ShouldBe(1);
        var reversed = (await service.Tap.WaitForAsync("points.reversed", data => data.GetProperty("user_id").GetGuid() == user)).GetProperty("data");
        (reversed.GetProperty("points").GetInt32(), reversed.GetProperty("balance").GetInt64()).ShouldBe((60, 100));
    }

    [Fact]
    public async Task A_debit_that_answers_after_the_refund_issues_no_code()
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(60, stock: 1, endsAt: FarFuture);
        await using var patient = await service.StartAnotherAsync(Host.Database, _network, isPatient: true);
        _network.Next = () => Fault.HeldResponse;
        var redeeming = patient.RedeemAsync(user, coupon);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 40, "the debit");

        await EndOfferAsync(coupon);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 100, "the refund");

        // The clock of the process that waits for the debit is behind: there the offer has not ended.
        await Host.QueryAsync(database => database.Redemptions.Where(row => row.CouponId == coupon)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.ExpiresAt, FarFuture)));
        _network.Next = () => Fault.None;
        _network.Release();
        await redeeming;

        var redemption = await Host.QueryAsync(database => database.Redemptions.Where(row => row.CouponId == coupon).Select(row => row.Id).SingleAsync());
        using var client = Host.As(user);
        await WaitForStatusAsync(client, redemption, "cancelled");
        (await client.ReadAsync($"/redemptions/{redemption}")).Body.GetProperty("code").ValueKind.ShouldBe(JsonValueKind.Null);
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockAsync(coupon)).ShouldBe(1);
    }

    [Theory]
    [InlineData(Fault.NoConnection)]
    [InlineData(Fault.LostResponse)] // the points are debited
    public async Task A_reservation_that_expires_before_the_debit_is_confirmed_costs_nothing(Fault fault)
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferPoolAsync("ONLY-2", pointsCost: 60);
        using var client = Host.As(user);
        _network.Next = () => fault;
        var (status, pending) = await Host.RedeemAsync(user, coupon, key: "once");
        status.ShouldBe(202);
        (await ReservedUntilAsync(coupon)).ShouldNotBeNull().ShouldBe(pending.GetProperty("created_at").GetDateTimeOffset().AddMinutes(15), tolerance: TimeSpan.FromMilliseconds(1));

        await ExpireReservationAsync(coupon);
        await Eventually.TrueAsync(async () => await Host.CountAsync(coupon, RedemptionStatus.Refunding) == 1, "the end of the reservation");
        (await client.ReadAsync($"/redemptions/{pending.Id}")).Body.Status.ShouldBe("pending");
        _network.Next = () => Fault.None;

        await WaitForStatusAsync(client, pending.Id, "cancelled");
        (await client.ReadAsync($"/redemptions/{pending.Id}")).Body.GetProperty("points_spent").GetInt32().ShouldBe(0);
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockAsync(coupon)).ShouldBe(1);
        await BuyAsync(user, coupon); // its user has not seen the code
    }

    [Fact]
    public async Task A_debit_that_answers_after_the_reservation_has_expired_issues_no_code()
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(60, stock: 1);
        await using var patient = await service.StartAnotherAsync(Host.Database, _network, isPatient: true);
        _network.Next = () => Fault.HeldResponse;
        var redeeming = patient.RedeemAsync(user, coupon, key: "once");
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 40, "the debit");

        await ExpireReservationAsync(coupon);
        await Eventually.TrueAsync(async () => await service.PointsAsync(user) == 100, "the refund");
        _network.Next = () => Fault.None;
        _network.Release();
        var (status, answer) = await redeeming;

        (status, answer.Code).ShouldBe((422, "reservation_expired"));
        (await Host.CountAsync(coupon, RedemptionStatus.Cancelled)).ShouldBe(1);
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockAsync(coupon)).ShouldBe(1);
        (await patient.RedeemAsync(user, coupon, key: "once")).Body.Code.ShouldBe("reservation_expired");
    }

    [Fact]
    public async Task An_offer_that_ends_amid_random_faults_costs_points_for_issued_codes_only()
    {
        const int cost = 30;
        Guid[] users = [.. await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => service.UserAsync(2)))];
        var late = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(cost, stock: 61, endsAt: FarFuture);
        await using var replica = await service.StartAnotherAsync(Host.Database, _network);
        _network.Next = FaultyNetwork.AtRandom;

        var redeeming = Task.WhenAll(Enumerable.Range(0, 60).Select(index =>
            (index % 2 == 0 ? Host : replica).RedeemAsync(users[index % users.Length], coupon)));
        await Eventually.TrueAsync(async () => await Host.CountAsync(coupon, RedemptionStatus.Completed) > 5, "some completed redemptions", FaultyNetwork.LongestRecovery);

        // At least this debit has no response before the offer ends.
        var faults = _network.Next;
        _network.Next = () => Fault.HeldResponse;
        var held = Host.RedeemAsync(late, coupon);
        await Eventually.TrueAsync(async () => await service.PointsAsync(late) == 100 - cost, "the held debit", FaultyNetwork.LongestRecovery);
        await EndOfferAsync(coupon);
        _network.Next = faults;
        _network.Release();
        await Task.WhenAll(redeeming, held);

        await Eventually.TrueAsync(
            async () => await Host.QueryAsync(database => database.Redemptions.CountAsync(row => row.CouponId == coupon && row.EndedAt == null)) == 0,
            "the end of every redemption", FaultyNetwork.LongestRecovery);
        var completed = await Host.CountAsync(coupon, RedemptionStatus.Completed);
        (await Host.StockAsync(coupon)).ShouldBe(61 - completed);
        (await service.PointsAsync(late)).ShouldBe(100);
        (await Task.WhenAll(users.Select(service.PointsAsync))).Sum().ShouldBe((users.Length * 100) - (completed * cost));
    }

    [Fact]
    public async Task With_random_faults_stock_and_points_add_up()
    {
        const int cost = 30;
        Guid[] users = [.. await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => service.UserAsync(2)))];
        var coupon = await Host.OfferAsync(cost, stock: 25, perUserLimit: 6);
        await using var replica = await service.StartAnotherAsync(Host.Database, _network);
        _network.Next = FaultyNetwork.AtRandom;

        var responses = await Task.WhenAll(Enumerable.Range(0, 60).Select(index =>
            (index % 2 == 0 ? Host : replica).RedeemAsync(users[index % users.Length], coupon)));

        responses.ShouldAllBe(response => response.Status == 201 || response.Status == 202 || response.Status == 422);
        await Eventually.TrueAsync(async () => await Host.CountAsync(coupon, RedemptionStatus.Reserved) == 0, "the end of every redemption", FaultyNetwork.LongestRecovery);
        var completed = await Host.CountAsync(coupon, RedemptionStatus.Completed);
        completed.ShouldBeGreaterThan(0);
        (await Host.StockAsync(coupon)).ShouldBe(25 - completed);
        var left = await Task.WhenAll(users.Select(service.PointsAsync));
        left.ShouldAllBe(points => points >= 0);
        left.Sum().ShouldBe((users.Length * 100) - (completed * cost));
        await Eventually.TrueAsync(
            () => service.Tap.Envelopes("coupon.redeemed").Count(envelope => users.Contains(envelope.GetProperty("data").GetProperty("user_id").GetGuid())) == completed,
            "one event per redemption");
    }

    [Theory]
    [InlineData(Fault.NoConnection)]
    [InlineData(Fault.LostResponse)]
    public async Task A_cancellation_whose_refund_fails_is_repeated_and_gives_the_points_back_once(Fault fault)
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferPoolAsync("ONLY-1", pointsCost: 60);
        using var client = Host.As(user);
        var bought = await BuyAsync(user, coupon);
        _network.Next = () => fault;

        var (status, pending) = await client.SubmitAsync($"/redemptions/{bought}/cancel", null);

        (status, pending.Status, pending.Code).ShouldBe((202, "pending", null));
        using var admin = Host.Admin();
        (await admin.SubmitAsync($"/redemptions/{bought}/use", null)).Body.Code.ShouldBe("redemption_cancelled");
        _network.Next = () => Fault.None;
        await WaitForStatusAsync(client, bought, "cancelled");
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockAsync(coupon)).ShouldBe(0);
    }

    [Fact]
    public async Task Another_process_completes_a_cancellation_abandoned_during_the_refund()
    {
        var user = await service.UserAsync(2);
        var coupon = await Host.OfferAsync(60, stock: 1);
        var bought = await BuyAsync(user, coupon);
        using var client = Host.As(user);
        _network.Next = () => Fault.HangingResponse;
        using var leaving = new CancellationTokenSource();
        var request = client.PostAsync($"{CouponsService.Area}/redemptions/{bought}/cancel", null, leaving.Token);
        await _network.Debited;

        await LeaveAsync(request, leaving);
        await using var other = await service.StartAnotherAsync(Host.Database, new FaultyNetwork());

        await Eventually.TrueAsync(async () => await other.CountAsync(coupon, RedemptionStatus.Cancelled) == 1, "the cancelled redemption");
        (await service.PointsAsync(user)).ShouldBe(100);
        (await Host.StockAsync(coupon)).ShouldBe(1);
    }

    [Fact]
    public async Task With_random_faults_cancelled_redemptions_cost_nothing_and_pools_add_up()
    {
        const int cost = 30;
        Guid[] users = [.. await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => service.UserAsync(2)))];
        var coupon = await Host.OfferPoolAsync(string.Join('\n', Enumerable.Range(0, 25).Select(number => $"FAULT-{number}")), cost);
        await using var replica = await service.StartAnotherAsync(Host.Database, _network);
        _network.Next = FaultyNetwork.AtRandom;

        await Task.WhenAll(Enumerable.Range(0, 40).Select(async index =>
        {
            var host = index % 2 == 0 ? Host : replica;
            var user = users[index % users.Length];
            var (status, body) = await host.RedeemAsync(user, coupon);
            if (status == 202 && index % 4 == 1)
            {
                var id = body.Id;
                await Host.QueryAsync(database => database.Redemptions.Where(row => row.Id == id)
                    .ExecuteUpdateAsync(set => set.SetProperty(row => row.ReservedUntil, TimeProvider.System.GetUtcNow())));
            }

            if (status is 201 or 202 && index % 3 == 0)
            {
                using var client = host.As(user);
                await client.SubmitAsync($"/redemptions/{body.Id}/cancel", null);
            }
        }));

        await Eventually.TrueAsync(
            async () => await Host.QueryAsync(database => database.Redemptions.CountAsync(row => row.CouponId == coupon && row.EndedAt == null)) == 0,
            "the end of every redemption", FaultyNetwork.LongestRecovery);
        var completed = await Host.CountAsync(coupon, RedemptionStatus.Completed);
        var left = await Task.WhenAll(users.Select(service.PointsAsync));
        left.Sum().ShouldBe((users.Length * 100) - (completed * cost));
    }

    /// <summary>Redeems the coupon. The debit has half a second, so a slow machine returns 202 first.</summary>
    /// <returns>The id of the completed redemption.</returns>
    private async Task<Guid> BuyAsync(Guid user, int coupon)
    {
        using var client = Host.As(user);
        var (status, redemption) = await client.SubmitAsync($"/{coupon}/redeem", null);
        status.ShouldBeOneOf(201, 202);
        await WaitForStatusAsync(client, redemption.Id, "completed");
        return redemption.Id;
    }

    /// <summary>Breaks the request off. After half a second it has been answered, which leaves the same work to the other process.</summary>
    private static async Task LeaveAsync(Task<HttpResponseMessage> request, CancellationTokenSource leaving)
    {
        await leaving.CancelAsync();
        try
        {
            (await request).Dispose();
        }
        catch (OperationCanceledException)
        {
        }
    }

    private Task<DateTimeOffset?> ReservedUntilAsync(int coupon) =>
        Host.QueryAsync(database => database.Redemptions.Where(row => row.CouponId == coupon).Select(row => row.ReservedUntil).SingleAsync());

    private Task<int> ExpireReservationAsync(int coupon) => Host.QueryAsync(database => database.Redemptions.Where(row => row.CouponId == coupon)
        .ExecuteUpdateAsync(set => set.SetProperty(row => row.ReservedUntil, TimeProvider.System.GetUtcNow())));

    /// <summary>Ends the offer and its redemptions now.</summary>
    private Task<int> EndOfferAsync(int coupon) => Host.QueryAsync(async database =>
    {
        var now = TimeProvider.System.GetUtcNow();
        await database.Coupons.Where(row => row.Id == coupon).ExecuteUpdateAsync(set => set.SetProperty(row => row.EndsAt, now));
        return await database.Redemptions.Where(row => row.CouponId == coupon).ExecuteUpdateAsync(set => set.SetProperty(row => row.ExpiresAt, now));
    });

    private static Task WaitForStatusAsync(HttpClient client, Guid redemption, string status) => Eventually.TrueAsync(
        async () => (await client.ReadAsync($"/redemptions/{redemption}")).Body.Status == status, $"the {status} redemption");
}

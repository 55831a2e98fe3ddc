using System.Net;
using System.Runtime.CompilerServices;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>The invariants of the contract hold when servers stop and processes are killed.</summary>
public sealed class CrashTests(KashifSystem system)
{
    private async Task<User[]> RegisterWithTenPointsAsync(int count)
    {
        var users = await system.RegisterAsync(count);
        await Task.WhenAll(users.Select(user => user.ReportAsync()));
        await Task.WhenAll(users.Select(user => user.WaitForPointsAsync(10)));
        return users;
    }

    [Fact]
    public async Task Sixty_four_concurrent_redemptions_sell_exactly_a_stock_of_ten()
    {
        var users = await RegisterWithTenPointsAsync(64);
        var coupon = await system.CreateCouponAsync(stock: 10, pointsCost: 10);

        var responses = await Task.WhenAll(users.Select(user => user.RedeemAsync(coupon)));
        await WaitForRedemptionsToEndAsync(coupon);

        responses.ShouldAllBe(response => response.Status == 201 || response.Status == 202 || response.Status == 422);
        (await CountCompletedAsync(coupon)).ShouldBe(10);
        var points = await Task.WhenAll(users.Select(user => user.PointsAsync()));
        points.Count(balance => balance == 0).ShouldBe(10);
        points.Count(balance => balance == 10).ShouldBe(54);
        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task Concurrent_redemptions_of_one_user_stop_at_the_limit()
    {
        var user = (await RegisterWithTenPointsAsync(1)).Single();
        var withoutPoints = await system.RegisterAsync();
        var coupon = await system.CreateCouponAsync(stock: 10, pointsCost: 1, perUserLimit: 2);

        var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => user.RedeemAsync(coupon)));
        var (refused, _) = await withoutPoints.RedeemAsync(coupon);
        await WaitForRedemptionsToEndAsync(coupon);

        responses.Count(response => response.Status is 201 or 202).ShouldBe(2);
        responses.Count(response => response.Status is 422).ShouldBe(6);
        refused.ShouldBe(422);
        (await CountCompletedAsync(coupon)).ShouldBe(2);
        await user.WaitForPointsAsync(8);
        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task Killing_gamification_during_a_redemption_still_completes_it()
    {
        var users = await RegisterWithTenPointsAsync(4);
        var coupon = await system.CreateCouponAsync(stock: 10, pointsCost: 10);

        // Frozen, it accepts the debit without responding, so the kill hits the saga between its steps.
        system.Freeze(ResourceNames.Gamification);
        var redeeming = users.Select(user => user.RedeemAsync(coupon)).ToArray();
        try
        {
            await WaitForReservationsAsync(coupon, users.Length);
        }
        finally
        {
            await system.KillAsync(ResourceNames.Gamification);
            await system.StartHealthyAsync(ResourceNames.Gamification);
        }

        var responses = await Task.WhenAll(redeeming);
        responses.ShouldAllBe(response => response.Status == 201 || response.Status == 202);
        await WaitForRedemptionsToEndAsync(coupon);
        (await CountCompletedAsync(coupon)).ShouldBe(users.Length);
        await Task.WhenAll(users.Select(user => user.WaitForPointsAsync(0)));
        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task Killing_coupons_during_a_redemption_completes_it_after_the_restart()
    {
        var users = await RegisterWithTenPointsAsync(4);
        var coupon = await system.CreateCouponAsync(stock: 10, pointsCost: 10);

        system.Freeze(ResourceNames.Gamification);
        var redeeming = users.Select(user => user.RedeemAsync(coupon)).ToArray();
        try
        {
            await WaitForReservationsAsync(coupon, users.Length);
        }
        finally
        {
            await system.KillAsync(ResourceNames.Coupons);
            system.Thaw(ResourceNames.Gamification);
            await system.StartHealthyAsync(ResourceNames.Coupons);
        }

        await Task.WhenAll(redeeming);
        await WaitForRedemptionsToEndAsync(coupon);
        (await CountCompletedAsync(coupon)).ShouldBe(users.Length);
        await Task.WhenAll(users.Select(user => user.WaitForPointsAsync(0)));
        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task Killing_coupons_during_orders_and_cancellations_ends_them_after_the_restart()
    {
        var users = await RegisterWithTenPointsAsync(6);
        var (mug, bag) = (await system.CreateProductAsync(stock: 10, pointsCost: 4), await system.CreateProductAsync(stock: 10, pointsCost: 6));
        var paid = new Dictionary<User, Guid>();
        foreach (var user in users.Take(3))
        {
            paid.Add(user, await user.OrderAndWaitAsync(mug, bag));
        }

        // Frozen, Gamification accepts debits and refunds without responding, so the kill hits both sagas between their steps.
        system.Freeze(ResourceNames.Gamification);
        Task[] calls =
        [
            .. users.Skip(3).Select(user => user.OrderAsync(bag, mug)),
            .. paid.Select(order => order.Key.Client.PostAsync($"/api/v1/coupons/orders/{order.Value}/cancel", null)),
        ];
        try
        {
            await Eventually.TrueAsync(async () => await CountOrdersAsync("placed") == 3 && await CountOrdersAsync("cancelling") == 3, "the open orders");
        }
        finally
        {
            await system.KillAsync(ResourceNames.Coupons);
            system.Thaw(ResourceNames.Gamification);
            await system.StartHealthyAsync(ResourceNames.Coupons);
        }

        await Task.WhenAll(calls);
        await Task.WhenAll(users.Take(3).Select(user => user.WaitForPointsAsync(10)));
        await Task.WhenAll(users.Skip(3).Select(user => user.WaitForPointsAsync(0)));
        await Eventually.TrueAsync(async () => await CountOrdersAsync("paid") == 3 && await CountOrdersAsync("cancelled") == 3, "the end of every order");
        await system.InvariantsHoldAsync();

        Task<long> CountOrdersAsync(string status) => system.CountAsync(
            ResourceNames.CouponsDb, "SELECT count(*) FROM orders JOIN order_items ON order_id = id WHERE sku = $1 AND status = $2", mug, status);
    }

    [Fact]
    public async Task Stopping_the_broker_during_two_hundred_reports_loses_no_award()
    {
        // Well below the daily limit, which would hide a duplicate award.
        var users = await system.RegisterAsync(40);

        var burst = BurstAsync(users, perUser: 3);
        await system.StopAsync(ResourceNames.Messaging);
        try
        {
            await burst;
            await BurstAsync(users, perUser: 2);
        }
        finally
        {
            await system.StartHealthyAsync(ResourceNames.Messaging);
        }

        await Task.WhenAll(users.Select(user => user.WaitForPointsAsync(50)));
        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task Killing_reporting_during_a_burst_keeps_all_acknowledged_reports()
    {
        var users = await system.RegisterAsync(8);

        var total = new StrongBox<int>();
        var burst = users.Select(user => PostUntilKilledAsync(user, 8, total)).ToArray();
        await Eventually.TrueAsync(() => Volatile.Read(ref total.Value) >= 16, "a quarter of the burst");
        await system.KillAsync(ResourceNames.Reporting);
        var acknowledged = await Task.WhenAll(burst);
        await system.StartHealthyAsync(ResourceNames.Reporting);

        foreach (var (user, count) in users.Zip(acknowledged))
        {
            var kept = await system.CountAsync(ResourceNames.ReportingDb, "SELECT count(*) FROM reports WHERE user_id = $1", user.Id);
            kept.ShouldBeGreaterThanOrEqualTo(count);
            await user.WaitForPointsAsync(kept * 10);
        }

        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task Without_Redis_reports_and_points_still_work()
    {
        var user = await system.RegisterAsync();
        await system.StopAsync(ResourceNames.Cache);
        try
        {
            await user.ReportAsync();
            await user.WaitForPointsAsync(10);
            using var anonymous = system.Anonymous();
            using var leaderboard = await anonymous.GetAsync("/api/v1/gamification/leaderboard?limit=7");
            leaderboard.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        finally
        {
            await system.StartHealthyAsync(ResourceNames.Cache);
        }

        // Rebuilt from the ledger, so the user who earned points while Redis was down has a rank.
        await Eventually.TrueAsync(async () =>
        {
            using var points = await user.Client.GetAsync("/api/v1/gamification/points/me");
            return (await points.JsonAsync(200)).GetProperty("rank").ValueKind is System.Text.Json.JsonValueKind.Number;
        }, "a rank");
        await system.InvariantsHoldAsync();
    }

    private static async Task BurstAsync(User[] users, int perUser)
    {
        for (var report = 0; report < perUser; report++)
        {
            await Task.WhenAll(users.Select(user => user.ReportAsync()));
        }
    }

    /// <returns>The number of reports acknowledged before the service was killed.</returns>
    private static async Task<int> PostUntilKilledAsync(User user, int reports, StrongBox<int> total)
    {
        var acknowledged = 0;
        for (var report = 0; report < reports; report++)
        {
            try
            {
                using var response = await user.PostReportAsync($"Report {report}");
                if (response.StatusCode == HttpStatusCode.Created)
                {
                    acknowledged++;
                    Interlocked.Increment(ref total.Value);
                }
            }
            catch (HttpRequestException)
            {
                // The connection broke: not acknowledged.
            }
        }

        return acknowledged;
    }

    private Task WaitForReservationsAsync(int coupon, int count) => Eventually.TrueAsync(
        async () => await system.CountAsync(ResourceNames.CouponsDb, "SELECT count(*) FROM redemptions WHERE coupon_id = $1", coupon) == count,
        $"{count} reservations");

    private Task WaitForRedemptionsToEndAsync(int coupon) => Eventually.TrueAsync(
        async () => await system.CountAsync(
            ResourceNames.CouponsDb, "SELECT count(*) FROM redemptions WHERE coupon_id = $1 AND status NOT IN ('completed', 'cancelled')", coupon) == 0,
        "the end of every redemption");

    private Task<long> CountCompletedAsync(int coupon) =>
        system.CountAsync(ResourceNames.CouponsDb, "SELECT count(*) FROM redemptions WHERE coupon_id = $1 AND status = 'completed'", coupon);
}

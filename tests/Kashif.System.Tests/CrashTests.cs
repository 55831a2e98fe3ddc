using System.Net;
using System.Runtime.CompilerServices;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>Servers that stop and processes that are killed, and the invariants of the contract that survive them.</summary>
public sealed class CrashTests(KashifSystem system)
{
    private async Task<User[]> WithTenPointsAsync(int count)
    {
        var users = await system.RegisterAsync(count);
        await Task.WhenAll(users.Select(user => user.ReportAsync()));
        await Task.WhenAll(users.Select(user => user.PointsReachAsync(10)));
        return users;
    }

    private const string BalancesAreTheLedger = """
        SELECT count(*) FROM balances b
        FULL JOIN (SELECT user_id, sum(points) AS points FROM point_transactions GROUP BY user_id) l USING (user_id)
        WHERE coalesce(b.points, 0) <> coalesce(l.points, 0) OR coalesce(b.points, 0) < 0
        """;

    [Fact]
    public async Task Sixty_four_parallel_redemptions_of_a_stock_of_ten_sell_exactly_ten()
    {
        var users = await WithTenPointsAsync(64);
        var coupon = await system.CreateCouponAsync(stock: 10, pointsCost: 10);

        var answers = await Task.WhenAll(users.Select(user => user.RedeemAsync(coupon)));
        await RedemptionsEndAsync(coupon);

        answers.ShouldAllBe(answer => answer.Status == 201 || answer.Status == 202 || answer.Status == 422);
        (await CompletedAsync(coupon)).ShouldBe(10);
        var points = await Task.WhenAll(users.Select(user => user.PointsAsync()));
        points.Count(balance => balance == 0).ShouldBe(10);
        points.Count(balance => balance == 10).ShouldBe(54);
        await InvariantsHoldAsync();
    }

    [Fact]
    public async Task Gamification_killed_between_the_steps_of_a_redemption_leaves_nothing_half_done()
    {
        var users = await WithTenPointsAsync(4);
        var coupon = await system.CreateCouponAsync(stock: 10, pointsCost: 10);

        // Frozen, it takes the debit and never answers: the saga stands between its steps when the kill comes.
        system.Freeze(ResourceNames.Gamification);
        var redeeming = users.Select(user => user.RedeemAsync(coupon)).ToArray();
        await ReservedAsync(coupon, users.Length);
        await system.KillAsync(ResourceNames.Gamification);
        await system.StartHealthyAsync(ResourceNames.Gamification);

        var answers = await Task.WhenAll(redeeming);
        answers.ShouldAllBe(answer => answer.Status == 201 || answer.Status == 202);
        await RedemptionsEndAsync(coupon);
        (await CompletedAsync(coupon)).ShouldBe(users.Length);
        await Task.WhenAll(users.Select(user => user.PointsReachAsync(0)));
        await InvariantsHoldAsync();
    }

    [Fact]
    public async Task Coupons_killed_between_the_steps_of_a_redemption_finishes_it_after_its_restart()
    {
        var users = await WithTenPointsAsync(4);
        var coupon = await system.CreateCouponAsync(stock: 10, pointsCost: 10);

        system.Freeze(ResourceNames.Gamification);
        var redeeming = users.Select(user => user.RedeemAsync(coupon)).ToArray();
        await ReservedAsync(coupon, users.Length);
        await system.KillAsync(ResourceNames.Coupons);
        system.Thaw(ResourceNames.Gamification);
        await system.StartHealthyAsync(ResourceNames.Coupons);

        await Task.WhenAll(redeeming);
        await RedemptionsEndAsync(coupon);
        (await CompletedAsync(coupon)).ShouldBe(users.Length);
        await Task.WhenAll(users.Select(user => user.PointsReachAsync(0)));
        await InvariantsHoldAsync();
    }

    [Fact]
    public async Task A_broker_that_stops_during_a_burst_of_two_hundred_reports_costs_no_award()
    {
        // Well below the daily limit, which would hide an award too many.
        var users = await system.RegisterAsync(40);

        var burst = BurstAsync(users, perUser: 3);
        await system.StopAsync(ResourceNames.Messaging);
        await burst;
        await BurstAsync(users, perUser: 2);
        await system.StartHealthyAsync(ResourceNames.Messaging);

        await Task.WhenAll(users.Select(user => user.PointsReachAsync(50)));
        await InvariantsHoldAsync();
    }

    [Fact]
    public async Task Reporting_killed_in_the_middle_of_a_burst_keeps_what_it_acknowledged()
    {
        var users = await system.RegisterAsync(8);

        var total = new StrongBox<int>();
        var burst = users.Select(user => AcknowledgedAsync(user, 8, total)).ToArray();
        await Eventually.TrueAsync(() => Volatile.Read(ref total.Value) >= 16, "a quarter of the burst");
        await system.KillAsync(ResourceNames.Reporting);
        var acknowledged = await Task.WhenAll(burst);
        await system.StartHealthyAsync(ResourceNames.Reporting);

        foreach (var (user, count) in users.Zip(acknowledged))
        {
            var kept = await system.CountAsync(ResourceNames.ReportingDb, "SELECT count(*) FROM reports WHERE user_id = $1", user.Id);
            kept.ShouldBeGreaterThanOrEqualTo(count);
            await user.PointsReachAsync(kept * 10);
        }

        await InvariantsHoldAsync();
    }

    [Fact]
    public async Task Without_redis_reports_and_points_still_work()
    {
        var user = await system.RegisterAsync();
        await system.StopAsync(ResourceNames.Cache);
        try
        {
            await user.ReportAsync();
            await user.PointsReachAsync(10);
            using var anonymous = system.Anonymous();
            using var leaderboard = await anonymous.GetAsync("/api/v1/gamification/leaderboard?limit=7");
            leaderboard.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        finally
        {
            await system.StartHealthyAsync(ResourceNames.Cache);
        }

        // Rebuilt from the ledger: the user who earned while Redis was away has a rank.
        await Eventually.TrueAsync(async () =>
        {
            using var points = await user.Client.GetAsync("/api/v1/gamification/points/me");
            return (await points.JsonAsync(200)).GetProperty("rank").ValueKind is System.Text.Json.JsonValueKind.Number;
        }, "a rank");
    }

    private static async Task BurstAsync(User[] users, int perUser)
    {
        for (var report = 0; report < perUser; report++)
        {
            await Task.WhenAll(users.Select(user => user.ReportAsync()));
        }
    }

    /// <returns>How many of the reports were acknowledged before the service went away.</returns>
    private static async Task<int> AcknowledgedAsync(User user, int reports, StrongBox<int> total)
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
                // The connection died with the service: not acknowledged.
            }
        }

        return acknowledged;
    }

    private Task ReservedAsync(int coupon, int count) => Eventually.TrueAsync(
        async () => await system.CountAsync(ResourceNames.CouponsDb, "SELECT count(*) FROM redemptions WHERE coupon_id = $1", coupon) == count,
        $"{count} reservations");

    private Task RedemptionsEndAsync(int coupon) => Eventually.TrueAsync(
        async () => await system.CountAsync(
            ResourceNames.CouponsDb, "SELECT count(*) FROM redemptions WHERE coupon_id = $1 AND status NOT IN ('completed', 'cancelled')", coupon) == 0,
        "every redemption to end");

    private Task<long> CompletedAsync(int coupon) =>
        system.CountAsync(ResourceNames.CouponsDb, "SELECT count(*) FROM redemptions WHERE coupon_id = $1 AND status = 'completed'", coupon);

    private async Task InvariantsHoldAsync() =>
        (await system.CountAsync(ResourceNames.GamificationDb, BalancesAreTheLedger)).ShouldBe(0);
}

using System.Globalization;
using System.Text.Json;
using Kashif.Coupons.Redemptions;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Tests;

/// <summary>Redeeming while Gamification is up.</summary>
public sealed class RedemptionTests(CouponsService service)
{
    [Fact]
    public async Task Redeeming_spends_points_and_returns_a_code()
    {
        var user = await service.UserAsync(2);
        var coupon = await service.Host.OfferAsync(60, stock: 3, endsAt: new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var client = service.Host.As(user);

        using var response = await client.SendAsync($"/{coupon}/redeem", null);
        var redeemed = await response.JsonAsync();

        ((int)response.StatusCode).ShouldBe(201, redeemed.ToString());
        redeemed.Status.ShouldBe("completed");
        redeemed.Code.ShouldNotBeNull().ShouldMatch("^[0-9A-HJKMNP-TV-Z]{12}$");
        redeemed.GetProperty("points_spent").GetInt32().ShouldBe(60);
        redeemed.GetProperty("expires_at").GetString().ShouldBe("2999-01-01T00:00:00.000000Z");
        redeemed.GetProperty("coupon").IntId.ShouldBe(coupon);
        redeemed.GetProperty("coupon").GetProperty("title").GetString().ShouldBe("A cake");
        (await service.PointsAsync(user)).ShouldBe(40);
        (await service.Host.StockAsync(coupon)).ShouldBe(2);

        response.Headers.Location.ShouldNotBeNull().ToString().ShouldBe($"{CouponsService.Area}/redemptions/{redeemed.Id}");
        (await client.ReadAsync($"/redemptions/{redeemed.Id}")).Body.GetRawText().ShouldBe(redeemed.GetRawText());
        var published = (await service.Tap.WaitForAsync("coupon.redeemed", data => data.GetProperty("redemption_id").GetGuid() == redeemed.Id)).GetProperty("data");
        published.GetProperty("user_id").GetGuid().ShouldBe(user);
        published.GetProperty("coupon_id").GetInt32().ShouldBe(coupon);
        published.GetProperty("title").GetString().ShouldBe("A cake");
        published.Code.ShouldBe(redeemed.Code);
        published.GetProperty("points_spent").GetInt32().ShouldBe(60);
    }

    [Fact]
    public async Task Redeeming_without_enough_points_reserves_nothing()
    {
        var user = await service.UserAsync(1);
        var coupon = await service.Host.OfferAsync(51, stock: 1, perUserLimit: 1);
        using var client = service.Host.As(user);

        var (status, problem) = await service.Host.RedeemAsync(user, coupon, key: "poor");
        var (replayed, same) = await service.Host.RedeemAsync(user, coupon, key: "poor");

        (status, problem.Code).ShouldBe((422, "insufficient_points"));
        (replayed, same.Code).ShouldBe((422, "insufficient_points"));
        (await service.PointsAsync(user)).ShouldBe(50);
        (await service.Host.StockAsync(coupon)).ShouldBe(1);
        (await client.ReadAsync("/redemptions/me")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);

        await service.EarnAsync(user, 1);
        (await service.Host.RedeemAsync(user, coupon)).Status.ShouldBe(201);
    }

    [Fact]
    public async Task Accounts_without_points_do_not_make_a_coupon_look_sold_out()
    {
        Guid[] buyers = [.. await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => service.UserAsync(1)))];
        Guid[] blockers = [.. Enumerable.Range(0, 30).Select(_ => Guid.CreateVersion7())];
        var coupon = await service.Host.OfferAsync(50, stock: buyers.Length);

        var blocking = Task.WhenAll(Enumerable.Range(0, 90).Select(index => service.Host.RedeemAsync(blockers[index % blockers.Length], coupon)));
        var buying = Task.WhenAll(buyers.Select(buyer => service.Host.RedeemAsync(buyer, coupon)));

        (await buying).ShouldAllBe(response => response.Status == 201);
        (await blocking).Select(response => (response.Status, response.Body.Code)).Distinct()
            .ShouldBeSubsetOf([(422, "insufficient_points"), (422, "out_of_stock")]); // The latter once the buyers have everything.
        (await service.Host.QueryAsync(database => database.Redemptions.CountAsync(row => row.CouponId == coupon))).ShouldBe(buyers.Length);
    }

    [Fact]
    public async Task A_refused_redemption_returns_the_reason()
    {
        var now = TimeProvider.System.GetUtcNow();
        var user = await service.UserAsync(1);
        var soldOut = await service.Host.OfferAsync(1, stock: 0);
        var upcoming = await service.Host.OfferAsync(1, stock: 1, startsAt: now.AddDays(1));
        var expired = await service.Host.OfferAsync(1, stock: 1, startsAt: now.AddDays(-2), endsAt: now.AddDays(-1));
        var limited = await service.Host.OfferAsync(1, stock: 5, perUserLimit: 1);
        (await service.Host.RedeemAsync(user, limited)).Status.ShouldBe(201);

        (await RedeemAsync(soldOut)).ShouldBe((422, "out_of_stock"));
        (await RedeemAsync(upcoming)).ShouldBe((422, "coupon_not_available"));
        (await RedeemAsync(expired)).ShouldBe((422, "coupon_not_available"));
        (await RedeemAsync(limited)).ShouldBe((422, "per_user_limit_reached"));
        (await RedeemAsync(int.MaxValue)).ShouldBe((404, "not_found"));
        (await service.PointsAsync(user)).ShouldBe(49);
        using var anonymous = service.Host.Anonymous();
        (await anonymous.SubmitAsync($"/{limited}/redeem", null)).Status.ShouldBe(401);

        async Task<(int, string?)> RedeemAsync(int coupon)
        {
            var (status, body) = await service.Host.RedeemAsync(user, coupon);
            return (status, body.Code);
        }
    }

    [Fact]
    public async Task Users_see_only_their_own_redemptions_newest_first()
    {
        var user = await service.UserAsync(1);
        var coupon = await service.Host.OfferAsync(1, stock: 10);
        var redeemed = new List<Guid>();
        for (var times = 0; times < 4; times++)
        {
            redeemed.Add((await service.Host.RedeemAsync(user, coupon)).Body.Id);
        }

        using var client = service.Host.As(user);
        var (_, first) = await client.ReadAsync("/redemptions/me?limit=2");
        var (_, second) = await client.ReadAsync($"/redemptions/me?limit=2&cursor={first.GetProperty("next_cursor").GetString()}");
        second.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        JsonElement[] all = [.. first.GetProperty("items").EnumerateArray(), .. second.GetProperty("items").EnumerateArray()];
        all.Select(item => item.Id).ShouldBe(redeemed.AsEnumerable().Reverse());

        using var stranger = service.Host.As(Guid.CreateVersion7());
        (await stranger.ReadAsync($"/redemptions/{redeemed[0]}")).Status.ShouldBe(404);
        (await stranger.ReadAsync("/redemptions/me")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
        using var anonymous = service.Host.Anonymous();
        (await anonymous.ReadAsync("/redemptions/me")).Status.ShouldBe(401);
        (await anonymous.ReadAsync($"/redemptions/{redeemed[0]}")).Status.ShouldBe(401);
    }

    [Fact]
    public async Task Sixty_four_concurrent_requests_sell_exactly_ten_items()
    {
        Guid[] users = [.. await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => service.UserAsync(1)))];
        var coupon = await service.Host.OfferAsync(10, stock: 10);

        var responses = await Task.WhenAll(Enumerable.Range(0, 64).Select(index => service.Host.RedeemAsync(users[index % users.Length], coupon)));

        responses.Count(response => response.Status == 201).ShouldBe(10);
        responses.Where(response => response.Status != 201).Select(response => (response.Status, response.Body.Code)).Distinct().ShouldBe([(422, "out_of_stock")]);
        responses.Where(response => response.Status == 201).Select(response => response.Body.Code).Distinct().Count().ShouldBe(10);
        (await service.Host.StockAsync(coupon)).ShouldBe(0);
        var left = await Task.WhenAll(users.Select(service.PointsAsync));
        left.Sum().ShouldBe((users.Length * 50) - 100);
        await service.Host.StockShouldAddUpAsync();
    }

    [Fact]
    public async Task Concurrent_requests_of_one_user_stay_within_the_limit()
    {
        var user = await service.UserAsync(4);
        var coupon = await service.Host.OfferAsync(10, stock: 50, perUserLimit: 1);

        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => service.Host.RedeemAsync(user, coupon)));

        responses.Count(response => response.Status == 201).ShouldBe(1);
        responses.Where(response => response.Status != 201).Select(response => (response.Status, response.Body.Code)).Distinct().ShouldBe([(422, "per_user_limit_reached")]);
        (await service.PointsAsync(user)).ShouldBe(190);
        (await service.Host.StockAsync(coupon)).ShouldBe(49);
    }

    [Fact]
    public async Task One_idempotency_key_redeems_once()
    {
        var user = await service.UserAsync(4);
        var coupon = await service.Host.OfferAsync(10, stock: 50);

        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => service.Host.RedeemAsync(user, coupon, key: "once")));
        var replay = await service.Host.RedeemAsync(user, coupon, key: "once");

        // A request that arrives while the first still waits for the debit gets 202 or 409.
        responses.ShouldAllBe(response => response.Status == 201 || response.Status == 202 || response.Status == 409);
        replay.Status.ShouldBe(201);
        replay.Body.Code.ShouldNotBeNull();
        (await service.Host.CountAsync(coupon, RedemptionStatus.Completed)).ShouldBe(1);
        (await service.PointsAsync(user)).ShouldBe(190);
    }

    [Theory]
    [InlineData("/00{0}/redeem")]
    [InlineData("/%2B{0}/redeem")]
    [InlineData("/{0}/REDEEM/")]
    public async Task An_idempotency_key_holds_for_every_spelling_of_the_coupons_id(string path)
    {
        var user = await service.UserAsync(4);
        var coupon = await service.Host.OfferAsync(10, stock: 50);
        using var client = service.Host.As(user);

        var first = await client.SubmitAsync($"/{coupon}/redeem", null, "spelled");
        var second = await client.SubmitAsync(string.Format(CultureInfo.InvariantCulture, path, coupon), null, "spelled");

        first.Status.ShouldBe(201);
        second.Status.ShouldBe(201);
        second.Body.Id.ShouldBe(first.Body.Id);
        (await service.Host.StockAsync(coupon)).ShouldBe(49);
    }
}

using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Coupons.Redemptions;

namespace Kashif.Coupons.Tests;

/// <summary>The path in Gamification's area obeys the rules of <c>/coupons/{id}/redeem</c>.</summary>
public sealed class RedeemPointsTests(CouponsService service)
{
    private const string Path = "/api/v1/gamification/points/redeem";

    [Fact]
    public async Task Redeeming_points_issues_the_coupon()
    {
        var user = await service.UserAsync(1);
        var coupon = await service.Host.OfferAsync(40, stock: 2);

        var (status, redeemed) = await RedeemAsync(user, 40, coupon, key: "once");
        var (replayed, same) = await RedeemAsync(user, 40, coupon, key: "once");

        (status, redeemed.Status).ShouldBe((201, "completed"));
        redeemed.Code.ShouldNotBeNullOrEmpty();
        (replayed, same.GetRawText()).ShouldBe((201, redeemed.GetRawText()));
        (await service.PointsAsync(user)).ShouldBe(10);
        (await service.Host.StockAsync(coupon)).ShouldBe(1);
        using var client = service.Host.As(user);
        (await client.ReadAsync($"/redemptions/{redeemed.Id}")).Body.GetRawText().ShouldBe(redeemed.GetRawText());
    }

    [Fact]
    public async Task A_refused_redemption_takes_no_points()
    {
        var now = TimeProvider.System.GetUtcNow();
        var user = await service.UserAsync(1);
        var upcoming = await service.Host.OfferAsync(1, stock: 1, startsAt: now.AddDays(1));
        var expired = await service.Host.OfferAsync(1, stock: 1, startsAt: now.AddDays(-2), endsAt: now.AddDays(-1));
        var soldOut = await service.Host.OfferAsync(1, stock: 0);
        var offered = await service.Host.OfferAsync(2, stock: 1);
        var expensive = await service.Host.OfferAsync(51, stock: 1);

        (await CodeAsync(1, int.MaxValue)).ShouldBe((404, "not_found"));
        (await CodeAsync(1, upcoming)).ShouldBe((422, "coupon_not_available"));
        (await CodeAsync(1, expired)).ShouldBe((422, "coupon_not_available"));
        (await CodeAsync(1, soldOut)).ShouldBe((422, "out_of_stock"));
        (await CodeAsync(1, offered)).ShouldBe((422, "price_changed"));
        (await CodeAsync(51, expensive)).ShouldBe((422, "insufficient_points"));

        (await service.PointsAsync(user)).ShouldBe(50);
        (await service.Host.CountAsync(offered, RedemptionStatus.Completed)).ShouldBe(0);
        using var anonymous = service.Host.Anonymous();
        using var response = await anonymous.PostAsJsonAsync(Path, new { points = 2, coupon_id = offered }, TestContext.Current.CancellationToken);
        ((int)response.StatusCode).ShouldBe(401);

        async Task<(int, string?)> CodeAsync(int points, int coupon)
        {
            var (status, body) = await RedeemAsync(user, points, coupon);
            return (status, body.Code);
        }
    }

    [Fact]
    public async Task An_invalid_body_returns_400_with_every_bad_field()
    {
        var (status, problem) = await RedeemAsync(Guid.CreateVersion7(), 0, -1);

        status.ShouldBe(400);
        problem.BadFields.ShouldBe(["coupon_id", "points"]);
    }

    private async Task<(int Status, JsonElement Body)> RedeemAsync(Guid user, int points, int coupon, string? key = null)
    {
        using var client = service.Host.As(user);
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = JsonContent.Create(new { points, coupon_id = coupon }) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.JsonAsync());
    }
}

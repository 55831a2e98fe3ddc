using Kashif.Coupons.Redemptions;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Tests;

/// <summary>Using codes at the till, and cancelling before that.</summary>
public sealed class TillTests(CouponsService service)
{
    private ServiceHost<Program> Host => service.Host;

    [Fact]
    public async Task A_code_is_used_once_and_only_at_its_company()
    {
        var place = await Host.CreateCompanyAndCategoryAsync();
        using var partner = await Host.PartnerAsync(place.Company);
        using var stranger = await Host.PartnerAsync((await Host.CreateCompanyAndCategoryAsync()).Company);
        var user = await service.UserAsync(1);
        using var owner = Host.As(user);
        var bought = await Host.BuyAsync(user, await Host.OfferAsync(partner, place));

        (await stranger.SubmitAsync("/redemptions/use", new { code = bought.Code })).Status.ShouldBe(404);
        (await stranger.SubmitAsync($"/redemptions/{bought.Id}/use", null)).Status.ShouldBe(404);
        (await owner.SubmitAsync($"/redemptions/{bought.Id}/use", null)).Status.ShouldBe(403);
        var (status, used) = await partner.SubmitAsync("/redemptions/use", new { code = $" {bought.Code?.ToLowerInvariant()} " }, key: "scan");
        var (_, replay) = await partner.SubmitAsync("/redemptions/use", new { code = $" {bought.Code?.ToLowerInvariant()} " }, key: "scan");
        var (again, problem) = await partner.SubmitAsync("/redemptions/use", new { code = bought.Code });

        status.ShouldBe(200, used.ToString());
        used.Id.ShouldBe(bought.Id);
        replay.GetRawText().ShouldBe(used.GetRawText());
        (again, problem.Code, problem.GetProperty("used_at").GetString()).ShouldBe((409, "already_used", used.GetProperty("used_at").GetString()));
        (await owner.ReadAsync($"/redemptions/{bought.Id}")).Body.GetProperty("used_at").GetString().ShouldBe(used.GetProperty("used_at").GetString());
        (await owner.SubmitAsync($"/redemptions/{bought.Id}/cancel", null)).Body.Code.ShouldBe("already_used");
    }

    [Fact]
    public async Task A_code_is_validated_without_using_it_and_only_at_its_company()
    {
        var place = await Host.CreateCompanyAndCategoryAsync();
        using var partner = await Host.PartnerAsync(place.Company);
        using var stranger = await Host.PartnerAsync((await Host.CreateCompanyAndCategoryAsync()).Company);
        var user = await service.UserAsync(1);
        using var owner = Host.As(user);
        var end = new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var coupon = await Host.OfferAsync(partner, place, more: new() { ["ends_at"] = end });
        var bought = await Host.BuyAsync(user, coupon);
        var typed = new { code = $" {bought.Code?.ToLowerInvariant()} " };
        var scanned = new { signed_code = await SignedAsync(bought.Id) };

        foreach (var body in new object[] { typed, scanned })
        {
            (await owner.SubmitAsync("/redemptions/validate", body)).Status.ShouldBe(403);
            (await stranger.SubmitAsync("/redemptions/validate", body)).Status.ShouldBe(404);
            var (status, valid) = await partner.SubmitAsync("/redemptions/validate", body);
            status.ShouldBe(200, valid.ToString());
            valid.GetRawText().ShouldBe(
                $$$"""{"valid":true,"reason":null,"id":"{{{bought.Id}}}","coupon":{"id":{{{coupon}}},"title":"A cake","company_id":{{{place.Company}}}},"expires_at":"2999-01-01T00:00:00.000000Z","used_at":null}""");
        }

        (await partner.SubmitAsync("/redemptions/validate", new { signed_code = $"{scanned.signed_code}x" })).Body.Code.ShouldBe("invalid_signed_code");
        (await partner.SubmitAsync("/redemptions/validate", new { code = "NONE" })).Status.ShouldBe(404);
        (await partner.SubmitAsync("/redemptions/validate", new { bought.Code, scanned.signed_code })).Body.BadFields.ShouldBe(["code"]);

        var used = await partner.SubmitAsync("/redemptions/use", typed);
        used.Status.ShouldBe(200);
        (await RefusalAsync(typed)).ShouldBe((false, "already_used", used.Body.GetProperty("used_at").GetString()));

        var cancelled = (await Host.BuyAsync(user, coupon)).Id;
        var proof = await SignedAsync(cancelled);
        (await owner.SubmitAsync($"/redemptions/{cancelled}/cancel", null)).Status.ShouldBeOneOf(200, 202);
        (await RefusalAsync(new { signed_code = proof })).ShouldBe((false, "redemption_cancelled", null));

        var expired = await Host.BuyAsync(user, coupon);
        await Host.QueryAsync(database => database.Redemptions.Where(row => row.CouponId == coupon)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.ExpiresAt, TimeProvider.System.GetUtcNow())));
        (await RefusalAsync(new { code = expired.Code })).ShouldBe((false, "code_expired", null));

        async Task<string?> SignedAsync(Guid redemption) => (await owner.ReadAsync($"/redemptions/{redemption}/qr")).Body.GetProperty("signed_code").GetString();

        async Task<(bool, string?, string?)> RefusalAsync(object body)
        {
            var answer = (await partner.SubmitAsync("/redemptions/validate", body)).Body;
            return (answer.GetProperty("valid").GetBoolean(), answer.GetProperty("reason").GetString(), answer.GetProperty("used_at").GetString());
        }
    }

    [Fact]
    public async Task An_expired_code_is_refused()
    {
        var user = await service.UserAsync(1);
        var coupon = await Host.OfferAsync(10, 5, endsAt: new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var bought = (await Host.BuyAsync(user, coupon)).Id;
        await Host.QueryAsync(database => database.Redemptions.Where(row => row.Id == bought)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.ExpiresAt, TimeProvider.System.GetUtcNow())));
        using var admin = Host.Admin();

        (await admin.SubmitAsync($"/redemptions/{bought}/use", null)).Body.Code.ShouldBe("code_expired");
    }

    [Fact]
    public async Task A_shared_code_does_not_tell_its_customers_apart()
    {
        using var admin = Host.Admin();
        var coupon = await Host.OfferAsync(admin, await Host.CreateCompanyAndCategoryAsync(), more: new() { ["code_mode"] = "shared", ["shared_code"] = "SUMMER-26" });
        var user = await service.UserAsync(1);
        var first = await Host.BuyAsync(await service.UserAsync(1), coupon);
        (await admin.SubmitAsync("/redemptions/use", new { code = "SUMMER-26" })).Body.Code.ShouldBe("ambiguous_code"); // the next buyer gets the same
        (await admin.SubmitAsync("/redemptions/validate", new { code = "SUMMER-26" })).Body.Code.ShouldBe("ambiguous_code");
        var bought = new[] { first, await Host.BuyAsync(user, coupon) };
        using var client = Host.As(user);

        (await client.SubmitAsync($"/redemptions/{bought[1].Id}/cancel", null)).Body.Code.ShouldBe("not_cancellable"); // its user keeps the code
        bought.Select(one => one.Code).ShouldBe(["SUMMER-26", "SUMMER-26"]);
        (await admin.ReadAsync($"/{coupon}")).Body.GetRawText().ShouldNotContain("SUMMER-26");
        (await admin.SubmitAsync("/redemptions/use", new { code = "SUMMER-26" })).Body.Code.ShouldBe("ambiguous_code");
        (await admin.SubmitAsync($"/redemptions/{bought[0].Id}/use", null)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Cancelling_gives_the_points_and_the_item_back_once()
    {
        var user = await service.UserAsync(1);
        var coupon = await Host.OfferAsync(40, stock: 1, perUserLimit: 1);
        var bought = await Host.BuyAsync(user, coupon);
        using var client = Host.As(user);
        using var stranger = Host.As(Guid.CreateVersion7());
        using var admin = Host.Admin();

        (await stranger.SubmitAsync($"/redemptions/{bought.Id}/cancel", null)).Status.ShouldBe(404);
        var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.SubmitAsync($"/redemptions/{bought.Id}/cancel", null)));

        responses.ShouldAllBe(response => response.Status == 200 || response.Status == 202);
        var (status, cancelled) = await client.SubmitAsync($"/redemptions/{bought.Id}/cancel", null, key: "once");
        (status, cancelled.Status, cancelled.Code, cancelled.GetProperty("points_spent").GetInt32()).ShouldBe((200, "cancelled", null, 0));
        (await service.PointsAsync(user)).ShouldBe(50);
        (await Host.StockAsync(coupon)).ShouldBe(1);
        (await admin.SubmitAsync("/redemptions/use", new { code = bought.Code })).Status.ShouldBe(404);
        (await admin.SubmitAsync($"/redemptions/{bought.Id}/use", null)).Body.Code.ShouldBe("redemption_cancelled");
        (await Host.RedeemAsync(user, coupon)).Status.ShouldBe(201);
        await Host.StockShouldAddUpAsync();
    }

    [Fact]
    public async Task Cancelling_is_refused_after_the_window()
    {
        var user = await service.UserAsync(1);
        var bought = (await Host.BuyAsync(user, await Host.OfferAsync(40, stock: 1))).Id;
        await Host.QueryAsync(database => database.Redemptions.Where(row => row.Id == bought)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.EndedAt, row => row.EndedAt - TimeSpan.FromMinutes(15))));
        using var client = Host.As(user);

        (await client.SubmitAsync($"/redemptions/{bought}/cancel", null)).Body.Code.ShouldBe("cancel_window_over");
        (await service.PointsAsync(user)).ShouldBe(10);
    }

    [Fact]
    public async Task Sixty_four_uses_and_cancellations_have_one_winner()
    {
        using var admin = Host.Admin();
        var coupon = await Host.OfferAsync(10, stock: 100);
        var user = await service.UserAsync(1);
        using var client = Host.As(user);
        var (usedCount, cancelledCount) = (0, 0);
        for (var round = 0; round < 2; round++)
        {
            var bought = await Host.BuyAsync(user, coupon);

            var responses = await Task.WhenAll(Enumerable.Range(round % 2, 64).Select(index => index % 2 == 0
                ? admin.SubmitAsync($"/redemptions/{bought.Id}/use", null)
                : client.SubmitAsync($"/redemptions/{bought.Id}/cancel", null)));

            var uses = responses.Where((_, index) => (index + round) % 2 == 0).Count(response => response.Status == 200);
            var cancels = responses.Where((_, index) => (index + round) % 2 != 0).Count(response => response.Status is 200 or 202);
            responses.ShouldAllBe(response => response.Status == 200 || response.Status == 202 || response.Status == 409 || response.Status == 422);
            (uses, cancels > 0).ShouldBeOneOf((1, false), (0, true));
            (usedCount, cancelledCount) = (usedCount + uses, cancelledCount + (1 - uses));
        }

        await Eventually.TrueAsync(async () => await Host.CountAsync(coupon, RedemptionStatus.Refunding) == 0, "the end of every cancellation");
        (await Host.CountAsync(coupon, RedemptionStatus.Completed)).ShouldBe(usedCount);
        (await service.PointsAsync(user)).ShouldBe(50 - (10 * usedCount));
        (await Host.StockAsync(coupon)).ShouldBe(100 - usedCount);
        await Host.StockShouldAddUpAsync();
    }

    [Fact]
    public async Task Thirty_two_uses_at_once_accept_a_code_once()
    {
        using var admin = Host.Admin();
        var bought = await Host.BuyAsync(await service.UserAsync(1), await Host.OfferAsync(10, stock: 1));

        var responses = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => admin.SubmitAsync("/redemptions/use", new { code = bought.Code })));

        responses.Count(response => response.Status == 200).ShouldBe(1);
        responses.Where(response => response.Status != 200).Select(response => (response.Status, response.Body.Code)).Distinct().ShouldBe([(409, "already_used")]);
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Coupons.Points;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Coupons.Tests;

/// <summary>Coupons for some users only, and the dry run of redeeming.</summary>
public sealed class EligibilityTests(CouponsService service)
{
    [Fact]
    public async Task Level_and_area_decide_who_may_redeem()
    {
        var account = new Account();
        await using var host = await service.StartAnotherAsync(configure: account.AddTo);
        var user = await service.UserAsync(1);
        using var admin = host.Admin();
        var place = await host.CreateCompanyAndCategoryAsync();
        await service.AreaAsync(HttpMethod.Put, "old_town");
        var forLevel = await host.OfferAsync(admin, place, pointsCost: 1, more: new() { ["min_level"] = 3 });
        var forArea = await host.OfferAsync(admin, place, pointsCost: 1, more: new() { ["area"] = "old_town" });

        // A new user: level 1 and no areas.
        (await RedeemAsync(forLevel)).ShouldBe((422, "not_eligible", "not_eligible"));
        (await RedeemAsync(forArea)).ShouldBe((422, "not_eligible", "not_eligible"));
        account.Fields = new() { ["level"] = 2, ["areas"] = new JsonArray("harbour") };
        (await RedeemAsync(forLevel)).ShouldBe((422, "not_eligible", "not_eligible"));
        (await RedeemAsync(forArea)).ShouldBe((422, "not_eligible", "not_eligible"));
        (await service.PointsAsync(user)).ShouldBe(50);
        account.Fields = new() { ["level"] = 3, ["areas"] = new JsonArray("harbour", "old_town") };
        (await RedeemAsync(forLevel)).ShouldBe((201, null, null));
        (await RedeemAsync(forArea)).ShouldBe((201, null, null));

        async Task<(int, string?, string?)> RedeemAsync(int coupon)
        {
            using var client = host.As(user);
            var (_, checkedFirst) = await client.SubmitAsync($"/{coupon}/validate", null);
            var (status, body) = await host.RedeemAsync(user, coupon);
            return (status, status == 201 ? null : body.Code, checkedFirst.GetProperty("reason").GetString());
        }
    }

    [Fact]
    public async Task Beside_a_gamification_without_levels_and_areas_eligibility_is_not_guessed()
    {
        var account = new Account { Fields = new() { ["level"] = null, ["areas"] = null } };
        await using var host = await service.StartAnotherAsync(configure: account.AddTo);
        var user = await service.UserAsync(1);
        using var admin = host.Admin();
        using var client = host.As(user);
        var place = await host.CreateCompanyAndCategoryAsync();

        await service.AreaAsync(HttpMethod.Put, "old_town");
        foreach (var condition in new Dictionary<string, object?>[] { new() { ["min_level"] = 1 }, new() { ["area"] = "old_town" } })
        {
            var coupon = await host.OfferAsync(admin, place, pointsCost: 1, more: condition);
            (await host.RedeemAsync(user, coupon)).Body.Code.ShouldBe("points_unavailable");
            (await client.SubmitAsync($"/{coupon}/validate", null)).Body.Code.ShouldBe("points_unavailable");
            (await host.StockAsync(coupon)).ShouldBe(5);
        }

        await host.BuyAsync(user, await host.OfferAsync(admin, place, pointsCost: 1));
    }

    /// <summary>A coupon for a mistyped area could never be redeemed.</summary>
    [Fact]
    public async Task An_unknown_area_is_refused_unless_gamification_does_not_answer()
    {
        var network = new FaultyNetwork();
        await using var host = await service.StartAnotherAsync(network: network);
        using var admin = host.Admin();
        var place = await host.CreateCompanyAndCategoryAsync();
        var code = $"a{Guid.CreateVersion7():N}";

        await Eventually.TrueAsync(async () => await OfferAsync() == (400, "area"), "the refusal"); // the first answer of Gamification may come too late
        await service.AreaAsync(HttpMethod.Put, code);
        var coupon = await host.OfferAsync(admin, place, more: new() { ["area"] = code });
        (await ChangeAsync(new { area = $"{code}x", title = "x" })).ShouldBe((400, "area"));
        (await ChangeAsync(new { area = code, title = "x" })).ShouldBe((200, ""));

        await service.AreaAsync(HttpMethod.Delete, code);
        (await OfferAsync()).ShouldBe((400, "area"));
        (await ChangeAsync(new { area = code, title = "y" })).ShouldBe((200, "")); // its users keep their points
        network.Next = () => Fault.NoConnection;
        (await OfferAsync()).ShouldBe((201, ""));

        async Task<(int, string)> OfferAsync() => Result(await admin.SubmitAsync(
            "", new { title = "x", description = "x", company_id = place.Company, category_id = place.Category, points_cost = 1, stock = 1, area = code }));

        async Task<(int, string)> ChangeAsync(object change) => Result(await admin.PatchAsync($"/{coupon}", change));

        (int, string) Result((int Status, JsonElement Body) answer) => (answer.Status, answer.Status == 400 ? string.Join(' ', answer.Body.BadFields) : "");
    }

    [Fact]
    public async Task Without_gamification_eligibility_is_not_guessed()
    {
        var network = new FaultyNetwork();
        await using var host = await service.StartAnotherAsync(network: network);
        var user = await service.UserAsync(1);
        using var admin = host.Admin();
        var coupon = await host.OfferAsync(admin, await host.CreateCompanyAndCategoryAsync(), pointsCost: 1, more: new() { ["min_level"] = 1 });
        network.Next = () => Fault.NoConnection;
        using var client = host.As(user);

        (await host.RedeemAsync(user, coupon)).Body.Code.ShouldBe("points_unavailable");
        (await client.SubmitAsync($"/{coupon}/validate", null)).Body.Code.ShouldBe("points_unavailable");
        (await host.StockAsync(coupon)).ShouldBe(5);
    }

    [Fact]
    public async Task A_dry_run_gives_the_reason_and_reserves_nothing()
    {
        var now = TimeProvider.System.GetUtcNow();
        var user = await service.UserAsync(1);
        using var client = service.Host.As(user);
        var good = await service.Host.OfferAsync(1, stock: 5);
        var limited = await service.Host.OfferAsync(1, stock: 5, perUserLimit: 1);
        await service.Host.BuyAsync(user, limited);

        (await ReasonAsync(good)).ShouldBe((true, null));
        (await ReasonAsync(limited)).ShouldBe((false, "per_user_limit"));
        (await ReasonAsync(await service.Host.OfferAsync(1, stock: 0))).ShouldBe((false, "out_of_stock"));
        (await ReasonAsync(await service.Host.OfferAsync(1, 1, startsAt: now.AddDays(1)))).ShouldBe((false, "not_started"));
        (await ReasonAsync(await service.Host.OfferAsync(1, 1, startsAt: now.AddDays(-2), endsAt: now.AddDays(-1)))).ShouldBe((false, "ended"));
        (await ReasonAsync(await service.Host.OfferAsync(51, 1))).ShouldBe((false, "insufficient_points"));
        (await client.SubmitAsync("/2000000000/validate", null)).Status.ShouldBe(404);
        (await service.Host.StockAsync(good)).ShouldBe(5);

        async Task<(bool, string?)> ReasonAsync(int coupon)
        {
            var (status, body) = await client.SubmitAsync($"/{coupon}/validate", null);
            status.ShouldBe(200, body.ToString());
            return (body.GetProperty("valid").GetBoolean(), body.GetProperty("reason").GetString());
        }
    }

    /// <summary>Replaces fields of Gamification's response; null stands for a field that an older version does not send.</summary>
    private sealed class Account
    {
        public JsonObject Fields { get; set; } = [];

        public void AddTo(IServiceCollection services) => services.AddHttpClient(nameof(PointsClient)).AddHttpMessageHandler(() => new Handler(this));

        private sealed class Handler(Account account) : DelegatingHandler
        {
            protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            {
                var response = await base.SendAsync(request, cancellationToken);
                if (request.Method == HttpMethod.Get)
                {
                    var body = (await JsonNode.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken)).ShouldNotBeNull().AsObject();
                    foreach (var (name, value) in account.Fields)
                    {
                        body[name] = value?.DeepClone();
                    }

                    response.Content = new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
                }

                return response;
            }
        }
    }
}

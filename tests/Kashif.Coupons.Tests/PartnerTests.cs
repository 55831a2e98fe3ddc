using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;

namespace Kashif.Coupons.Tests;

/// <summary>Partners manage their own company's coupons, and no other's.</summary>
public sealed class PartnerTests(CouponsService service)
{
    private ServiceHost<Program> Host => service.Host;

    [Fact]
    public async Task A_partner_manages_only_its_own_company()
    {
        var own = await Host.CreateCompanyAndCategoryAsync();
        var other = await Host.CreateCompanyAndCategoryAsync();
        using var partner = await Host.PartnerAsync(own.Company);
        using var admin = Host.Admin();
        var coupon = await Host.OfferAsync(partner, own);
        var foreign = await Host.OfferAsync(admin, other);

        (await partner.ReadAsync("/companies/mine")).Body.GetProperty("items").EnumerateArray().Select(item => item.IntId).ShouldBe([own.Company]);
        (await partner.PatchAsync($"/companies/{own.Company}", new { description = "Better cakes" })).Body.GetProperty("description").GetString().ShouldBe("Better cakes");
        (await partner.SubmitAsync("", new { title = "x", description = "x", company_id = other.Company, category_id = own.Category, points_cost = 1, stock = 1 }))
            .Body.BadFields.ShouldBe(["company_id"]);

        foreach (var client in new[] { partner, admin })
        {
            (await client.PatchAsync($"/{coupon}", new { title = "Two cakes" })).Status.ShouldBe(200);
            (await client.SubmitAsync($"/{coupon}/restock", new { quantity = 1 })).Status.ShouldBe(200);
            (await client.ReadAsync($"/{coupon}/movements")).Status.ShouldBe(200);
            (await client.ReadAsync($"/{coupon}/redemptions")).Status.ShouldBe(200);
            (await client.ReadAsync($"/companies/{own.Company}/figures")).Status.ShouldBe(200);
        }

        (await partner.PatchAsync($"/companies/{other.Company}", new { description = "Mine" })).Status.ShouldBe(404);
        (await partner.PatchAsync($"/{foreign}", new { title = "Mine" })).Status.ShouldBe(404);
        (await partner.CallAsync(HttpMethod.Delete, $"/{foreign}")).Status.ShouldBe(404);
        (await partner.SubmitAsync($"/{foreign}/restock", new { quantity = 1 })).Status.ShouldBe(404);
        (await partner.SubmitAsync($"/{foreign}/codes", new { generate = 1 })).Status.ShouldBe(404);
        (await partner.ReadAsync($"/{foreign}/movements")).Status.ShouldBe(404);
        (await partner.ReadAsync($"/{foreign}/redemptions")).Status.ShouldBe(404);
        (await partner.ReadAsync($"/companies/{other.Company}/figures")).Status.ShouldBe(404);
        (await partner.CallAsync(HttpMethod.Put, $"/companies/{other.Company}/partners/{Guid.CreateVersion7()}")).Status.ShouldBe(403);
    }

    [Fact]
    public async Task A_removed_partner_manages_nothing()
    {
        var place = await Host.CreateCompanyAndCategoryAsync();
        var user = Guid.CreateVersion7();
        using var partner = await Host.PartnerAsync(place.Company, user);
        using var again = await Host.PartnerAsync(place.Company, user);
        using var citizen = Host.As(user, Roles.Citizen);
        using var admin = Host.Admin();

        (await citizen.ReadAsync("/companies/mine")).Status.ShouldBe(403);
        (await admin.ReadAsync($"/companies/{place.Company}/partners")).Body.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("user_id").GetGuid()).ShouldBe([user]);
        (await admin.CallAsync(HttpMethod.Delete, $"/companies/{place.Company}/partners/{user}")).Status.ShouldBe(204);
        (await admin.CallAsync(HttpMethod.Delete, $"/companies/{place.Company}/partners/{user}")).Status.ShouldBe(404);
        (await admin.CallAsync(HttpMethod.Put, $"/companies/2000000000/partners/{user}")).Status.ShouldBe(404);

        (await partner.ReadAsync($"/companies/{place.Company}/figures")).Status.ShouldBe(404);
        (await partner.ReadAsync("/companies/mine")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Each_change_of_the_partners_is_published_in_order()
    {
        var place = await Host.CreateCompanyAndCategoryAsync();
        using var admin = Host.Admin();
        Guid[] users = [.. Enumerable.Range(0, 8).Select(_ => Guid.CreateVersion7())];
        var missing = Guid.CreateVersion7();

        await Task.WhenAll(users.Select(user => Host.PartnerAsync(place.Company, user)));
        await Task.WhenAll(users.Take(4).Select(user => admin.CallAsync(HttpMethod.Delete, $"/companies/{place.Company}/partners/{user}")));
        (await admin.CallAsync(HttpMethod.Delete, $"/companies/{place.Company}/partners/{missing}")).Status.ShouldBe(404);
        await Host.PartnerAsync(place.Company, users[7]);

        await Eventually.TrueAsync(() => Events().Length == 13, "the events");
        Events().Select(data => data.GetProperty("version").GetInt32()).ShouldBe(Enumerable.Range(1, 13), ignoreOrder: true);
        foreach (var user in users)
        {
            var newest = Events().Where(data => data.GetProperty("user_id").GetGuid() == user).MaxBy(data => data.GetProperty("version").GetInt32());
            newest.GetProperty("is_partner").GetBoolean().ShouldBe(!users.Take(4).Contains(user));
        }

        JsonElement[] Events() =>
        [
            .. service.Tap.Envelopes(CompanyPartnerUpdated.Type).Select(envelope => envelope.GetProperty("data"))
                .Where(data => data.GetProperty("company_id").GetInt32() == place.Company),
        ];
    }

    [Fact]
    public async Task A_change_sets_its_fields_clears_those_that_are_null_and_keeps_the_others()
    {
        using var admin = Host.Admin();
        var place = await Host.CreateCompanyAndCategoryAsync();
        var title = $"A tea {Guid.CreateVersion7()}";
        var coupon = await Host.OfferAsync(
            admin, place, more: new() { ["title"] = title, ["per_user_limit"] = 2, ["terms"] = "Not on Fridays", ["min_level"] = 3, ["ends_at"] = "2999-01-01T00:00:00Z" });

        var (status, changed) = await admin.PatchAsync($"/{coupon}", new Dictionary<string, object?> { ["points_cost"] = 20, ["terms"] = null, ["ends_at"] = null, ["version"] = 1 });

        status.ShouldBe(200, changed.ToString());
        changed.GetProperty("points_cost").GetInt32().ShouldBe(20);
        changed.GetProperty("title").GetString().ShouldBe(title);
        changed.GetProperty("per_user_limit").GetInt32().ShouldBe(2);
        changed.GetProperty("min_level").GetInt32().ShouldBe(3);
        changed.GetProperty("terms").ValueKind.ShouldBe(JsonValueKind.Null);
        changed.GetProperty("ends_at").ValueKind.ShouldBe(JsonValueKind.Null);
        changed.GetProperty("version").GetInt32().ShouldBe(2);
        (await admin.ReadAsync($"/{coupon}")).Body.GetRawText().ShouldBe(changed.GetRawText());
        await service.Tap.WaitForAsync(CouponUpdated.Type, data => data.GetProperty("title").GetString() == title && data.GetProperty("version").GetInt32() == 2);

        var (stale, problem) = await admin.PatchAsync($"/{coupon}", new { title = "Late", version = 1 });
        (stale, problem.Code).ShouldBe((409, "coupon_changed"));
        (await admin.PatchAsync($"/{coupon}", new { title = "", category_id = 2_000_000_000, ends_at = "2001-01-01T00:00:00Z", points_cost = 0 }))
            .Body.BadFields.ShouldBe(["category_id", "ends_at", "points_cost", "title"]);
    }

    [Fact]
    public async Task Concurrent_changes_of_different_fields_and_redemptions_are_all_kept()
    {
        using var admin = Host.Admin();
        var coupon = await Host.OfferAsync(1, stock: 100);
        var users = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => service.UserAsync(1)));

        var redeeming = Task.WhenAll(users.Select(user => Host.RedeemAsync(user, coupon)));
        var changing = Task.WhenAll(Enumerable.Range(1, 16).Select(index => index % 2 == 0
            ? admin.SubmitAsync($"/{coupon}/restock", new { quantity = 1 })
            : index == 1 ? admin.PatchAsync($"/{coupon}", new { title = "New title" })
            : index == 3 ? admin.PatchAsync($"/{coupon}", new { description = "New description" })
            : admin.PatchAsync($"/{coupon}", new { per_user_limit = 7 })));
        (await redeeming).ShouldAllBe(response => response.Status == 201);
        (await changing).ShouldAllBe(response => response.Status == 200);

        var read = (await admin.ReadAsync($"/{coupon}")).Body;
        (read.GetProperty("title").GetString(), read.GetProperty("description").GetString(), read.GetProperty("per_user_limit").GetInt32())
            .ShouldBe(("New title", "New description", 7));
        (read.GetProperty("stock").GetInt32(), read.GetProperty("version").GetInt32()).ShouldBe((100 - 8 + 8, 17));
        await Host.StockShouldAddUpAsync();
        var kinds = (await admin.ReadAsync($"/{coupon}/movements?limit=100")).Body.GetProperty("items").EnumerateArray()
            .CountBy(movement => movement.GetProperty("kind").GetString() ?? "").ToDictionary();
        kinds.ShouldBe(new Dictionary<string, int> { ["initial"] = 1, ["restocked"] = 8, ["reserved"] = 8 }, ignoreOrder: true);
    }

    [Fact]
    public async Task A_withdrawn_coupon_is_hidden_and_its_codes_stay_valid()
    {
        var place = await Host.CreateCompanyAndCategoryAsync();
        using var partner = await Host.PartnerAsync(place.Company);
        var word = Guid.CreateVersion7().ToString("N");
        var coupon = await Host.OfferAsync(partner, place, more: new() { ["title"] = word });
        var user = await service.UserAsync(1);
        var bought = await Host.BuyAsync(user, coupon);

        (await partner.CallAsync(HttpMethod.Delete, $"/{coupon}")).Status.ShouldBe(204);
        (await partner.CallAsync(HttpMethod.Delete, $"/{coupon}")).Status.ShouldBe(204);

        using var client = Host.As(user);
        (await client.ReadAsync($"?q={word}")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
        (await client.ReadAsync($"/{coupon}")).Body.GetProperty("withdrawn_at").ValueKind.ShouldBe(JsonValueKind.String);
        (await Host.RedeemAsync(user, coupon)).Body.Code.ShouldBe("coupon_not_available");
        (await client.SubmitAsync($"/{coupon}/validate", null)).Body.GetProperty("reason").GetString().ShouldBe("withdrawn");
        (await partner.PatchAsync($"/{coupon}", new { title = "Again" })).Body.Code.ShouldBe("coupon_withdrawn");
        (await partner.SubmitAsync($"/{coupon}/restock", new { quantity = 1 })).Body.Code.ShouldBe("coupon_withdrawn");
        (await partner.SubmitAsync("/redemptions/use", new { code = bought.Code })).Status.ShouldBe(200);
        await service.Tap.WaitForAsync(CouponUpdated.Type, data => data.GetProperty("title").GetString() == word && data.GetProperty("stock").GetInt32() == 0);
    }

    [Fact]
    public async Task Restocking_stays_within_the_largest_stock()
    {
        using var admin = Host.Admin();
        var coupon = await Host.OfferAsync(10, stock: 0);

        (await admin.SubmitAsync($"/{coupon}/restock", new { quantity = 0 })).Status.ShouldBe(400);
        (await admin.SubmitAsync($"/{coupon}/restock", new { quantity = 1_000_000 }, key: "once")).Body.GetProperty("stock").GetInt32().ShouldBe(1_000_000);
        (await admin.SubmitAsync($"/{coupon}/restock", new { quantity = 1_000_000 }, key: "once")).Status.ShouldBe(200);
        (await admin.SubmitAsync($"/{coupon}/restock", new { quantity = 1 })).Body.Code.ShouldBe("stock_too_large");
        await Host.StockShouldAddUpAsync();
    }

    [Fact]
    public async Task A_company_sees_figures_and_redemptions_without_its_customers()
    {
        var place = await Host.CreateCompanyAndCategoryAsync();
        using var partner = await Host.PartnerAsync(place.Company);
        var (first, second) = (await Host.OfferAsync(partner, place, pointsCost: 10), await Host.OfferAsync(partner, place, pointsCost: 3));
        var user = await service.UserAsync(1);
        var bought = await Host.BuyAsync(user, first);
        await Host.BuyAsync(user, first);
        await Host.BuyAsync(user, second);
        (await partner.SubmitAsync($"/redemptions/{bought.Id}/use", null)).Status.ShouldBe(200);

        var figures = (await partner.ReadAsync($"/companies/{place.Company}/figures?limit=1")).Body;
        var next = (await partner.ReadAsync($"/companies/{place.Company}/figures?limit=1&cursor={figures.GetProperty("next_cursor").GetString()}")).Body;
        var list = (await partner.ReadAsync($"/{first}/redemptions")).Body;

        Numbers(figures).ShouldBe((3, 1, 23));
        figures.GetProperty("items").EnumerateArray().Select(item => (item.GetProperty("coupon_id").GetInt32(), Numbers(item))).ShouldBe([(second, (1, 0, 3))]);
        next.GetProperty("items").EnumerateArray().Select(item => (item.GetProperty("coupon_id").GetInt32(), Numbers(item))).ShouldBe([(first, (2, 1, 20))]);
        next.GetProperty("redemptions").ValueKind.ShouldBe(JsonValueKind.Null); // aggregated once, not for each page
        next.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        var used = list.GetProperty("items").EnumerateArray().Single(item => item.Id == bought.Id);
        used.GetProperty("code_last4").GetString().ShouldBe(bought.Code?[^4..]);
        used.GetProperty("used_at").ValueKind.ShouldBe(JsonValueKind.String);
        list.GetRawText().ShouldNotContain(user.ToString());
        list.GetRawText().ShouldNotContain(bought.Code ?? "-");

        static (int, int, long) Numbers(JsonElement figures) =>
            (figures.GetProperty("redemptions").GetInt32(), figures.GetProperty("used").GetInt32(), figures.GetProperty("points").GetInt64());
    }
}

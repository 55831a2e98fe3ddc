using System.Text.Json;
using Kashif.Messaging.Events;

namespace Kashif.Coupons.Tests.Shop;

/// <summary>Products: creating, finding, changing and withdrawing them, and who may.</summary>
public sealed class ProductTests(CouponsService service)
{
    [Fact]
    public async Task A_created_product_is_found_under_its_sku_in_any_case()
    {
        var (company, category) = await service.Host.CreateCompanyAndCategoryAsync();
        using var admin = service.Host.Admin();
        using var anonymous = service.Host.Anonymous();
        var sku = $"p-{Guid.CreateVersion7():N}";
        var request = new
        {
            sku,
            name = "A mug",
            description = "Porcelain",
            category_id = category,
            company_id = company,
            points_cost = 120,
            stock_quantity = 40,
        };

        using var response = await admin.SendAsync("/products", request, key: "one");
        var created = await response.JsonAsync();
        var (_, replayed) = await admin.SubmitAsync("/products", request, key: "one");
        var (again, problem) = await admin.SubmitAsync("/products", request with { sku = sku.ToUpperInvariant() });

        ((int)response.StatusCode).ShouldBe(201, created.ToString());
        created.Text("sku").ShouldBe(sku.ToUpperInvariant());
        (created.Number("points_cost"), created.Number("stock_quantity"), created.Number("company_id")).ShouldBe((120, 40, company));
        response.Headers.Location?.ToString().ShouldBe($"{CouponsService.Area}/products/{sku.ToUpperInvariant()}");
        replayed.GetRawText().ShouldBe(created.GetRawText());
        (again, problem.Code).ShouldBe((409, "sku_taken"));
        (await anonymous.ReadAsync($"/products/{sku}")).Body.GetRawText().ShouldBe(created.GetRawText());
        (await anonymous.ReadAsync($"/products?q={sku[2..]}%20PORC")).Body.Items().ShouldHaveSingleItem().GetRawText().ShouldBe(created.GetRawText());
        (await anonymous.ReadAsync($"/products?category_id={category}&limit=1")).Body.Items().ShouldHaveSingleItem();
        (await anonymous.ReadAsync($"/products?q={sku[2..]}&category_id={category + 1}")).Body.Items().ShouldBeEmpty();
        var published = (await service.Tap.WaitForAsync(ProductCreated.Type, data => data.Text("sku") == sku.ToUpperInvariant())).GetProperty("data");
        (published.Number("points_cost"), published.Number("version")).ShouldBe((120, 1));
    }

    [Fact]
    public async Task An_invalid_product_returns_every_bad_field()
    {
        using var admin = service.Host.Admin();

        var (status, body) = await admin.SubmitAsync("/products", new
        {
            sku = "a b",
            name = " ",
            description = "x",
            category_id = int.MaxValue,
            company_id = int.MaxValue,
            points_cost = 0,
            stock_quantity = -1,
        });

        status.ShouldBe(400);
        body.BadFields.ShouldBe(["category_id", "company_id", "name", "points_cost", "sku", "stock_quantity"]);
    }

    [Fact]
    public async Task Partners_manage_the_products_of_their_companies_only()
    {
        var (company, category) = await service.Host.CreateCompanyAndCategoryAsync();
        var (other, _) = await service.Host.CreateCompanyAndCategoryAsync();
        using var partner = await service.Host.PartnerAsync(company);
        var own = await service.Host.SellAsync(10, 5, company);
        string[] foreign = [await service.Host.SellAsync(10, 5, other), await service.Host.SellAsync(10, 5)];

        (await CreateAsync(company)).Status.ShouldBe(201);
        (await CreateAsync(other)).Body.BadFields.ShouldBe(["company_id"]);
        (await CreateAsync(null)).Body.BadFields.ShouldBe(["company_id"]);
        (await partner.CallAsync(HttpMethod.Patch, $"/products/{own}", new { points_cost = 11 })).Body.Number("points_cost").ShouldBe(11);
        (await partner.ReadAsync($"/inventory/{own}")).Status.ShouldBe(200);
        foreach (var sku in foreign)
        {
            (await partner.CallAsync(HttpMethod.Patch, $"/products/{sku}", new { points_cost = 11 })).Status.ShouldBe(404);
            (await partner.CallAsync(HttpMethod.Delete, $"/products/{sku}")).Status.ShouldBe(404);
            (await partner.ReadAsync($"/inventory/{sku}")).Status.ShouldBe(404);
            (await partner.ReadAsync($"/inventory/{sku}/movements")).Status.ShouldBe(404);
            (await partner.SubmitAsync($"/inventory/{sku}/adjust", new { quantity = 1, reason = "Found" })).Status.ShouldBe(404);
        }

        (await partner.CallAsync(HttpMethod.Delete, $"/products/{own}")).Status.ShouldBe(204);
        using var citizen = service.Host.As(Guid.CreateVersion7());
        (await citizen.CallAsync(HttpMethod.Delete, $"/products/{foreign[0]}")).Status.ShouldBe(403);
        (await citizen.ReadAsync($"/inventory/{foreign[0]}")).Status.ShouldBe(403);

        Task<(int Status, JsonElement Body)> CreateAsync(int? companyId) => partner.SubmitAsync("/products", new
        {
            sku = $"P-{Guid.CreateVersion7():N}",
            name = "A mug",
            description = "Porcelain",
            category_id = category,
            company_id = companyId,
            points_cost = 1,
            stock_quantity = 1,
        });
    }

    [Fact]
    public async Task A_changed_or_withdrawn_product_leaves_its_orders_as_they_are()
    {
        var user = await service.UserAsync(2);
        var sku = await service.Host.SellAsync(30, stock: 5);
        using var admin = service.Host.Admin();
        using var client = service.Host.As(user);
        var (_, order) = await service.Host.OrderAsync(user, [(sku, 1)]);

        var (changed, product) = await admin.CallAsync(HttpMethod.Patch, $"/products/{sku.ToLowerInvariant()}", new { name = "A blue mug", points_cost = 31 });
        var shown = await client.SubmitAsync("/orders", new { items = new[] { new { sku, quantity = 1 } }, shipping_address = ShopClient.Address(), total_points = 30 });
        var withdrawn = await admin.CallAsync(HttpMethod.Delete, $"/products/{sku}");

        (changed, product.Text("name"), product.Text("description"), product.Number("points_cost")).ShouldBe((200, "A blue mug", "Porcelain", 31));
        (shown.Status, shown.Body.Code).ShouldBe((422, "price_changed"));
        withdrawn.Status.ShouldBe(204);
        (await admin.CallAsync(HttpMethod.Delete, $"/products/{sku}")).Status.ShouldBe(404);
        (await admin.CallAsync(HttpMethod.Patch, $"/products/{sku}", new { points_cost = 1 })).Status.ShouldBe(404);
        (await admin.ReadAsync($"/products/{sku}")).Status.ShouldBe(404);
        (await admin.ReadAsync($"/products?q={sku}")).Body.Items().ShouldBeEmpty();
        var refused = await service.Host.OrderAsync(user, [(sku, 1)]);
        (refused.Status, refused.Body.Code).ShouldBe((422, "product_not_available"));
        var item = (await client.ReadAsync($"/orders/{order.Id}")).Body.Items().ShouldHaveSingleItem();
        (item.Text("name"), item.Number("points_cost")).ShouldBe(("A mug", 30));
        (await admin.ReadAsync($"/inventory/{sku}?quantity=1")).Body.GetProperty("is_available").GetBoolean().ShouldBeFalse();
        await service.Tap.WaitForAsync(ProductDeleted.Type, data => data.Text("sku") == sku && data.Number("version") == 3);
        await service.Tap.WaitForAsync(ProductUpdated.Type, data => data.Text("sku") == sku && data.Number("version") == 2);
    }

    [Fact]
    public async Task The_affordable_filter_uses_the_callers_points_and_is_not_cached()
    {
        var name = $"Mug {Guid.CreateVersion7():N}";
        var cheap = await service.Host.SellAsync(50, 1, name: name);
        await service.Host.SellAsync(51, 1, name: name);
        using var rich = service.Host.As(await service.UserAsync(1));
        using var anonymous = service.Host.Anonymous();

        using var response = await rich.GetAsync($"{CouponsService.Area}/products?q={name}&affordable=true", TestContext.Current.CancellationToken);

        (await response.JsonAsync()).Items().Select(item => item.Text("sku")).ShouldBe([cheap]);
        response.Headers.CacheControl?.NoStore.ShouldBeTrue();
        (await anonymous.ReadAsync($"/products?q={name}&affordable=true")).Status.ShouldBe(401);
        (await anonymous.ReadAsync($"/products?q={name}")).Body.Items().Length.ShouldBe(2);
    }

    [Theory]
    [InlineData("/products/NOT-THERE", 404)]
    [InlineData("/products/%20", 404)]
    [InlineData("/products/a_b", 404)]
    [InlineData("/products?cursor=nonsense", 400)]
    [InlineData("/products?category_id=x", 400)]
    public async Task Malformed_requests_return_4xx(string path, int status)
    {
        using var anonymous = service.Host.Anonymous();

        (await anonymous.ReadAsync(path)).Status.ShouldBe(status);
    }
}

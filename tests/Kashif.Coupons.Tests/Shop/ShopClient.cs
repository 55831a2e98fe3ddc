using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Tests.Shop;

internal static class ShopClient
{
    public static object Address(string line1 = "12 Straight Street") => new { name = "Amina", line1, city = "Damascus", country = "SY" };

    extension(ServiceHost<Program> host)
    {
        /// <summary>Puts a product into the shop.</summary>
        /// <param name="company">The company that offers it; null for the city.</param>
        /// <returns>Its sku.</returns>
        public async Task<string> SellAsync(int pointsCost, int stock, int? company = null, string name = "A mug")
        {
            var (_, category) = await host.CreateCompanyAndCategoryAsync();
            using var admin = host.Admin();
            var sku = $"P-{Guid.CreateVersion7():N}".ToUpperInvariant();
            var (status, body) = await admin.SubmitAsync("/products", new
            {
                sku,
                name,
                description = "Porcelain",
                category_id = category,
                company_id = company,
                points_cost = pointsCost,
                stock_quantity = stock,
            });
            status.ShouldBe(201, body.ToString());
            return sku;
        }

        public async Task<(int Status, JsonElement Body)> OrderAsync(Guid user, (string Sku, int Quantity)[] items, string? key = null)
        {
            using var client = host.As(user);
            return await client.SubmitAsync("/orders", new { items = items.Select(item => new { sku = item.Sku, quantity = item.Quantity }), shipping_address = Address() }, key);
        }

        /// <summary>A partner of the company.</summary>
        public async Task<HttpClient> PartnerAsync(int company)
        {
            var user = Guid.CreateVersion7();
            using var admin = host.Admin();
            (await admin.CallAsync(HttpMethod.Put, $"/companies/{company}/partners/{user}")).Status.ShouldBe(204);
            return host.As(user, Roles.Partner);
        }

        public async Task<(int OnHand, int Reserved)> StockOfAsync(string sku) => await host.QueryAsync(async database =>
        {
            var product = await database.Products.AsNoTracking().SingleAsync(row => row.Sku == sku);
            return (product.OnHand, product.Reserved);
        });

        /// <summary>The stock of every product is the sum of its movements, and its reserved items are those of placed orders.</summary>
        public async Task MovementsShouldAddUpAsync()
        {
            var wrong = await host.QueryAsync(database => database.Database.SqlQuery<string>($"""
                SELECT sku AS "Value" FROM products p WHERE
                    on_hand <> (SELECT coalesce(sum(CASE kind WHEN 'sold' THEN -quantity WHEN 'reserved' THEN 0 WHEN 'released' THEN 0 ELSE quantity END), 0)
                        FROM product_movements WHERE product_id = p.id)
                    OR reserved <> (SELECT coalesce(sum(CASE kind WHEN 'reserved' THEN quantity WHEN 'released' THEN -quantity WHEN 'sold' THEN -quantity ELSE 0 END), 0)
                        FROM product_movements WHERE product_id = p.id)
                    OR reserved <> (SELECT coalesce(sum(quantity), 0) FROM order_items i JOIN orders o ON o.id = i.order_id
                        WHERE i.product_id = p.id AND paid_at IS NULL AND status <> 'cancelled')
                    OR stock_version <> (SELECT count(*) FROM product_movements WHERE product_id = p.id)
                """).ToListAsync());
            wrong.ShouldBeEmpty();
        }
    }

    extension(HttpClient client)
    {
        public async Task<(int Status, JsonElement Body)> CallAsync(HttpMethod method, string path, object? body = null, string? ifMatch = null)
        {
            using var request = new HttpRequestMessage(method, CouponsService.Area + path) { Content = body is null ? null : JsonContent.Create(body) };
            if (ifMatch is not null)
            {
                request.Headers.IfMatch.Add(EntityTagHeaderValue.Parse(ifMatch));
            }

            using var response = await client.SendAsync(request);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        public Task<(int Status, JsonElement Body)> AdvanceAsync(Guid order, string status, string? ifMatch = null) =>
            client.CallAsync(HttpMethod.Patch, $"/orders/{order}/status", new { status }, ifMatch);
    }

    public static JsonElement[] Items(this JsonElement page) => [.. page.GetProperty("items").EnumerateArray()];

    public static int Number(this JsonElement element, string field) => element.GetProperty(field).GetInt32();

    public static string? Text(this JsonElement element, string field) => element.GetProperty(field).GetString();
}

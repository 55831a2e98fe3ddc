using System.Text;
using Kashif.Coupons.Codes;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Tests;

/// <summary>Coupons whose codes the company has imported or generated.</summary>
public sealed class CodePoolTests(CouponsService service)
{
    private ServiceHost<Program> Host => service.Host;

    [Fact]
    public async Task Imported_codes_are_the_stock_and_are_given_in_their_order()
    {
        var coupon = await Host.OfferPoolAsync("code\r\nAAAA-1\r\n\"BBBB-2\"\r\n");
        using var admin = Host.Admin();
        var user = await service.UserAsync(1);

        (await Host.StockAsync(coupon)).ShouldBe(2);
        (await Host.BuyAsync(user, coupon)).Code.ShouldBe("AAAA-1");
        (await admin.SubmitAsync($"/{coupon}/codes", new { generate = 3 }, key: "once")).Body.GetProperty("stock").GetInt32().ShouldBe(4);
        (await admin.SubmitAsync($"/{coupon}/codes", new { generate = 3 }, key: "once")).Body.GetProperty("stock").GetInt32().ShouldBe(4);
        (await Host.BuyAsync(user, coupon)).Code.ShouldBe("BBBB-2");
        (await Host.BuyAsync(user, coupon)).Code.ShouldNotBeNull().ShouldMatch("^[0-9A-HJKMNP-TV-Z]{12}$");
        (await admin.SubmitAsync($"/{coupon}/restock", new { quantity = 1 })).Body.Code.ShouldBe("pool_of_codes");
        await Host.StockShouldAddUpAsync();
    }

    [Fact]
    public async Task A_bad_file_adds_nothing_and_the_response_names_its_lines()
    {
        var coupon = await Host.OfferPoolAsync("AAAA-1\nAAAA-2");
        using var admin = Host.Admin();

        (await ErrorsAsync("BBBB-1\nx\nBBBB-1\nB BB\na,b")).ShouldBe(
            [
                .. new[] { 2, 4, 5 }.Select(line => $"Line {line}: not a code. A code has 4 to 64 letters, digits, dots, slashes, hyphens or underscores."),
                "Line 3: the same code as in line 1.",
            ],
            ignoreOrder: true);
        (await ErrorsAsync("BBBB-1\nAAAA-2\nAAAA-1")).ShouldBe(["Line 2: the company already has this code.", "Line 3: the company already has this code."]);
        (await ErrorsAsync("")).ShouldBe(["The file has no codes."]);
        (await ErrorsAsync(string.Join('\n', Enumerable.Range(0, 100_001).Select(number => $"C-{number:000000}")))).ShouldBe(["At most 100000 codes."]);
        (await admin.ImportAsync(coupon, Encoding.Latin1.GetBytes("BBBB-é"))).Status.ShouldBe(400);
        (await admin.ImportAsync(coupon, Encoding.Unicode.GetBytes("BBBB-1"), "text/csv; charset=utf-16")).Status.ShouldBe(415);
        (await admin.ImportAsync(coupon, "BBBB-1"u8.ToArray(), "text/plain")).Status.ShouldBe(415);
        (await admin.ImportAsync(coupon, new byte[(5 * 1024 * 1024) + 1])).Status.ShouldBe(413);
        (await admin.SubmitAsync($"/{coupon}/codes", new { generate = 0 })).Body.BadFields.ShouldBe(["generate"]);
        (await admin.SubmitAsync($"/{coupon}/codes", new { })).Body.BadFields.ShouldBe(["generate"]);
        (await admin.SubmitAsync($"/{await Host.OfferAsync(1, 1)}/codes", new { generate = 1 })).Body.Code.ShouldBe("not_a_pool");
        (await Host.StockAsync(coupon)).ShouldBe(2);
        await Host.StockShouldAddUpAsync();

        async Task<string?[]> ErrorsAsync(string csv)
        {
            var (status, body) = await admin.ImportAsync(coupon, csv);
            status.ShouldBe(400, body.ToString());
            return [.. body.GetProperty("errors").GetProperty("codes").EnumerateArray().Select(error => error.GetString())];
        }
    }

    [Fact]
    public async Task Two_imports_of_a_company_with_the_same_codes_in_another_order_wait_for_each_other()
    {
        using var admin = Host.Admin();
        var place = await Host.CreateCompanyAndCategoryAsync();
        var coupons = new[] { await PoolAsync(), await PoolAsync() };
        string[] lines = [.. Enumerable.Range(0, 20_000).Select(number => $"C-{number:000000}")];

        var responses = await Task.WhenAll(
            admin.ImportAsync(coupons[0], string.Join('\n', lines)), admin.ImportAsync(coupons[1], string.Join('\n', lines.Reverse())));

        responses.Select(response => response.Status).ShouldBe([200, 400], ignoreOrder: true);
        (await Task.WhenAll(coupons.Select(Host.StockAsync))).ShouldBe([0, 20_000], ignoreOrder: true);

        Task<int> PoolAsync() => Host.OfferAsync(admin, place, stock: 0, more: new() { ["code_mode"] = "pool" });
    }

    [Fact]
    public async Task The_largest_file_is_imported_with_a_byte_order_mark()
    {
        var lines = string.Join('\n', Enumerable.Range(0, 100_000).Select(number => $"C-{number:000000}"));

        var coupon = await Host.OfferPoolAsync($"\uFEFF{lines}");

        (await Host.StockAsync(coupon)).ShouldBe(100_000);
        (await Host.BuyAsync(await service.UserAsync(1), coupon)).Code.ShouldBe("C-000000");
    }

    [Fact]
    public async Task Sixty_four_redemptions_at_once_get_different_codes()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => service.UserAsync(1)));
        string[] codes = [.. Enumerable.Range(0, 40).Select(number => $"RACE-{number}")];
        var coupon = await Host.OfferPoolAsync(string.Join('\n', codes), pointsCost: 1);

        var responses = await Task.WhenAll(Enumerable.Range(0, 64).Select(index => Host.RedeemAsync(users[index % users.Length], coupon)));

        responses.Where(response => response.Status == 201).Select(response => response.Body.Code).ShouldBe(codes, ignoreOrder: true);
        responses.Where(response => response.Status != 201).Select(response => response.Body.Code).Distinct().ShouldBe(["out_of_stock"]);
        await Host.StockShouldAddUpAsync();
    }

    [Fact]
    public async Task A_code_that_its_user_has_seen_is_not_given_again()
    {
        var coupon = await Host.OfferPoolAsync("SEEN-1\nNEXT-2");
        var user = await service.UserAsync(1);
        using var client = Host.As(user);
        var bought = await Host.BuyAsync(user, coupon);

        (await client.SubmitAsync($"/redemptions/{bought.Id}/cancel", null)).Status.ShouldBe(200);

        (await Host.StockAsync(coupon)).ShouldBe(1);
        (await Host.BuyAsync(user, coupon)).Code.ShouldBe("NEXT-2");
        (await Host.RedeemAsync(user, coupon)).Body.Code.ShouldBe("out_of_stock");
        (await Host.QueryAsync(database => database.PoolCodes.Where(row => row.CouponId == coupon).OrderBy(row => row.Id).Select(row => row.State).ToListAsync()))
            .ShouldBe([PoolCodeState.Void, PoolCodeState.Given]);
        await Host.StockShouldAddUpAsync();
    }

    [Fact]
    public async Task A_user_who_cancels_again_and_again_does_not_empty_the_pool()
    {
        var coupon = await Host.OfferPoolAsync("ONE-1\nTWO-2\nTHREE-3\nFOUR-4");
        var user = await service.UserAsync(1);
        using var client = Host.As(user);
        for (var time = 0; time < 3; time++)
        {
            var bought = await Host.BuyAsync(user, coupon);
            (await client.SubmitAsync($"/redemptions/{bought.Id}/cancel", null)).Status.ShouldBe(200);
        }

        (await Host.RedeemAsync(user, coupon)).Body.Code.ShouldBe("too_many_cancellations");
        (await client.SubmitAsync($"/{coupon}/validate", null)).Body.GetProperty("reason").GetString().ShouldBe("too_many_cancellations");
        (await Host.StockAsync(coupon)).ShouldBe(1);
        (await Host.BuyAsync(await service.UserAsync(1), coupon)).Code.ShouldBe("FOUR-4");
    }

    [Theory]
    [InlineData("pool", 1, null, "stock")]
    [InlineData("shared", 1, null, "shared_code")]
    [InlineData("shared", 1, "a b", "shared_code")]
    [InlineData("generated", 1, "SUMMER", "shared_code")]
    [InlineData("other", 1, null, "code_mode")]
    public async Task The_fields_of_the_code_mode_are_checked(string mode, int stock, string? shared, string field)
    {
        var (company, category) = await Host.CreateCompanyAndCategoryAsync();
        using var admin = Host.Admin();

        var (status, body) = await admin.SubmitAsync(
            "", new { title = "x", description = "x", company_id = company, category_id = category, points_cost = 1, stock, code_mode = mode, shared_code = shared });

        status.ShouldBe(400, body.ToString());
        body.BadFields.ShouldBe([field]);
    }
}

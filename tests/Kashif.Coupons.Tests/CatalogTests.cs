using System.Net;
using System.Text.Json;

namespace Kashif.Coupons.Tests;

/// <summary>Companies, categories and coupons: creating them, reading them, permissions.</summary>
public sealed class CatalogTests(CouponsService service)
{
    [Theory]
    [InlineData("/companies")]
    [InlineData("/categories")]
    [InlineData("")]
    public async Task Only_admins_can_create_catalogue_entries(string path)
    {
        using var citizen = service.Host.As(Guid.CreateVersion7());
        using var anonymous = service.Host.Anonymous();

        (await citizen.SubmitAsync(path, new { name = "Mine" })).Status.ShouldBe(403);
        (await anonymous.SubmitAsync(path, new { name = "Mine" })).Status.ShouldBe(401);
    }

    [Theory]
    [InlineData("/companies")]
    [InlineData("/categories")]
    public async Task A_created_entry_is_listed_once(string path)
    {
        using var admin = service.Host.Admin();
        var name = $"Name {Guid.CreateVersion7()}";

        var (status, created) = await admin.SubmitAsync(path, new { name, description = "Good" }, key: "one");
        var (_, replayed) = await admin.SubmitAsync(path, new { name, description = "Good" }, key: "one");
        var (again, problem) = await admin.SubmitAsync(path, new { name, description = "Other" });

        status.ShouldBe(201);
        replayed.IntId.ShouldBe(created.IntId);
        (again, problem.Code).ShouldBe((409, "name_taken"));
        var items = await AllAsync($"{path}?limit=2");
        items.Count(item => item.GetProperty("name").GetString() == name).ShouldBe(1);
        items.Select(item => item.IntId).ShouldBeInOrder();
    }

    [Fact]
    public async Task A_created_coupon_has_the_requested_values()
    {
        var (company, category) = await service.Host.CreateCompanyAndCategoryAsync();
        using var admin = service.Host.Admin();

        using var response = await admin.SendAsync("", new
        {
            title = "A cake",
            description = "One for two",
            company_id = company,
            category_id = category,
            points_cost = 100,
            stock = 5,
            per_user_limit = 2,
            starts_at = "2026-01-01T00:00:00Z",
            ends_at = "2999-12-31T02:00:00+02:00",
            terms = "Not on Fridays",
        });
        var created = await response.JsonAsync();

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var anonymous = service.Host.Anonymous();
        var read = JsonSerializer.Deserialize<JsonElement>(
            await anonymous.GetStringAsync(response.Headers.Location, TestContext.Current.CancellationToken));
        read.GetRawText().ShouldBe(created.GetRawText());
        read.GetProperty("points_cost").GetInt32().ShouldBe(100);
        read.GetProperty("stock").GetInt32().ShouldBe(5);
        read.GetProperty("per_user_limit").GetInt32().ShouldBe(2);
        read.GetProperty("ends_at").GetString().ShouldBe("2999-12-31T00:00:00.000000Z");
        read.GetProperty("terms").GetString().ShouldBe("Not on Fridays");
    }

    [Fact]
    public async Task An_invalid_coupon_returns_every_bad_field()
    {
        using var admin = service.Host.Admin();

        var (status, body) = await admin.SubmitAsync("", new { title = "A \u202eekac", description = "x", company_id = "one", points_cost = 0, stock = -1 });

        status.ShouldBe(400);
        body.BadFields.ShouldBe(["category_id", "company_id", "points_cost", "stock", "title"]);
    }

    [Fact]
    public async Task A_coupon_needs_an_existing_company_and_category_and_an_end_after_its_start()
    {
        var (company, category) = await service.Host.CreateCompanyAndCategoryAsync();
        using var admin = service.Host.Admin();

        (await PostAsync(int.MaxValue, category)).ShouldBe(["company_id"]);
        (await PostAsync(company, int.MaxValue)).ShouldBe(["category_id"]);
        (await PostAsync(company, category, "2020-01-01T00:00:00Z")).ShouldBe(["ends_at"]);
        (await PostAsync(int.MaxValue, int.MaxValue, "2020-01-01T00:00:00Z")).ShouldBe(["category_id", "company_id", "ends_at"]);
        (await PostAsync(company, category, "2999-12-31")).ShouldBe(["ends_at"]);
        (await PostAsync(company, category, "2999-12-31T23:59:59")).ShouldBe(["ends_at"]);

        async Task<string[]> PostAsync(int companyId, int categoryId, string? endsAt = null)
        {
            var (status, body) = await admin.SubmitAsync("", new
            {
                title = "A cake",
                description = "One",
                company_id = companyId,
                category_id = categoryId,
                points_cost = 1,
                stock = 1,
                ends_at = endsAt,
            });
            status.ShouldBe(400);
            return body.BadFields;
        }
    }

    [Fact]
    public async Task The_list_has_only_coupons_on_offer_that_match_the_filters()
    {
        var now = TimeProvider.System.GetUtcNow();
        var word = Guid.CreateVersion7().ToString("N");
        var plain = await service.Host.OfferAsync(10, 1, title: $"{word} a 50% cake");
        var soldOut = await service.Host.OfferAsync(10, 0, title: $"{word} a 50_cake");
        var upcoming = await service.Host.OfferAsync(10, 1, title: word, startsAt: now.AddDays(1));
        var expired = await service.Host.OfferAsync(10, 1, title: word, startsAt: now.AddDays(-2), endsAt: now.AddDays(-1));
        using var anonymous = service.Host.Anonymous();
        var (_, one) = await anonymous.ReadAsync($"/{plain}");

        (await IdsAsync($"q={word.ToUpperInvariant()}")).ShouldBe([soldOut, plain]);
        (await IdsAsync($"q={word}%20{Uri.EscapeDataString("50%")}")).ShouldBe([plain]);
        (await IdsAsync($"q={word}%20{Uri.EscapeDataString("50_")}")).ShouldBe([soldOut]);
        (await IdsAsync($"company_id={one.GetProperty("company_id")}")).ShouldBe([plain]);
        (await IdsAsync($"category_id={one.GetProperty("category_id")}")).ShouldBe([plain]);
        (await IdsAsync($"category_id={one.GetProperty("category_id")}&company_id=0")).ShouldBeEmpty();

        // A coupon that is not on offer can still be read: a user may hold one of its codes.
        (await anonymous.ReadAsync($"/{upcoming}")).Status.ShouldBe(200);
        (await anonymous.ReadAsync($"/{expired}")).Status.ShouldBe(200);

        async Task<int[]> IdsAsync(string query) => [.. (await AllAsync($"?{query}&limit=1")).Select(item => item.IntId)];
    }

    [Fact]
    public async Task The_list_is_sorted_and_filtered_by_cost_and_end()
    {
        var now = TimeProvider.System.GetUtcNow();
        var word = Guid.CreateVersion7().ToString("N");
        var dear = await service.Host.OfferAsync(30, 1, title: word);
        var cheap = await service.Host.OfferAsync(10, 1, title: word, endsAt: now.AddDays(20));
        var soon = await service.Host.OfferAsync(20, 1, title: word, endsAt: now.AddDays(3));
        var alike = await service.Host.OfferAsync(10, 1, title: word);
        using var anonymous = service.Host.Anonymous();

        (await IdsAsync("")).ShouldBe([alike, soon, cheap, dear]);
        (await IdsAsync("&sort=newest")).ShouldBe([alike, soon, cheap, dear]);
        (await IdsAsync("&sort=cheapest")).ShouldBe([alike, cheap, soon, dear]);
        (await IdsAsync("&sort=ending")).ShouldBe([soon, cheap, alike, dear]);
        (await IdsAsync("&expiring_within_days=7")).ShouldBe([soon]);
        (await IdsAsync("&min_cost=11&max_cost=30")).ShouldBe([soon, dear]);

        string[] sorts = ["newest", "cheapest", "ending"];
        foreach (var sort in sorts)
        {
            var cursor = (await anonymous.ReadAsync($"?q={word}&limit=1&sort={sort}")).Body.GetProperty("next_cursor").GetString();
            foreach (var other in sorts)
            {
                (await anonymous.ReadAsync($"?q={word}&limit=1&sort={other}&cursor={cursor}")).Status.ShouldBe(other == sort ? 200 : 400, $"{sort} as {other}");
            }
        }

        async Task<int[]> IdsAsync(string query) => [.. (await AllAsync($"?q={word}{query}&limit=1")).Select(item => item.IntId)];
    }

    [Fact]
    public async Task The_affordable_filter_uses_the_callers_points_and_is_not_cached()
    {
        var word = Guid.CreateVersion7().ToString("N");
        var cheap = await service.Host.OfferAsync(10, 1, title: word);
        await service.Host.OfferAsync(1_000_000, 1, title: word);
        using var rich = service.Host.As(await service.UserAsync(1));
        using var poor = service.Host.As(Guid.CreateVersion7());
        using var anonymous = service.Host.Anonymous();

        using var response = await rich.GetAsync($"/api/v1/coupons?q={word}&affordable=true");

        (await response.JsonAsync()).GetProperty("items").EnumerateArray().Select(item => item.IntId).ShouldBe([cheap]);
        response.Headers.CacheControl.ShouldNotBeNull().NoStore.ShouldBeTrue();
        (await poor.ReadAsync($"?q={word}&affordable=true")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
        (await poor.ReadAsync($"?q={word}&affordable=false")).Body.GetProperty("items").GetArrayLength().ShouldBe(2);
        (await anonymous.ReadAsync($"?q={word}&affordable=true")).Status.ShouldBe(401);
    }

    [Fact]
    public async Task A_coupon_has_an_etag_and_returns_304()
    {
        var coupon = await service.Host.OfferAsync(10, 1);
        using var anonymous = service.Host.Anonymous();

        using var first = await anonymous.GetAsync($"{CouponsService.Area}/{coupon}", TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{CouponsService.Area}/{coupon}/");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag.ShouldNotBeNull());
        using var second = await anonymous.SendAsync(request, TestContext.Current.CancellationToken);

        first.Headers.CacheControl.ShouldNotBeNull().Public.ShouldBeTrue();
        second.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Theory]
    [InlineData("/2147483647", 404)]
    [InlineData("/not-a-number", 404)]
    [InlineData("/99999999999", 404)]
    [InlineData("?limit=0", 400)]
    [InlineData("?limit=101", 400)]
    [InlineData("?category_id=x", 400)]
    [InlineData("?cursor=nonsense", 400)]
    [InlineData("?sort=x", 400)]
    [InlineData("?expiring_within_days=0", 400)]
    [InlineData("?max_cost=-1", 400)]
    [InlineData("?q=%00", 400)]
    public async Task Malformed_requests_return_4xx(string path, int status)
    {
        using var anonymous = service.Host.Anonymous();

        (await anonymous.ReadAsync(path)).Status.ShouldBe(status);
    }

    [Fact]
    public async Task The_model_has_no_pending_migration() =>
        (await service.Host.QueryAsync(database => Task.FromResult(
            Microsoft.EntityFrameworkCore.RelationalDatabaseFacadeExtensions.HasPendingModelChanges(database.Database)))).ShouldBeFalse();

    /// <summary>Reads a whole list, page by page. Only the first page may be empty.</summary>
    private async Task<List<JsonElement>> AllAsync(string path)
    {
        using var anonymous = service.Host.Anonymous();
        var items = new List<JsonElement>();
        string? cursor = null;
        do
        {
            var (status, body) = await anonymous.ReadAsync($"{path}{(cursor is null ? "" : $"&cursor={cursor}")}");
            status.ShouldBe(200, body.ToString());
            var page = body.GetProperty("items").EnumerateArray().ToArray();
            (cursor is not null && page.Length == 0).ShouldBeFalse();
            items.AddRange(page);
            cursor = body.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);
        return items;
    }
}

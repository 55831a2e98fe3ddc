using System.Text.Json;

namespace Kashif.Cli.Demo;

internal sealed partial class DemoRun
{
    /// <summary>What becomes of an order after it is paid.</summary>
    private static readonly string[] Delivery = ["packed", "shipped", "delivered"];

    private static readonly TimeSpan LongestWaitForPoints = TimeSpan.FromMinutes(2);

    private readonly List<(int Id, int Cost)> _coupons = [];

    private async Task AddRewardsAsync()
    {
        var companies = await AddNumberedAsync("companies", "coupons/companies", DemoCity.Companies.Select(company => company.Name), index => new
        {
            name = DemoCity.Companies[index].Name,
            description = DemoCity.Companies[index].Description,
        });
        var categories = await AddNumberedAsync("categories of coupons", "coupons/categories", DemoCity.CouponCategories.Select(category => category.Name), index => new
        {
            name = DemoCity.CouponCategories[index].Name,
            description = DemoCity.CouponCategories[index].Description,
        });
        var today = new DateTimeOffset(TimeProvider.System.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero);
        var coupons = await AddNumberedAsync("coupons", "coupons", DemoCity.Coupons.Select(coupon => coupon.Title), index => DemoCity.Coupons[index] is var coupon ? new
        {
            title = coupon.Title,
            description = coupon.Description,
            company_id = companies[coupon.Company],
            category_id = categories[coupon.Category],
            points_cost = coupon.Cost,
            stock = coupon.Stock,
            per_user_limit = 2,
            starts_at = today,
            ends_at = today.AddYears(1),
            terms = "Once a visit.",
        } : null);
        _coupons.AddRange(coupons.Zip(DemoCity.Coupons, (id, coupon) => (id, coupon.Cost)).OrderByDescending(coupon => coupon.Cost));

        var products = (await api.ListAsync("coupons/products?") ?? []).Select(product => TextOf(product, "sku")).ToHashSet();
        foreach (var (sku, name, description, cost, stock) in DemoCity.Products.Where(product => !products.Contains(product.Sku)))
        {
            await api.AddAsync(
                "products", HttpMethod.Post, "coupons/products", admin,
                new { sku, name, description, category_id = categories[^1], points_cost = cost, stock_quantity = stock }, ignored: ["sku_taken"]);
        }

        if (WithRoles.FirstOrDefault(person => person is { Role: "partner", HasRole: true }) is { } partner)
        {
            DemoApi.Check(await api.SendAsync(HttpMethod.Put, $"coupons/companies/{companies[0]}/partners/{partner.Id}", admin), "PUT", "coupons/companies/partners");
        }

        await AddQuestsAsync(today);
    }

    private async Task AddQuestsAsync(DateTimeOffset today)
    {
        var budget = (await AddNumberedAsync("budgets", "gamification/budgets", ["A clean city"], _ => new { name = "A clean city", sponsor = "The city", points = 5000, ends_at = today.AddYears(1) }))[0];
        var quests = await AddNumberedAsync("quests", "gamification/quests", ["Three reports", "Five votes for your quarter"], index => index == 0
            ? new { title_en = "Three reports", title_ar = "ثلاثة بلاغات", @event = "report.created", count = 3, reward_points = 20, budget_id = budget, ends_at = today.AddDays(60), max_winners = 100 }
            : new { title_en = "Five votes for your quarter", title_ar = "خمسة أصوات لحيك", @event = "report.voted", count = 5, reward_points = 10, budget_id = budget, ends_at = today.AddDays(60), max_winners = 100 });
        await ForEachAsync(Citizens.Where((_, index) => index % 3 == 2), async citizen =>
        {
            var joined = (await api.ListAsync("gamification/quests/me?", citizen) ?? []).Select(item => item.GetProperty("quest").GetProperty("id").GetInt32()).ToHashSet();
            foreach (var quest in quests.Where(quest => !joined.Contains(quest)))
            {
                await api.AddAsync("joined quests", HttpMethod.Post, $"gamification/quests/{quest}/join", citizen, key: Key($"join-{quest}"), ignored: ["quest_closed", "quest_full", "budget_exhausted"]);
            }
        });
    }

    /// <summary>Citizens choose names, and some spend the points that their reports of today have earned.</summary>
    private Task AddRedemptionsAsync() => ForEachAsync(Citizens.Index().ToList(), async citizen =>
    {
        if (citizen.Index % 4 != 3)
        {
            var profile = await api.GetAsync("gamification/profiles/me", citizen.Item);
            if (profile.IsSuccess && profile.Text("display_name") is null)
            {
                await api.AddAsync(
                    "names", HttpMethod.Put, "gamification/profiles/me", citizen.Item, new { display_name = citizen.Item.DisplayName, @public = citizen.Index % 2 == 0 },
                    ignored: ["name_taken", "renamed_recently", "invalid_request"]);
            }
        }

        if (citizen.Index % 4 == 0)
        {
            await OrderAsync(citizen.Index, citizen.Item);
        }

        if (citizen.Index % 2 == 0 || (await api.ListAsync("coupons/redemptions/me?", citizen.Item) is { Count: > 0 }))
        {
            return;
        }

        var points = await PointsAsync(citizen.Item);
        if (_coupons.FirstOrDefault(coupon => coupon.Cost <= points) is { Id: > 0 } affordable)
        {
            await api.AddAsync(
                "redemptions", HttpMethod.Post, $"coupons/{affordable.Id}/redeem", citizen.Item, key: Key("redemption"),
                ignored: ["insufficient_points", "out_of_stock", "per_user_limit_reached", "coupon_not_available", "not_eligible"]);
        }
    });

    /// <summary>The citizen orders the dearest product that the points buy, and the city sends it.</summary>
    private async Task OrderAsync(int index, Person citizen)
    {
        var orders = await api.ListAsync("coupons/orders/me?", citizen) ?? [];
        if (orders is not [var order, ..])
        {
            var points = await PointsAsync(citizen);
            if (DemoCity.Products.Where(product => product.Cost <= points).OrderByDescending(product => product.Cost).FirstOrDefault() is not { Sku: { } sku })
            {
                return;
            }

            var placed = await api.AddAsync(
                "orders", HttpMethod.Post, "coupons/orders", citizen,
                new
                {
                    items = new[] { new { sku, quantity = 1 } },
                    shipping_address = new { name = citizen.Name, line1 = $"{DemoReports.In(DemoTexts.Streets[index % DemoTexts.Streets.Length], citizen.IsArabic)} {index + 1}", city = "Damascus", country = "SY" },
                },
                Key($"order-of-{index}"), ["insufficient_points", "out_of_stock", "product_not_available"]);
            if (!placed.IsSuccess)
            {
                return;
            }

            order = placed.Body;
        }

        var done = Array.IndexOf(Delivery, TextOf(order, "status")) + 1;
        foreach (var status in Delivery.Take(index / 4 % (Delivery.Length + 1)).Skip(done))
        {
            await api.AddAsync("steps of orders", HttpMethod.Patch, $"coupons/orders/{IdOf(order)}/status", admin, new { status }, ignored: ["invalid_status_transition"]);
        }
    }

    /// <summary>Points come a moment after the report.</summary>
    private async Task<long> PointsAsync(Person citizen)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var balance = await api.GetAsync("gamification/points/me", citizen);
            var points = balance.IsSuccess ? balance.Body.GetProperty("points").GetInt64() : 0;
            if (points > 0 || TimeProvider.System.GetElapsedTime(start) > LongestWaitForPoints)
            {
                return points;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }
    }

    /// <summary>Adds what has numbers as ids, and a name or a title.</summary>
    /// <returns>The ids, in the order of the names.</returns>
    private async Task<List<int>> AddNumberedAsync(string what, string route, IEnumerable<string> names, Func<int, object?> bodyOf)
    {
        var known = route == "gamification/quests"
            ? (await api.ListAsync($"{route}/managed?", admin) ?? []).Select(item => item.GetProperty("quest")).ToList()
            : await api.ListAsync($"{route}?", admin) ?? [];
        var ids = new List<int>();
        foreach (var (index, name) in names.Index())
        {
            var item = known.FirstOrDefault(item => TextOf(item, "name") == name || TextOf(item, "title") == name
                || (item.TryGetProperty("title", out var title) && title.ValueKind is JsonValueKind.Object && TextOf(title, "en") == name));
            ids.Add((item.ValueKind is JsonValueKind.Object
                ? item
                : (await api.AddAsync(what, HttpMethod.Post, route, admin, bodyOf(index), Key($"{route.Replace('/', '-')}-{index}"))).Body).GetProperty("id").GetInt32());
        }

        return ids;
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace Kashif.SystemTests;

/// <summary>
/// Citizens, staff, partners and administrators do all at once for some minutes, while services are killed and servers stopped at random.
/// `./kashif soak` runs it; `./kashif test` does not.
/// </summary>
public sealed class SoakTests(KashifSystem system, ITestOutputHelper output)
{
    private const int Citizens = 40; // each may file ten reports
    private static readonly string[] Victims = [ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications, ResourceNames.Auth, ResourceNames.Gateway];
    private static readonly string[] Servers = [ResourceNames.Messaging, ResourceNames.Cache];

    private readonly ConcurrentDictionary<string, int> _answers = new();
    private readonly ConcurrentBag<Guid> _reports = [];
    private readonly ConcurrentBag<(Guid Id, string? Code)> _redemptions = [];
    private readonly ConcurrentBag<(User Owner, Guid Id)> _orders = [];
    private readonly ConcurrentBag<string> _bugs = [];
    private int[] _coupons = [];
    private string[] _products = [];
    private int[] _quests = [];

    [Fact(Explicit = true)]
    public async Task Every_invariant_holds_after_minutes_of_everything_and_random_kills()
    {
        var minutes = double.Parse(Environment.GetEnvironmentVariable("KASHIF_SOAK_MINUTES") ?? "5", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("KASHIF_SOAK_SEED") ?? $"{Environment.TickCount & 0xFFFF}", CultureInfo.InvariantCulture);
        output.WriteLine($"KASHIF_SOAK_SEED={seed}");
        var citizens = await system.RegisterAsync(Citizens);
        var admin = await system.AdminAsync();
        _coupons = [await system.CreateCouponAsync(stock: 40, pointsCost: 5, perUserLimit: 20), await system.CreateCouponAsync(stock: 5, pointsCost: 10), await system.CreateCouponAsync(stock: 200, pointsCost: 3, perUserLimit: 100)];
        _products = [await ProductAsync(admin, 30), await ProductAsync(admin, 4)];
        _quests = [await QuestAsync(admin, budget: 1_000), await QuestAsync(admin, budget: 30)];

        using var ending = new CancellationTokenSource(TimeSpan.FromMinutes(minutes));
        var work = citizens.Select((citizen, index) => RepeatAsync(new Random(seed + index), ending.Token, random => ActAsCitizenAsync(citizen, random)))
            .Concat(Enumerable.Range(0, 2).Select(index => RepeatAsync(new Random(seed - 1 - index), ending.Token, random => ActAsStaffAsync(admin, random))))
            .ToList();
        var kills = await KillAsync(new Random(seed), ending.Token);
        await Task.WhenAll(work);

        foreach (var (answer, count) in _answers.OrderBy(answer => answer.Key, StringComparer.Ordinal))
        {
            output.WriteLine($"{count,6} {answer}");
        }

        output.WriteLine($"{kills,6} kills and stops");
        _bugs.ShouldBeEmpty();
        await system.InvariantsHoldAsync();
    }

    private async Task ActAsCitizenAsync(User citizen, Random random)
    {
        switch (random.Next(10))
        {
            case < 4:
                if (await SendAsync("report", () => citizen.PostReportAsync($"Report {random.Next()}")) is { } report)
                {
                    _reports.Add(report.GetProperty("id").GetGuid());
                }

                break;
            case < 7:
                var coupon = _coupons[random.Next(_coupons.Length)];
                if (await SendAsync("redeem", () => citizen.Client.PostAsync($"/api/v1/coupons/{coupon}/redeem", null)) is { } redeemed)
                {
                    var id = redeemed.GetProperty("id").GetGuid();
                    _redemptions.Add((id, redeemed.GetProperty("code").GetString()));
                    if (random.Next(2) == 0)
                    {
                        await SendAsync("cancel redemption", () => citizen.Client.PostAsync($"/api/v1/coupons/redemptions/{id}/cancel", null));
                    }
                }

                break;
            case < 9:
                var items = _products.Where(_ => random.Next(2) == 0).DefaultIfEmpty(_products[0]).Select(sku => new { sku, quantity = random.Next(1, 3) }).ToArray();
                var address = new { name = "A citizen", line1 = "Main Street 1", city = "Damascus", country = "SY" };
                if (await SendAsync("order", () => citizen.Client.PostAsJsonAsync("/api/v1/coupons/orders", new { items, shipping_address = address })) is { } order)
                {
                    _orders.Add((citizen, order.GetProperty("id").GetGuid()));
                }

                break;
            default:
                await SendAsync("join quest", () => citizen.Client.PostAsync($"/api/v1/gamification/quests/{_quests[random.Next(_quests.Length)]}/join", null));
                if (_orders.TryTake(out var placed))
                {
                    await SendAsync("cancel order", () => placed.Owner.Client.PostAsync($"/api/v1/coupons/orders/{placed.Id}/cancel", null));
                }

                break;
        }
    }

    private async Task ActAsStaffAsync(User admin, Random random)
    {
        switch (random.Next(8))
        {
            case < 3:
                if (_reports.TryTake(out var report))
                {
                    var status = random.Next(3) == 0 ? "rejected" : "verified";
                    await SendAsync(status, () => admin.Client.PatchAsJsonAsync($"/api/v1/reports/{report}/status", new { status }));
                }

                break;
            case < 4:
                if (_redemptions.TryTake(out var redemption) && redemption.Code is not null)
                {
                    await SendAsync("use", () => admin.Client.PostAsync($"/api/v1/coupons/redemptions/{redemption.Id}/use", null));
                }

                break;
            case < 6:
                if (_orders.TryPeek(out var order))
                {
                    var step = new[] { "packed", "packed", "shipped", "delivered" }[random.Next(4)];
                    await SendAsync(step, () => admin.Client.PatchAsJsonAsync($"/api/v1/coupons/orders/{order.Id}/status", new { status = step }));
                }

                break;
            case < 7:
                await SendAsync("restock", () => admin.Client.PostAsJsonAsync($"/api/v1/coupons/{_coupons[1]}/restock", new { quantity = 1 }));
                break;
            default:
                await SendAsync("adjust inventory", () => admin.Client.PostAsJsonAsync($"/api/v1/coupons/inventory/{_products[1]}/adjust", new { quantity = 1, reason = "More of them" }));
                break;
        }
    }

    /// <summary>Kills or stops one at a time, and starts it again.</summary>
    private async Task<int> KillAsync(Random random, CancellationToken ending)
    {
        var kills = 0;
        while (!ending.IsCancellationRequested)
        {
            var victim = Victims.Concat(Servers).ElementAt(random.Next(Victims.Length + Servers.Length));
            output.WriteLine($"{TimeProvider.System.GetUtcNow():HH:mm:ss} {victim}");
            await (Servers.Contains(victim) ? system.StopAsync(victim) : system.KillAsync(victim));
            await system.StartHealthyAsync(victim);
            kills++;
        }

        return kills;
    }

    private static async Task RepeatAsync(Random random, CancellationToken ending, Func<Random, Task> act)
    {
        while (!ending.IsCancellationRequested)
        {
            await act(random);
            await Task.Delay(random.Next(300), CancellationToken.None); // people pause, and the load leaves time for the restarts
        }
    }

    /// <returns>The body of a success; null where the request was refused or the connection broke.</returns>
    private async Task<JsonElement?> SendAsync(string what, Func<Task<HttpResponseMessage>> send)
    {
        try
        {
            using var response = await send();
            var text = await response.Content.ReadAsStringAsync();
            var status = (int)response.StatusCode;
            _answers.AddOrUpdate($"{what}: {status}", 1, (_, count) => count + 1);
            if (status is 500 or 400)
            {
                _bugs.Add($"{what}: {status} {text}"); // a killed service is a 502 or a 503
            }

            return response.IsSuccessStatusCode && text.Length > 0 ? JsonSerializer.Deserialize<JsonElement>(text) : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or JsonException)
        {
            _answers.AddOrUpdate($"{what}: {exception.GetType().Name}", 1, (_, count) => count + 1);
            return null;
        }
    }

    /// <summary>A quest for one verified report, which pays 5 points from a budget of its own.</summary>
    private static async Task<int> QuestAsync(User admin, int budget)
    {
        var end = TimeProvider.System.GetUtcNow().AddDays(1);
        using var created = await admin.Client.PostAsJsonAsync("/api/v1/gamification/budgets", new { name = $"Soak {Guid.CreateVersion7()}", points = budget, ends_at = end });
        using var quest = await admin.Client.PostAsJsonAsync("/api/v1/gamification/quests", new
        {
            title_en = "A verified report",
            title_ar = "بلاغ مؤكد",
            @event = "report.status_updated",
            status = "verified",
            count = 1,
            reward_points = 5,
            budget_id = (await created.JsonAsync(201)).GetProperty("id").GetInt32(),
            ends_at = end.AddHours(-1),
        });
        return (await quest.JsonAsync(201)).GetProperty("id").GetInt32();
    }

    private static async Task<string> ProductAsync(User admin, int stock)
    {
        var sku = $"SOAK-{Guid.CreateVersion7():N}".ToUpperInvariant();
        using var category = await admin.Client.PostAsJsonAsync("/api/v1/coupons/categories", new { name = $"Soak {sku}", description = "A category" });
        using var created = await admin.Client.PostAsJsonAsync("/api/v1/coupons/products", new
        {
            sku,
            name = "A cup",
            description = "A cup with a picture of the city.",
            points_cost = 4,
            stock_quantity = stock,
            category_id = (await category.JsonAsync(201)).GetProperty("id").GetInt32(),
        });
        await created.JsonAsync(201);
        return sku;
    }
}

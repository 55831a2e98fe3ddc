extern alias gamification;

using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kashif.Coupons.Data;
using Kashif.Coupons.Points;
using Kashif.Coupons.Redemptions;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

[assembly: AssemblyFixture(typeof(Kashif.Coupons.Tests.CouponsService))]

namespace Kashif.Coupons.Tests;

/// <summary>Coupons and Gamification on real servers, started once. Each test creates its own users and coupons.</summary>
public sealed class CouponsService : IAsyncLifetime
{
    public const string Area = "/api/v1/coupons";

    private TestServers? _servers;
    private TestIssuer? _issuer;
    private EventTap? _tap;
    private ServiceHost<gamification::Program>? _points;
    private ServiceHost<Program>? _host;

    public ServiceHost<Program> Host => _host ?? throw new InvalidOperationException("Not started.");
    public EventTap Tap => _tap ?? throw new InvalidOperationException("Not started.");
    private ServiceHost<gamification::Program> Points => _points ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _servers = await TestServers.StartAsync();
        _issuer = await TestIssuer.StartAsync();
        _tap = await EventTap.OpenAsync(_servers.Messaging);
        _points = await ServiceHost<gamification::Program>.StartAsync(_servers, _issuer, ResourceNames.GamificationDb);
        await WaitForConsumerAsync();
        _host = await StartAnotherAsync();

        // Until then an answer of Gamification may come too late.
        using var user = _host.As(Guid.CreateVersion7());
        await Eventually.TrueAsync(async () => (await user.ReadAsync("?affordable=true")).Status == 200, "the first answer of Gamification");
    }

    /// <summary>Starts another process of the service.</summary>
    /// <param name="database">The connection string of another process's database; null for a new database.</param>
    /// <param name="network">The faults of its calls to Gamification; also shortens timeouts and leases.</param>
    /// <param name="isPatient">Whether it waits longer than a test takes for the response of a debit.</param>
    /// <param name="configure">Replaces services for the test.</param>
    public Task<ServiceHost<Program>> StartAnotherAsync(
        string? database = null, FaultyNetwork? network = null, bool isPatient = false, Action<IServiceCollection>? configure = null)
    {
        var settings = new Dictionary<string, string?>
        {
            [$"services:{ResourceNames.Gamification}:http:0"] = Points.Address.ToString(),
            ["ServiceClient:ClientId"] = ResourceNames.Coupons,
            ["ServiceClient:ClientSecret"] = "test-secret",
            ["Redemptions:DebitTimeout"] = "00:01:00", // A slow machine is no fault.
        };
        if (network is not null)
        {
            settings["Redemptions:DebitTimeout"] = isPatient ? "00:01:00" : "00:00:00.5";
            settings["Redemptions:Lease"] = "00:00:00.5";
            settings["Redemptions:RecoveryInterval"] = "00:00:00.1";
        }

        // A small pool: many hosts share one server, which ends the connections of the last host only slowly on a busy machine.
        var servers = _servers ?? throw new InvalidOperationException("Not started.");
        var consumes = database is not null || _host is null;
        database ??= new NpgsqlConnectionStringBuilder(servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}", MaxPoolSize = 12, Timeout = 180, CommandTimeout = 180 }.ConnectionString;
        return ServiceHost<Program>.StartAsync(
            servers,
            _issuer ?? throw new InvalidOperationException("Not started."),
            ResourceNames.CouponsDb,
            settings,
            database,
            services =>
            {
                configure?.Invoke(services);
                if (network is not null)
                {
                    services.AddHttpClient(nameof(PointsClient)).AddHttpMessageHandler(() => network.Handler());
                }
            },
            consumes);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in (IAsyncDisposable?[])[_host, _points, _tap, _issuer, _servers])
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }

    /// <summary>A new user with 50 points for each resolved report.</summary>
    public async Task<Guid> UserAsync(int reports)
    {
        var user = Guid.CreateVersion7();
        await EarnAsync(user, reports);
        return user;
    }

    /// <summary>Creates an area, far from all reports, or deletes it.</summary>
    public async Task AreaAsync(HttpMethod method, string code)
    {
        using var admin = Points.As(Guid.CreateVersion7(), Roles.Admin);
        using var request = new HttpRequestMessage(method, $"/api/v1/gamification/areas/{code}");
        request.Content = method == HttpMethod.Put
            ? JsonContent.Create(new { name = new { en = "Old town", ar = "المدينة القديمة" }, latitude = -80, longitude = 0, radius_km = 1 })
            : null;
        using var response = await admin.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    public async Task EarnAsync(Guid user, int reports)
    {
        var before = await PointsAsync(user);
        await Task.WhenAll(Enumerable.Range(0, reports).Select(_ => Tap.PublishAsync(Resolved(user))));
        await Eventually.TrueAsync(async () => await PointsAsync(user) == before + (50 * reports), "the points");
    }

    /// <summary>Events published before Gamification first binds its queue are lost, so wait until one arrives.</summary>
    private async Task WaitForConsumerAsync()
    {
        var probe = Resolved(Guid.CreateVersion7());
        await Eventually.TrueAsync(
            async () =>
            {
                await Tap.PublishAsync(probe);
                return await PointsAsync(probe.UserId) > 0;
            },
            "the consumer");
    }

    private static ReportStatusUpdated Resolved(Guid user) =>
        new(Guid.CreateVersion7(), user, "A deep hole", "in_progress", "resolved", null, Guid.CreateVersion7(), 3);

    public async Task<long> PointsAsync(Guid user)
    {
        using var client = Points.AsService();
        var points = await client.GetFromJsonAsync<JsonElement>($"/internal/v1/balances/{user}");
        return points.GetProperty("points").GetInt64();
    }
}

internal static class CouponsClient
{
    extension(ServiceHost<Program> host)
    {
        public HttpClient Admin() => host.As(Guid.CreateVersion7(), Roles.Admin);

        public async Task<T> QueryAsync<T>(Func<CouponsDbContext, Task<T>> query)
        {
            await using var scope = host.Services.CreateAsyncScope();
            return await query(scope.ServiceProvider.GetRequiredService<CouponsDbContext>());
        }

        public async Task<(int Company, int Category)> CreateCompanyAndCategoryAsync()
        {
            using var admin = host.Admin();
            var (_, company) = await admin.SubmitAsync("/companies", new { name = $"Company {Guid.CreateVersion7()}", description = "Cakes" });
            var (_, category) = await admin.SubmitAsync("/categories", new { name = $"Category {Guid.CreateVersion7()}" });
            return (company.IntId, category.IntId);
        }

        /// <summary>Creates a coupon.</summary>
        /// <returns>Its id.</returns>
        public async Task<int> OfferAsync(
            int pointsCost, int stock, int? perUserLimit = null, string title = "A cake", DateTimeOffset? startsAt = null, DateTimeOffset? endsAt = null)
        {
            using var admin = host.Admin();
            return await host.OfferAsync(admin, await host.CreateCompanyAndCategoryAsync(), pointsCost, stock, new()
            {
                ["title"] = title,
                ["per_user_limit"] = perUserLimit,
                ["starts_at"] = startsAt,
                ["ends_at"] = endsAt,
            });
        }

        /// <summary>Creates a coupon of the company, with more fields.</summary>
        /// <returns>Its id.</returns>
        public async Task<int> OfferAsync(
            HttpClient client, (int Company, int Category) place, int pointsCost = 10, int stock = 5, Dictionary<string, object?>? more = null)
        {
            var (status, body) = await client.SubmitAsync("", new Dictionary<string, object?>(more ?? [])
            {
                ["title"] = more?.GetValueOrDefault("title") ?? "A cake",
                ["description"] = "One for two",
                ["company_id"] = place.Company,
                ["category_id"] = place.Category,
                ["points_cost"] = pointsCost,
                ["stock"] = stock,
            });
            status.ShouldBe(201, body.ToString());
            return body.IntId;
        }

        /// <summary>Creates a coupon with a pool of codes.</summary>
        /// <returns>Its id.</returns>
        public async Task<int> OfferPoolAsync(string codes, int pointsCost = 10, int? perUserLimit = null)
        {
            using var admin = host.Admin();
            var coupon = await host.OfferAsync(
                admin, await host.CreateCompanyAndCategoryAsync(), pointsCost, stock: 0, new() { ["code_mode"] = "pool", ["per_user_limit"] = perUserLimit });
            var (status, body) = await admin.ImportAsync(coupon, codes);
            status.ShouldBe(200, body.ToString());
            return coupon;
        }

        /// <summary>A new partner of the company.</summary>
        public async Task<HttpClient> PartnerAsync(int company, Guid? user = null)
        {
            var partner = user ?? Guid.CreateVersion7();
            using var admin = host.Admin();
            (await admin.CallAsync(HttpMethod.Put, $"/companies/{company}/partners/{partner}")).Status.ShouldBe(204);
            return host.As(partner, Roles.Partner);
        }

        /// <summary>Redeems the coupon.</summary>
        /// <returns>The completed redemption.</returns>
        public async Task<JsonElement> BuyAsync(Guid user, int coupon)
        {
            var (status, body) = await host.RedeemAsync(user, coupon);
            status.ShouldBe(201, body.ToString());
            return body;
        }

        public async Task<(int Status, JsonElement Body)> RedeemAsync(Guid user, int coupon, string? key = null)
        {
            using var client = host.As(user);
            return await client.SubmitAsync($"/{coupon}/redeem", null, key);
        }

        public Task<int> StockAsync(int coupon) =>
            host.QueryAsync(database => database.Coupons.Where(row => row.Id == coupon).Select(row => row.Stock).SingleAsync());

        public Task<int> CountAsync(int coupon, RedemptionStatus status) =>
            host.QueryAsync(database => database.Redemptions.CountAsync(row => row.CouponId == coupon && row.Status == status));

        /// <summary>
        /// Invariant 2 of the contract, for every coupon: completed + reserved + stock = initial stock + restocked. The ledger and the pools
        /// add up to the stock too.
        /// </summary>
        public async Task StockShouldAddUpAsync()
        {
            var wrong = await host.QueryAsync(database => database.Database.SqlQuery<int>($"""
                SELECT c.id AS "Value" FROM coupons c LEFT JOIN redemptions r ON r.coupon_id = c.id
                GROUP BY c.id HAVING count(r.id) FILTER (WHERE r.status <> 'cancelled') + c.stock <> c.initial_stock + c.restocked
                """).ToListAsync());
            wrong.ShouldBeEmpty();
            (await host.QueryAsync(database => database.Database.SqlQuery<int>($"""
                SELECT c.id AS "Value" FROM coupons c
                WHERE c.stock <> (SELECT coalesce(sum(quantity), 0) FROM stock_movements WHERE coupon_id = c.id)
                OR c.code_mode = 'pool' AND c.stock <> (SELECT count(*) FROM coupon_codes WHERE coupon_id = c.id AND state = 'unused')
                """).ToListAsync())).ShouldBeEmpty("ledgers and pools that differ from the stock");
        }
    }

    extension(HttpClient client)
    {
        public async Task<(int Status, JsonElement Body)> ReadAsync(string path)
        {
            using var response = await client.GetAsync(CouponsService.Area + path);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        public async Task<(int Status, JsonElement Body)> CallAsync(HttpMethod method, string path, object? body = null)
        {
            using var request = new HttpRequestMessage(method, CouponsService.Area + path) { Content = body is null ? null : JsonContent.Create(body) };
            using var response = await client.SendAsync(request);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        public Task<(int Status, JsonElement Body)> PatchAsync(string path, object body) => client.CallAsync(HttpMethod.Patch, path, body);

        public Task<(int Status, JsonElement Body)> ImportAsync(int coupon, string csv) => client.ImportAsync(coupon, Encoding.UTF8.GetBytes(csv));

        public async Task<(int Status, JsonElement Body)> ImportAsync(int coupon, byte[] csv, string type = "text/csv")
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{CouponsService.Area}/{coupon}/codes") { Content = new ByteArrayContent(csv) };
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            request.Headers.ExpectContinue = true; // a body that is too large is refused before it is sent
            using var response = await client.SendAsync(request);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        public async Task<(int Status, JsonElement Body)> SubmitAsync(string path, object? body, string? key = null)
        {
            using var response = await client.SendAsync(path, body, key);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        public async Task<HttpResponseMessage> SendAsync(string path, object? body, string? key = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, CouponsService.Area + path);
            if (body is not null)
            {
                request.Content = JsonContent.Create(body);
            }

            if (key is not null)
            {
                request.Headers.Add("Idempotency-Key", key);
            }

            return await client.SendAsync(request);
        }
    }

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    extension(JsonElement element)
    {
        public int IntId => element.GetProperty("id").GetInt32();
        public Guid Id => element.GetProperty("id").GetGuid();
        public string? Code => element.GetProperty("code").GetString();
        public string? Status => element.GetProperty("status").GetString();
        public string[] BadFields => [.. element.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal)];
    }
}

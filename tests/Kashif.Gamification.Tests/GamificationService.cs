using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(Kashif.Gamification.Tests.GamificationService))]

namespace Kashif.Gamification.Tests;

/// <summary>Two replicas of Gamification on real servers, started once. Each test uses its own users.</summary>
public sealed class GamificationService : IAsyncLifetime
{
    public const string Area = "/api/v1/gamification";

    /// <summary>Many small batches, so that they overlap.</summary>
    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["Messaging:ConsumerBatch"] = "5",
        ["Messaging:ConsumerConcurrency"] = "4",
    };

    private TestServers? _servers;
    private TestIssuer? _issuer;
    private ServiceHost<Program>? _host;
    private ServiceHost<Program>? _replica;
    private EventTap? _tap;

    public TestServers Servers => _servers ?? throw new InvalidOperationException("Not started.");
    public ServiceHost<Program> Host => _host ?? throw new InvalidOperationException("Not started.");
    public ServiceHost<Program> Replica => _replica ?? throw new InvalidOperationException("Not started.");
    public EventTap Tap => _tap ?? throw new InvalidOperationException("Not started.");
    public TestIssuer Issuer => _issuer ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _servers = await TestServers.StartAsync();
        _issuer = await TestIssuer.StartAsync();
        _tap = await EventTap.OpenAsync(_servers.Messaging);
        _host = await ServiceHost<Program>.StartAsync(_servers, Issuer, ResourceNames.GamificationDb, Settings);
        await WaitForConsumerAsync();
        _replica = await ServiceHost<Program>.StartAsync(_servers, Issuer, ResourceNames.GamificationDb, Settings, _host.Database);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in (IAsyncDisposable?[])[_host, _replica, _tap, _issuer, _servers])
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }

    /// <summary>Events published before the service first binds its queue are lost, so wait until one arrives.</summary>
    private async Task WaitForConsumerAsync()
    {
        var probe = Verified(Guid.CreateVersion7(), Guid.CreateVersion7());
        await Eventually.TrueAsync(
            async () =>
            {
                await Tap.PublishAsync(probe);
                return await BalanceAsync(probe.UserId) > 0;
            },
            "the consumer");
    }

    public HttpClient Citizen(out Guid id)
    {
        id = Guid.CreateVersion7();
        return Host.As(id);
    }

    /// <summary>Publishes resolved reports of a user and waits for their 50 points each.</summary>
    public async Task EarnAsync(Guid userId, int reports)
    {
        var before = await BalanceAsync(userId);
        await Task.WhenAll(Enumerable.Range(0, reports).Select(_ => Tap.PublishAsync(Resolved(userId, Guid.CreateVersion7()))));
        await WaitForBalanceAsync(userId, before + (50 * reports));
    }

    /// <summary>Debits points for a new redemption, like Coupons.</summary>
    public async Task<(int Status, JsonElement Body)> SpendAsync(Guid userId, int points)
    {
        using var coupons = Host.AsService();
        return await coupons.DebitAsync(Guid.CreateVersion7(), userId, points);
    }

    public Task<long> BalanceAsync(Guid userId) =>
        QueryAsync(database => database.Balances.Where(balance => balance.UserId == userId).Select(balance => balance.Points).SingleOrDefaultAsync());

    public Task WaitForBalanceAsync(Guid userId, long points) =>
        Eventually.TrueAsync(async () => await BalanceAsync(userId) == points, $"a balance of {points}");

    /// <summary>Books points like an event handler.</summary>
    internal async Task<IReadOnlyList<PointTransaction>> BookAsync(params Booking[] bookings)
    {
        await using var scope = Host.Services.CreateAsyncScope();
        var ledger = scope.ServiceProvider.GetRequiredService<PointsLedger>();
        await using var transaction = await scope.ServiceProvider.GetRequiredService<GamificationDbContext>().Database.BeginTransactionAsync();
        var entries = await ledger.BookAsync(await ledger.NewAsync(bookings, CancellationToken.None), CancellationToken.None);
        await transaction.CommitAsync();
        await ledger.CommittedAsync(CancellationToken.None);
        return entries;
    }

    /// <summary>A user's entries in the order of the ledger.</summary>
    internal Task<List<PointTransaction>> EntriesAsync(Guid userId) =>
        QueryAsync(database => database.Transactions.AsNoTracking().Where(entry => entry.UserId == userId).OrderBy(entry => entry.Id).ToListAsync());

    /// <summary>The ledger of all tests is whole at any moment.</summary>
    public Task LedgerShouldBeWholeAsync() => QueryAsync(async database =>
    {
        (await new ChainVerifier(database).VerifyAsync(CancellationToken.None)).Findings.ShouldBeEmpty();
        return true;
    });

    internal async Task<T> QueryAsync<T>(Func<GamificationDbContext, Task<T>> query)
    {
        await using var scope = Host.Services.CreateAsyncScope();
        return await query(scope.ServiceProvider.GetRequiredService<GamificationDbContext>());
    }

    public static ReportCreated Created(Guid userId, Guid reportId) => new(reportId, userId, "A deep hole", "pothole", 24.7, 46.7);

    public static ReportStatusUpdated Verified(Guid userId, Guid reportId) => Status(userId, reportId, "submitted", "verified");

    public static ReportStatusUpdated Resolved(Guid userId, Guid reportId) => Status(userId, reportId, "in_progress", "resolved");

    public static ReportStatusUpdated Status(Guid userId, Guid reportId, string from, string to) =>
        new(reportId, userId, "A deep hole", from, to, null, Guid.CreateVersion7(), 2);
}

internal static class GamificationClient
{
    extension(HttpClient client)
    {
        public async Task<(int Status, JsonElement Body)> ReadAsync(string path)
        {
            using var response = await client.GetAsync(GamificationService.Area + path);
            return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
        }

        public async Task<(int Status, JsonElement Body)> SendAsync(string path, object body, string? idempotencyKey = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, GamificationService.Area + path) { Content = JsonContent.Create(body) };
            if (idempotencyKey is not null)
            {
                request.Headers.Add("Idempotency-Key", idempotencyKey);
            }

            using var response = await client.SendAsync(request);
            return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
        }

        public async Task<(int Status, JsonElement Body)> DebitAsync(Guid redemption, Guid userId, int points, int couponId = 7, string collection = "debits")
        {
            using var response = await client.PutAsJsonAsync($"/internal/v1/{collection}/{redemption}", new { user_id = userId, points, coupon_id = couponId });
            return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
        }
    }

    extension(JsonElement element)
    {
        public string? Code => element.GetProperty("code").GetString();
        public string[] BadFields => [.. element.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal)];
    }
}

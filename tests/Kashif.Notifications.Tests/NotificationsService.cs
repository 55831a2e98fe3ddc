using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Notifications.Data;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Kashif.Notifications.Tests;

/// <summary>Notifications on real servers, and a publisher of the events that it consumes.</summary>
internal sealed class NotificationsService : IAsyncDisposable
{
    private const string Root = "/api/v1/notifications";
    private readonly ServiceHost<Program> _host;
    private readonly EventTap _tap;
    private readonly TestIssuer _issuer;

    private NotificationsService(ServiceHost<Program> host, EventTap tap, TestIssuer issuer)
    {
        _host = host;
        _tap = tap;
        _issuer = issuer;
    }

    public string Database => _host.Database;

    public IServiceProvider Services => _host.Services;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<NotificationsService> StartAsync(
        NotificationsServers servers, Dictionary<string, string?>? settings = null, string? database = null, Action<IServiceCollection>? configure = null)
    {
        // EF Core keeps the pool of a host that has ended. A small one, whose idle connections are closed soon: the tests start many hosts.
        database ??= new NpgsqlConnectionStringBuilder(servers.Servers.DatabaseServer)
        {
            Database = $"test-{Guid.CreateVersion7():N}",
            MaxPoolSize = 30,
            ConnectionIdleLifetime = 3,
            ConnectionPruningInterval = 1,
        }.ConnectionString;
        var host = await ServiceHost<Program>.StartAsync(
            servers.Servers, servers.Issuer, ResourceNames.NotificationsDb, settings, database, configure);
        var service = new NotificationsService(host, await EventTap.OpenAsync(servers.Servers.Messaging), servers.Issuer);
        await service.WaitForConsumerAsync();
        return service;
    }

    public HttpClient As(Guid user) => _host.As(user);

    public HttpClient AsAdmin(Guid? user = null) => _host.As(user ?? Guid.CreateVersion7(), Roles.Admin);

    public HttpClient In(Guid user, Guid session) => _host.In(user, session);

    public HttpClient Anonymous() => _host.Anonymous();

    public HttpClient AsService(params string[] scopes) => _host.AsService(scopes);

    public HttpClient AsApiKey(string scopes, params string[] roles) => _host.With(_issuer.TokenForApiKey(Guid.CreateVersion7(), scopes, roles));

    public Task PublishAsync<TEvent>(TEvent data, Guid? id = null, DateTimeOffset? time = null)
        where TEvent : IIntegrationEvent =>
        _tap.PublishAsync(data, id, time);

    /// <summary>Publishes points.awarded, the simplest event, and waits for its notification.</summary>
    public async Task<JsonElement> NotifyAsync(Guid user, int points = 10)
    {
        var transaction = Guid.CreateVersion7();
        await PublishAsync(new PointsAwarded(transaction, user, points, points, "report_created"));
        JsonElement? found = null;
        await Eventually.TrueAsync(
            async () => (found = (await FeedAsync(user)).Cast<JsonElement?>().FirstOrDefault(
                item => item!.Value.GetProperty("data").TryGetProperty("transaction_id", out var id) && id.GetString() == transaction.ToString())) is not null,
            "the notification");
        return found.GetValueOrDefault();
    }

    /// <summary>The first page of the user's notifications, newest first.</summary>
    public async Task<JsonElement[]> FeedAsync(Guid user, string query = "limit=100")
    {
        using var client = As(user);
        var page = await client.GetFromJsonAsync<JsonElement>($"{Root}?{query}", Cancel);
        return [.. page.GetProperty("items").EnumerateArray()];
    }

    public async Task<JsonElement[]> WaitForFeedAsync(Guid user, int size)
    {
        JsonElement[] feed = [];
        await Eventually.TrueAsync(async () => (feed = await FeedAsync(user)).Length >= size, $"{size} notifications");
        feed.Length.ShouldBe(size);
        return feed;
    }

    public async Task<int> UnreadAsync(Guid user)
    {
        using var client = As(user);
        return (await client.GetFromJsonAsync<JsonElement>($"{Root}/unread-count", Cancel)).GetProperty("unread_count").GetInt32();
    }

    public async Task<HttpResponseMessage> RegisterAsync(Guid user, string token, string type = "android", Guid? session = null)
    {
        using var client = session is { } id ? _host.In(user, id) : As(user);
        return await client.PostAsJsonAsync($"{Root}/register-device", new { token, device_type = type }, Cancel);
    }

    /// <summary>Registers any number of devices, without the limit.</summary>
    public Task AddDevicesAsync(Guid user, params IEnumerable<string> tokens) => QueryAsync(database =>
    {
        database.Devices.AddRange(tokens.Select(token => new Device
        {
            Id = Guid.CreateVersion7(),
            UserId = user,
            Token = token,
            TokenHash = Device.Hash(token),
            DeviceType = DeviceType.Android,
            RegisteredAt = TimeProvider.System.GetUtcNow(),
        }));
        return database.SaveChangesAsync(Cancel);
    });

    public async Task<HttpResponseMessage> UnregisterAsync(Guid user, string token)
    {
        using var client = As(user);
        return await client.DeleteAsync($"{Root}/devices/{Uri.EscapeDataString(token)}", Cancel);
    }

    public async Task<T> QueryAsync<T>(Func<NotificationsDbContext, Task<T>> work)
    {
        await using var scope = Services.CreateAsyncScope();
        return await work(scope.ServiceProvider.GetRequiredService<NotificationsDbContext>());
    }

    /// <summary>Registers a user in this service.</summary>
    public async Task<Guid> AddUserAsync(string? email = null, string language = "en")
    {
        var user = Guid.CreateVersion7();
        await QueryAsync(async database =>
        {
            database.Recipients.Add(new Recipient { UserId = user, Language = language, Email = email, EmailEnabled = email is not null, OccurredAt = TimeProvider.System.GetUtcNow() });
            return await database.SaveChangesAsync(Cancel);
        });
        return user;
    }

    /// <summary>Waits until a statement of the service waits for a lock.</summary>
    public Task BlockedAsync() => Eventually.TrueAsync(
        () => QueryAsync(database => database.Database
            .SqlQuery<bool>($"""SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS "Value" """)
            .SingleAsync(Cancel)),
        "a statement that waits");

    /// <summary>Adds a code of an administrator's own with the variable <c>street</c>.</summary>
    public async Task<string> AddTemplateAsync(string title = "{{ street }} is closed")
    {
        var code = $"city.closed_{Guid.CreateVersion7():N}";
        using var admin = AsAdmin();
        using var response = await admin.PutAsJsonAsync(
            $"{Root}/templates/{code}/en/push", new { title, body = "b", variables = new[] { new { name = "street", type = "text" } } }, Cancel);
        response.EnsureSuccessStatusCode();
        return code;
    }

    /// <summary>Sends a message with a code of <see cref="AddTemplateAsync"/>.</summary>
    public async Task<HttpResponseMessage> SendAsync(Guid user, string code, string channel = "push", DateTimeOffset? sendAt = null)
    {
        using var admin = AsAdmin();
        return await admin.PostAsJsonAsync(Root, new
        {
            notification_type = channel,
            template_code = code,
            variables = new { street = "Baghdad Street" },
            request_id = $"{Guid.CreateVersion7()}",
            user_id = user,
            send_at = sendAt,
        }, Cancel);
    }

    /// <summary>Waits until the notification's delivery has this state.</summary>
    public async Task<ChannelDelivery> DeliveryAsync(Guid notification, string state)
    {
        ChannelDelivery? delivery = null;
        await Eventually.TrueAsync(
            async () => (delivery = await QueryAsync(database => database.Deliveries.AsNoTracking()
                .SingleOrDefaultAsync(row => row.NotificationId == notification && row.State == state, Cancel))) is not null,
            $"a delivery in state {state}");
        return delivery ?? throw new InvalidOperationException();
    }

    /// <summary>Events published before the service first binds its queue are lost, so wait until one arrives.</summary>
    private async Task WaitForConsumerAsync()
    {
        var probe = new PointsAwarded(Guid.CreateVersion7(), Guid.CreateVersion7(), 1, 1, "probe");
        var id = Guid.CreateVersion7();
        await Eventually.TrueAsync(
            async () =>
            {
                await PublishAsync(probe, id);
                return await QueryAsync(database => database.Notifications.AnyAsync(row => row.EventId == id, Cancel));
            },
            "the consumer");
    }

    public async ValueTask DisposeAsync()
    {
        await _tap.DisposeAsync();
        await _host.DisposeAsync();
    }
}

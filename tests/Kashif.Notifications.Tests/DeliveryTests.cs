using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Kashif.Messaging.Events;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;

namespace Kashif.Notifications.Tests;

/// <summary>Deliveries pass through RabbitMQ in the order of their priority, are sent once, and survive the loss of queue, broker and provider.</summary>
public sealed class DeliveryTests(NotificationsServers servers) : IAsyncLifetime
{
    private const string FailedRoot = "/api/v1/notifications/failed";

    private FakeFcm? _fcm;
    private IConnection? _connection;

    private FakeFcm Fcm => _fcm ?? throw new InvalidOperationException("Not started.");

    private IConnection Connection => _connection ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _fcm = await FakeFcm.StartAsync();
        _connection = await new ConnectionFactory { Uri = new Uri(servers.Servers.Messaging) }.CreateConnectionAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await Fcm.DisposeAsync();
        await Connection.DisposeAsync();
    }

    [Fact]
    public async Task A_message_holds_ids_only_and_counts_once_however_often_it_arrives()
    {
        await using var service = await StartAsync();
        await using var channel = await Connection.CreateChannelAsync(cancellationToken: Cancel);
        var tap = await TapAsync(channel, ChannelNames.Push);
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, "phone");

        var notification = await service.NotifyAsync(user);

        var delivery = await service.DeliveryAsync(Id(notification), DeliveryState.Sent);
        delivery.ProviderId.ShouldBe("projects/kashif-test/messages/1");
        var message = await TakeAsync(channel, tap);
        JsonElement.DeepEquals(JsonSerializer.Deserialize<JsonElement>(message.Body.Span), JsonSerializer.SerializeToElement(new
        {
            delivery_id = delivery.Id,
            notification_id = Id(notification),
            notification_type = "push",
            user_id = user,
            template_code = "points.awarded",
            request_id = await service.QueryAsync(database => database.Notifications.Where(row => row.Id == Id(notification)).Select(row => row.EventId).SingleAsync(Cancel)),
            priority = "normal",
            attempt = 1,
        })).ShouldBeTrue(System.Text.Encoding.UTF8.GetString(message.Body.Span));

        for (var copy = 0; copy < 10; copy++)
        {
            await channel.BasicPublishAsync(DeliveryQueues.Exchange, ChannelNames.Push, message.Body, Cancel);
        }

        // Behind the copies in the queue.
        var other = Guid.CreateVersion7();
        await service.AddDevicesAsync(other, "other");
        await service.DeliveryAsync(Id(await service.NotifyAsync(other)), DeliveryState.Sent);
        Fcm.Accepted.ShouldBe(["phone", "other"]);
        (await service.DeliveryAsync(Id(notification), DeliveryState.Sent)).Attempts.ShouldBe(1);
    }

    [Fact]
    public async Task An_unreadable_message_does_not_stop_the_queue()
    {
        await using var service = await StartAsync();
        await using var channel = await Connection.CreateChannelAsync(cancellationToken: Cancel);
        foreach (var body in (string[])["nonsense", "null", "{}", """{"delivery_id":"x"}"""])
        {
            await channel.BasicPublishAsync(DeliveryQueues.Exchange, ChannelNames.Push, System.Text.Encoding.UTF8.GetBytes(body), Cancel);
        }

        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, "phone");

        await service.DeliveryAsync(Id(await service.NotifyAsync(user)), DeliveryState.Sent);
    }

    [Fact]
    public async Task High_priority_overtakes_a_full_queue_and_low_priority_comes_last()
    {
        var sender = new StuckPushSender();
        await using var service = await StartAsync(new() { ["Delivery:Batch"] = "2", ["Delivery:QueueLimit"] = "4", ["Messaging:ConsumerLinger"] = "00:00:00.5" }, sender); // the broker may take a while
        await using var channel = await Connection.CreateChannelAsync(cancellationToken: Cancel);
        var user = Guid.CreateVersion7();
        var notification = Id(await service.NotifyAsync(user));
        await DeliverAsync(service, notification, user, Priority.Low, "low");
        await sender.Called; // the consumer is busy with it
        await DeliverAsync(service, notification, user, Priority.Normal, [.. Enumerable.Range(0, 10).Select(number => $"normal {number}")]);
        await Eventually.TrueAsync(async () => await channel.MessageCountAsync(DeliveryQueues.QueueOf(ChannelNames.Push), Cancel) >= 3, "a full queue");
        await DeliverAsync(service, notification, user, Priority.Low, "lower"); // now, because a worker that has it already cannot prefer the others
        await DeliverAsync(service, notification, user, Priority.Normal, [.. Enumerable.Range(10, 10).Select(number => $"normal {number}")]);

        await DeliverAsync(service, notification, user, Priority.High, "high");
        await Eventually.TrueAsync(
            () => service.QueryAsync(database => database.Deliveries.AnyAsync(row => row.Priority == Priority.High && row.NextAttemptAt > row.UpdatedAt, Cancel)), "the urgent one in the queue");
        sender.Release();

        await Eventually.TrueAsync(() => sender.Calls.Sum(call => call.Count) == 23, "all pushes");
        var order = sender.Calls.SelectMany((call, number) => call.Select(push => (push.Token, Call: number))).ToDictionary(entry => entry.Token, entry => entry.Call);
        order["high"].ShouldBe(1);
        order["lower"].ShouldBeGreaterThanOrEqualTo(order.Where(entry => entry.Key.StartsWith("normal 1", StringComparison.Ordinal)).Max(entry => entry.Value) - 2);
        order.Count(entry => entry.Value > order["high"]).ShouldBeGreaterThan(15);
    }

    [Fact]
    public async Task A_used_up_quota_pauses_the_channel_as_long_as_the_provider_says()
    {
        await using var service = await StartAsync();
        Fcm.RetryAfter = "30";
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, $"{FakeFcm.Quota}:phone");

        var delivery = await service.DeliveryAsync(Id(await service.NotifyAsync(user)), DeliveryState.Failed);

        delivery.LastError.ShouldBe("quota_exceeded");
        (delivery.NextAttemptAt - delivery.UpdatedAt).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(30));
        service.Services.GetRequiredService<ChannelPause<PushChannel>>().IsPaused.ShouldBeTrue();
        service.Services.GetRequiredService<ChannelPause<EmailChannel>>().IsPaused.ShouldBeFalse();
    }

    [Fact]
    public async Task A_call_that_hangs_is_given_up_before_its_lease_ends_and_tried_again()
    {
        await using var service = await StartAsync(new() { ["Delivery:Lease"] = "00:00:04", ["Delivery:MaxAttempts"] = "20" });
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, FakeFcm.Slow);

        var notification = Id(await service.NotifyAsync(user));
        await Eventually.TrueAsync(() => Fcm.To(FakeFcm.Slow).Count() >= 2, "a second call");
        Fcm.Finish();

        (await service.DeliveryAsync(notification, DeliveryState.Sent)).Attempts.ShouldBeGreaterThanOrEqualTo(2);
        Fcm.Accepted.Distinct().ShouldBe([FakeFcm.Slow]); // twice, if an answer came too late
    }

    [Fact]
    public async Task An_expired_delivery_is_not_sent()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        var notification = Id(await service.NotifyAsync(user));

        await DeliverAsync(service, notification, user, Priority.Normal, TimeProvider.System.GetUtcNow().AddSeconds(-1), "late");

        (await service.DeliveryAsync(notification, DeliveryState.Dead)).LastError.ShouldBe("expired");
        Fcm.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_dead_delivery_is_in_the_failed_queue_and_is_replayed_once()
    {
        await using var service = await StartAsync();
        await using var channel = await Connection.CreateChannelAsync(cancellationToken: Cancel);
        var tap = await TapAsync(channel, DeliveryQueues.Failed);
        var user = Guid.CreateVersion7();
        var token = $"{FakeFcm.Invalid}:phone";
        await service.AddDevicesAsync(user, token);
        var notification = Id(await service.NotifyAsync(user));
        var dead = await service.DeliveryAsync(notification, DeliveryState.Dead);

        var message = JsonSerializer.Deserialize<JsonElement>((await TakeAsync(channel, tap)).Body.Span);
        message.GetProperty("delivery_id").GetInt64().ShouldBe(dead.Id);
        message.GetProperty("error").GetString().ShouldBe("invalid_argument");
        using var admin = service.AsAdmin();
        var row = (await admin.GetFromJsonAsync<JsonElement>($"{FailedRoot}?channel=push&error=invalid_argument", Cancel)).GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        row.GetProperty("id").GetInt64().ShouldBe(dead.Id);
        row.GetProperty("notification_id").GetGuid().ShouldBe(notification);
        row.GetProperty("user_id").GetGuid().ShouldBe(user);
        row.GetProperty("attempts").GetInt32().ShouldBe(1);
        (await admin.GetFromJsonAsync<JsonElement>($"{FailedRoot}?channel=email", Cancel)).GetProperty("items").GetArrayLength().ShouldBe(0);
        (await admin.GetFromJsonAsync<JsonElement>($"{FailedRoot}?error=smtp_550", Cancel)).GetProperty("items").GetArrayLength().ShouldBe(0);

        await service.QueryAsync(database => database.Devices.Where(device => device.Token == token).ExecuteUpdateAsync(set => set.SetProperty(device => device.Token, "repaired"), Cancel));
        (await ReplayAsync(new { channel = "push", error = "unregistered" })).ShouldBe((0, 0));
        var replays = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ReplayAsync(new { channel = "push" })));

        replays.Sum(replay => replay.Replayed).ShouldBe(1);
        (await service.DeliveryAsync(notification, DeliveryState.Sent)).Attempts.ShouldBe(1);
        Fcm.Accepted.ShouldBe(["repaired"]);
        (await admin.GetFromJsonAsync<JsonElement>(FailedRoot, Cancel)).GetProperty("items").GetArrayLength().ShouldBe(0);

        async Task<(int Replayed, int Remaining)> ReplayAsync(object request)
        {
            using var response = await admin.PostAsJsonAsync($"{FailedRoot}/replay", request, Cancel);
            response.EnsureSuccessStatusCode();
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            return (answer.GetProperty("replayed").GetInt32(), answer.GetProperty("remaining").GetInt32());
        }
    }

    [Fact]
    public async Task Each_delivery_that_ends_is_announced_once()
    {
        await using var service = await StartAsync();
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, "phone", $"{FakeFcm.Invalid}:phone", "tablet");

        var notification = Id(await service.NotifyAsync(user));
        await Eventually.TrueAsync(() => CountAsync(service, DeliveryState.Sent, 2), "the pushes");
        await service.PublishAsync(new PasswordResetRequested(user, "amal@people.test", "secret-token", "en")); // of an account: not announced
        await Eventually.TrueAsync(() => service.QueryAsync(database => database.Deliveries.AnyAsync(row => row.UserId == user && row.State == DeliveryState.Sent, Cancel)), "the mail");

        await Eventually.TrueAsync(() => tap.Envelopes("notification.delivered").Count(IsOfUser) == 2, "the events");
        tap.Envelopes("notification.delivered").Where(IsOfUser).ShouldAllBe(envelope =>
            envelope.GetProperty("subject").GetString() == $"{notification}" && envelope.GetProperty("data").GetProperty("channel").GetString() == "push"
            && envelope.GetProperty("data").GetProperty("notification_id").GetGuid() == notification);
        (await tap.WaitForAsync("notification.failed", data => data.GetProperty("user_id").GetGuid() == user)).GetProperty("data").GetProperty("error").GetString().ShouldBe("invalid_argument");
        tap.Envelopes("notification.failed").Count(IsOfUser).ShouldBe(1);

        bool IsOfUser(JsonElement envelope) => envelope.GetProperty("data").GetProperty("user_id").GetGuid() == user;
    }

    [Fact]
    public async Task A_notification_can_be_deleted_while_its_pushes_are_sent()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, "phone", "tablet");
        var notification = Id(await service.NotifyAsync(user));
        await Eventually.TrueAsync(() => CountAsync(service, DeliveryState.Sent, 2), "the pushes");
        var ids = await service.QueryAsync(database => database.Deliveries.Where(row => row.NotificationId == notification).OrderBy(row => row.Id).Select(row => row.Id).ToListAsync(Cancel));

        // The first is now behind the second in the table, where a cascade meets them.
        await service.QueryAsync(database => database.Deliveries.Where(row => row.Id == ids[0])
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.NextAttemptAt, row => row.NextAttemptAt.AddHours(1)), Cancel));
        using var client = service.As(user);
        await service.QueryAsync(async database =>
        {
            await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
            await LockAsync(ids[0]);
            var deleting = client.DeleteAsync($"/api/v1/notifications/{notification}", Cancel);
            await service.BlockedAsync();
            await LockAsync(ids[1]);
            await transaction.CommitAsync(Cancel);
            using var deleted = await deleting;
            deleted.StatusCode.ShouldBe(System.Net.HttpStatusCode.NoContent);
            return 0;

            Task<int> LockAsync(long id) => database.Database.ExecuteSqlAsync($"SELECT FROM deliveries WHERE id = {id} FOR UPDATE", Cancel);
        });
    }

    [Fact]
    public async Task A_replay_without_a_filter_leaves_out_what_cannot_succeed()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, $"{FakeFcm.Unregistered}:phone", $"{FakeFcm.Invalid}:phone");
        await service.NotifyAsync(user);
        await Eventually.TrueAsync(() => CountAsync(service, DeliveryState.Dead, 2), "the failures");
        using var admin = service.AsAdmin();

        (await ReplayAsync(new { })).ShouldBe((1, 0, 1));
        await Eventually.TrueAsync(() => CountAsync(service, DeliveryState.Dead, 2), "the failure again");
        (await ReplayAsync(new { error = "unregistered" })).ShouldBe((1, 0, 0));

        async Task<(int, int, int)> ReplayAsync(object request)
        {
            using var response = await admin.PostAsJsonAsync($"{FailedRoot}/replay", request, Cancel);
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            return (answer.GetProperty("replayed").GetInt32(), answer.GetProperty("remaining").GetInt32(), answer.GetProperty("skipped").GetInt32());
        }
    }

    [Fact]
    public async Task Failed_deliveries_are_listed_page_by_page()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, [.. Enumerable.Range(0, 4).Select(number => $"{FakeFcm.Invalid}:{number}")]);
        await service.NotifyAsync(user);
        await Eventually.TrueAsync(() => CountAsync(service, DeliveryState.Dead, 4), "four dead deliveries");

        using var admin = service.AsAdmin();
        var first = await admin.GetFromJsonAsync<JsonElement>($"{FailedRoot}?limit=2", Cancel);
        var second = await admin.GetFromJsonAsync<JsonElement>($"{FailedRoot}?limit=2&cursor={first.GetProperty("next_cursor").GetString()}", Cancel);
        second.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        new[] { first, second }.SelectMany(page => page.GetProperty("items").EnumerateArray()).Select(item => item.GetProperty("id").GetInt64()).Distinct().Count().ShouldBe(4);
    }

    [Fact]
    public async Task The_loss_of_a_queue_loses_no_delivery()
    {
        var sender = new StuckPushSender();
        await using var service = await StartAsync(new() { ["Delivery:Batch"] = "10", ["Delivery:Lease"] = "00:00:02" }, sender);
        await using var channel = await Connection.CreateChannelAsync(cancellationToken: Cancel);
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, [.. Enumerable.Range(0, 40).Select(number => $"phone {number}")]);
        await service.NotifyAsync(user);
        await sender.Called;
        await Eventually.TrueAsync(async () => await channel.MessageCountAsync(DeliveryQueues.QueueOf(ChannelNames.Push), Cancel) >= 20, "a queue");

        await channel.QueueDeleteAsync(DeliveryQueues.QueueOf(ChannelNames.Push), cancellationToken: Cancel);
        sender.Release();

        await Eventually.TrueAsync(() => CountAsync(service, DeliveryState.Sent, 40), "all pushes");
        sender.Calls.SelectMany(call => call).Select(push => push.Token).Distinct().Count().ShouldBe(40);
    }

    [Fact]
    public async Task A_provider_that_dies_mid_burst_gets_every_push_once_when_it_is_back()
    {
        const int Devices = 200;
        await using var service = await StartAsync(new() { ["Delivery:MaxAttempts"] = "20", ["Delivery:Batch"] = "20" });
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, [.. Enumerable.Range(0, Devices).Select(number => $"phone {number}")]);
        var first = Fcm;
        first.DiesAfter = Devices / 2;
        await service.NotifyAsync(user);
        await Eventually.TrueAsync(() => service.QueryAsync(database => database.Deliveries.AnyAsync(row => row.State == DeliveryState.Failed, Cancel)), "a failure");
        await first.DisposeAsync();
        _fcm = await FakeFcm.StartAsync(first.Address);

        await Eventually.TrueAsync(() => CountAsync(service, DeliveryState.Sent, Devices), "all pushes");
        first.Accepted.Concat(Fcm.Accepted).Order().ShouldBe(Enumerable.Range(0, Devices).Select(number => $"phone {number}").Order());
    }

    [Fact]
    public async Task A_broker_that_restarts_mid_burst_costs_no_push_and_sends_none_twice()
    {
        const int Devices = 200;
        await using var service = await StartAsync(new() { ["Delivery:Batch"] = "10", ["Delivery:Lease"] = "00:00:20" }); // what the broker loses is sent again then
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, [.. Enumerable.Range(0, Devices).Select(number => $"phone {number}")]);
        await service.NotifyAsync(user);
        await Eventually.TrueAsync(() => Fcm.Accepted.Count >= 20, "the start of the burst");

        await RunAsync(KnownResourceCommands.StopCommand);
        await Eventually.TrueAsync(async () => await HealthAsync() == "degraded", "a degraded health");
        await RunAsync(KnownResourceCommands.StartCommand);

        await Eventually.TrueAsync(() => CountAsync(service, DeliveryState.Sent, Devices), "all pushes");
        Fcm.Accepted.Order().ShouldBe(Enumerable.Range(0, Devices).Select(number => $"phone {number}").Order());
        await Eventually.TrueAsync(async () => await HealthAsync() == "healthy", "a healthy consumer");

        async Task RunAsync(string command) => (await servers.Servers.Commands.ExecuteCommandAsync(ResourceNames.Messaging, command, Cancel)).Success.ShouldBeTrue();

        async Task<string?> HealthAsync()
        {
            using var client = service.Anonymous();
            using var response = await client.GetAsync("/health", Cancel); // 503 if a check takes too long
            return (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("checks").GetProperty(DeliveryHealth.Name).GetProperty("status").GetString();
        }
    }

    [Fact]
    public async Task With_one_call_in_ten_failing_nearly_all_of_two_thousand_pushes_arrive_and_none_twice()
    {
        const int Devices = 2000;
        await using var service = await StartAsync(new() { ["Delivery:MaxAttempts"] = "12" });
        Fcm.FailsOneIn = 10;
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, [.. Enumerable.Range(0, Devices).Select(number => $"phone {number}")]);

        await service.NotifyAsync(user);

        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => await database.Deliveries.CountAsync(row => row.State == DeliveryState.Sent || row.State == DeliveryState.Dead, Cancel) == Devices),
            "the outcomes");
        Fcm.Received.Count.ShouldBeGreaterThan(0);
        Fcm.Accepted.Distinct().Count().ShouldBeGreaterThanOrEqualTo(Devices * 995 / 1000);
        Fcm.Accepted.Count.ShouldBe(Fcm.Accepted.Distinct().Count());
        (await service.QueryAsync(database => database.Deliveries.CountAsync(row => row.State == DeliveryState.Sent, Cancel))).ShouldBe(Fcm.Accepted.Count);
    }

    [Fact]
    public async Task Devices_that_have_not_registered_for_270_days_are_deleted()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await service.AddDevicesAsync(user, "stale", "refreshed", "young");
        await SetAgeAsync("stale", 271);
        await SetAgeAsync("refreshed", 271);
        await SetAgeAsync("young", 269);
        using (var refreshed = await service.RegisterAsync(user, "refreshed"))
        {
            refreshed.IsSuccessStatusCode.ShouldBeTrue();
        }

        await service.Services.GetServices<IHostedService>().OfType<DeviceCleanup>().Single().RunOnceAsync(Cancel);

        (await service.QueryAsync(database => database.Devices.Where(device => device.UserId == user).Select(device => device.Token).Order().ToListAsync(Cancel))).ShouldBe(["refreshed", "young"]);

        Task<int> SetAgeAsync(string token, int days) => service.QueryAsync(database => database.Devices.Where(device => device.Token == token)
            .ExecuteUpdateAsync(set => set.SetProperty(device => device.RegisteredAt, TimeProvider.System.GetUtcNow().AddDays(-days)), Cancel));
    }

    private static Guid Id(JsonElement notification) => notification.GetProperty("id").GetGuid();

    private static Task<bool> CountAsync(NotificationsService service, string state, int count) =>
        service.QueryAsync(async database => await database.Deliveries.CountAsync(row => row.State == state, Cancel) == count);

    private static Task DeliverAsync(NotificationsService service, Guid notification, Guid user, Priority priority, params string[] tokens) =>
        DeliverAsync(service, notification, user, priority, expiresAt: null, tokens);

    /// <summary>Queues deliveries to new devices.</summary>
    private static async Task DeliverAsync(NotificationsService service, Guid notification, Guid user, Priority priority, DateTimeOffset? expiresAt, params string[] tokens)
    {
        await service.AddDevicesAsync(user, tokens);
        await service.QueryAsync(async database =>
        {
            var now = TimeProvider.System.GetUtcNow();
            var devices = await database.Devices.Where(device => tokens.Contains(device.Token)).Select(device => device.Id).ToListAsync(Cancel);
            database.Deliveries.AddRange(devices.Select(device => new ChannelDelivery
            {
                Channel = ChannelNames.Push,
                NotificationId = notification,
                DeviceId = device,
                State = DeliveryState.Queued,
                Priority = priority,
                ExpiresAt = expiresAt,
                NextAttemptAt = now,
                UpdatedAt = now,
            }));
            return await database.SaveChangesAsync(Cancel);
        });
    }

    /// <summary>A queue that gets a copy of each message.</summary>
    private static async Task<string> TapAsync(IChannel channel, string routingKey)
    {
        var queue = await channel.QueueDeclareAsync(cancellationToken: Cancel);
        await channel.QueueBindAsync(queue.QueueName, DeliveryQueues.Exchange, routingKey, cancellationToken: Cancel);
        return queue.QueueName;
    }

    private static async Task<BasicGetResult> TakeAsync(IChannel channel, string queue)
    {
        BasicGetResult? message = null;
        await Eventually.TrueAsync(async () => (message = await channel.BasicGetAsync(queue, autoAck: true, Cancel)) is not null, "a message");
        return message ?? throw new InvalidOperationException();
    }

    private Task<NotificationsService> StartAsync(Dictionary<string, string?>? settings = null, IPushSender? sender = null)
    {
        var all = new Dictionary<string, string?>
        {
            ["Firebase:CredentialsJson"] = Fcm.CredentialsJson,
            ["Delivery:MaxAttempts"] = "3",
            ["Delivery:RetryDelay"] = "00:00:00.05",
            ["Delivery:Poll"] = "00:00:00.05",
            ["Delivery:Lease"] = "00:01:00",
        };
        foreach (var (key, value) in settings ?? [])
        {
            all[key] = value;
        }

        return NotificationsService.StartAsync(servers, all, configure: services =>
        {
            services.Replace(ServiceDescriptor.Singleton(Fcm.Clients));
            if (sender is not null)
            {
                services.Replace(ServiceDescriptor.Singleton(sender));
            }
        });
    }
}

using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Notifications.Delivery;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Tests;

/// <summary>Notifications reach each device of their user at least once or end with a reason.</summary>
public sealed class PushTests(NotificationsServers servers) : IAsyncLifetime
{
    private FakeFcm? _fcm;

    private FakeFcm Fcm => _fcm ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _fcm = await FakeFcm.StartAsync();

    public ValueTask DisposeAsync() => Fcm.DisposeAsync();

    [Fact]
    public async Task A_notification_is_pushed_only_to_all_devices_of_its_user()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await RegisterAsync(service, user, "phone", "tablet");
        await RegisterAsync(service, Guid.CreateVersion7(), "strangers");

        var notification = await service.NotifyAsync(user);

        await Eventually.TrueAsync(() => Fcm.Received.Count == 2, "two pushes");
        Fcm.Received.Select(message => message["token"]?.ToString()).ShouldBe(["phone", "tablet"], ignoreOrder: true);
        foreach (var message in Fcm.Received)
        {
            FakeFcm.Text(message, "notification", "title").ShouldBe(notification.GetProperty("title").GetString());
            FakeFcm.Text(message, "notification", "body").ShouldBe(notification.GetProperty("body").GetString());
            FakeFcm.Text(message, "data", "notification_id").ShouldBe(notification.GetProperty("id").GetString());
            FakeFcm.Text(message, "data", "type").ShouldBe(PointsAwarded.Type);
            FakeFcm.Text(message, "data", "points").ShouldBe("10");
        }

        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => await database.Deliveries.CountAsync(row => row.State == DeliveryState.Sent, Cancel) == 2), "two sent deliveries");
    }

    [Theory]
    [InlineData(FakeFcm.Unregistered)]
    [InlineData("wrong_sender", FakeFcm.WrongSender)]
    public async Task A_device_without_the_app_is_removed(string name, string? prefix = null)
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await RegisterAsync(service, user, $"{prefix ?? name}:phone");

        var notification = await service.NotifyAsync(user);

        var delivery = await service.DeliveryAsync(Id(notification), DeliveryState.Dead);
        delivery.LastError.ShouldBe(prefix is null ? "unregistered" : "sender_id_mismatch");
        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => !await database.Devices.AnyAsync(device => device.UserId == user, Cancel)), "the removal of the device");
    }

    [Fact]
    public async Task A_permanently_refused_push_is_not_retried_and_keeps_the_device()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await RegisterAsync(service, user, $"{FakeFcm.Invalid}:phone");

        var notification = await service.NotifyAsync(user);

        var delivery = await service.DeliveryAsync(Id(notification), DeliveryState.Dead);
        delivery.LastError.ShouldBe("invalid_argument");
        delivery.Attempts.ShouldBe(1);
        (await service.QueryAsync(database => database.Devices.CountAsync(device => device.UserId == user, Cancel))).ShouldBe(1);
    }

    [Fact]
    public async Task A_temporarily_refused_push_is_retried_up_to_the_limit()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        const string token = "error:500:INTERNAL:INTERNAL";
        await RegisterAsync(service, user, token);

        var notification = await service.NotifyAsync(user);

        var delivery = await service.DeliveryAsync(Id(notification), DeliveryState.Dead);
        delivery.Attempts.ShouldBe(3);
        delivery.LastError.ShouldBe("internal");
        Fcm.To(token).Count().ShouldBe(3);
        (await service.QueryAsync(database => database.Devices.CountAsync(device => device.UserId == user, Cancel))).ShouldBe(1);
    }

    [Fact]
    public async Task A_waiting_push_is_dropped_if_another_user_registers_the_device()
    {
        var stuck = new StuckPushSender();
        await using var service = await StartAsync(sender: stuck);
        var first = Guid.CreateVersion7();
        var second = Guid.CreateVersion7();
        await RegisterAsync(service, first, "phone");

        // The worker is busy with one notification. The next one waits while the device gets a new owner.
        await service.NotifyAsync(first, points: 1);
        await stuck.Called;
        var waiting = await service.NotifyAsync(first, points: 2);
        await RegisterAsync(service, second, "phone");
        stuck.Release();

        (await service.DeliveryAsync(Id(waiting), DeliveryState.Dead)).LastError.ShouldBe("device_removed");
        stuck.Calls.ShouldHaveSingleItem().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_device_gets_its_pushes_one_after_another_in_order()
    {
        var sender = new StuckPushSender();
        await using var service = await StartAsync(sender: sender);
        var (user, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await RegisterAsync(service, user, "phone", "tablet");
        await RegisterAsync(service, other, "others phone");
        await service.NotifyAsync(user, points: 1);
        await sender.Called;

        // These wait together for the worker.
        for (var points = 2; points <= 5; points++)
        {
            await service.NotifyAsync(user, points);
        }

        await service.NotifyAsync(other, points: 6);
        sender.Release();

        await Eventually.TrueAsync(() => sender.Calls.Sum(call => call.Count) == 11, "the pushes");
        sender.Calls.ShouldAllBe(call => call.Select(push => push.Token).Distinct().Count() == call.Count);
        foreach (var token in (string[])["phone", "tablet"])
        {
            sender.Calls.SelectMany(call => call).Where(push => push.Token == token).Select(push => push.Data["points"]).ShouldBe(["1", "2", "3", "4", "5"]);
        }
    }

    [Fact]
    public async Task Another_process_sends_what_a_crashed_process_had_leased()
    {
        // From outside, a process stuck in a call looks the same as a crashed one.
        var stuck = new StuckPushSender();
        await using var dying = await StartAsync(sender: stuck, lease: "00:00:03");
        var user = Guid.CreateVersion7();
        await RegisterAsync(dying, user, "phone");
        var notification = await dying.NotifyAsync(user);
        await stuck.Called;

        await using (var next = await StartAsync(database: dying.Database, lease: "00:00:20"))
        {
            var delivery = await next.DeliveryAsync(Id(notification), DeliveryState.Sent);
            delivery.Attempts.ShouldBe(2);
            Fcm.To("phone").ShouldHaveSingleItem();
        }

        // The first process's late outcome is ignored.
        stuck.Release(new SendOutcome(SendResult.Refused, "too_late"));
        await RegisterAsync(dying, user, "another");
        var other = await dying.NotifyAsync(user);
        await dying.QueryAsync(async database =>
        {
            await Eventually.TrueAsync(
                () => database.Deliveries.AnyAsync(row => row.NotificationId == Id(other) && row.State == DeliveryState.Dead, Cancel), "the outcome of the next push");
            return 0;
        });
        (await dying.DeliveryAsync(Id(notification), DeliveryState.Sent)).LastError.ShouldBeNull();
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{}")]
    [InlineData("""{"type":"authorized_user"}""")]
    [InlineData("""{"type":"service_account","project_id":"p","client_email":"secret@example.org","private_key":"broken"}""")]
    public void Invalid_credentials_fail_validation_with_the_settings_name(string json)
    {
        var services = new ServiceCollection();
        services.AddOptions<FirebaseOptions>().Configure(options => options.CredentialsJson = json).ValidateDataAnnotations();
        using var provider = services.BuildServiceProvider();

        var refusal = Should.Throw<OptionsValidationException>(() => provider.GetRequiredService<IOptions<FirebaseOptions>>().Value);

        refusal.Message.ShouldContain("Firebase:CredentialsJson");
        refusal.Message.ShouldNotContain("secret@example.org");
    }

    private static Guid Id(JsonElement notification) => notification.GetProperty("id").GetGuid();

    private static async Task RegisterAsync(NotificationsService service, Guid user, params string[] tokens)
    {
        foreach (var token in tokens)
        {
            using var response = await service.RegisterAsync(user, token);
            response.IsSuccessStatusCode.ShouldBeTrue();
        }
    }

    private Task<NotificationsService> StartAsync(string? database = null, IPushSender? sender = null, string lease = "00:01:00") => NotificationsService.StartAsync(
        servers,
        new()
        {
            ["Firebase:CredentialsJson"] = Fcm.CredentialsJson,
            ["Delivery:MaxAttempts"] = "3",
            ["Delivery:RetryDelay"] = "00:00:00.05",
            ["Delivery:Poll"] = "00:00:00.05",
            ["Delivery:Lease"] = lease,
        },
        database,
        services =>
        {
            services.Replace(ServiceDescriptor.Singleton(Fcm.Clients));
            if (sender is not null)
            {
                services.Replace(ServiceDescriptor.Singleton(sender));
            }
        });
}

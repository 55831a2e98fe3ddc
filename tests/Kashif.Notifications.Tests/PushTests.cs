using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Notifications.Channels;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Tests;

/// <summary>Every notification reaches every device of its user at least once, or ends in a state that says why not.</summary>
public sealed class PushTests(NotificationsServers servers) : IAsyncLifetime
{
    private FakeFcm? _fcm;

    private FakeFcm Fcm => _fcm ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _fcm = await FakeFcm.StartAsync();

    public ValueTask DisposeAsync() => Fcm.DisposeAsync();

    [Fact]
    public async Task A_notification_is_pushed_to_all_devices_of_its_user_and_to_no_others()
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
            () => service.QueryAsync(async database => await database.Deliveries.CountAsync(row => row.State == DeliveryState.Sent, Cancel) == 2), "both sent");
    }

    [Theory]
    [InlineData(FakeFcm.Unregistered)]
    [InlineData("wrong_sender", FakeFcm.WrongSender)]
    public async Task A_device_that_has_left_is_forgotten(string name, string? prefix = null)
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await RegisterAsync(service, user, $"{prefix ?? name}:phone");

        var notification = await service.NotifyAsync(user);

        var delivery = await service.DeliveryAsync(Id(notification), DeliveryState.Failed);
        delivery.LastError.ShouldBe(prefix is null ? "unregistered" : "sender_id_mismatch");
        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => !await database.Devices.AnyAsync(device => device.UserId == user, Cancel)), "no device");
    }

    [Fact]
    public async Task What_can_never_succeed_is_not_tried_again_and_the_device_stays()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await RegisterAsync(service, user, $"{FakeFcm.Invalid}:phone");

        var notification = await service.NotifyAsync(user);

        var delivery = await service.DeliveryAsync(Id(notification), DeliveryState.Failed);
        delivery.LastError.ShouldBe("invalid_argument");
        delivery.Attempts.ShouldBe(1);
        (await service.QueryAsync(database => database.Devices.CountAsync(device => device.UserId == user, Cancel))).ShouldBe(1);
    }

    [Fact]
    public async Task What_may_succeed_later_is_tried_again_and_given_up_in_the_end()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        var token = $"{FakeFcm.Quota}:phone";
        await RegisterAsync(service, user, token);

        var notification = await service.NotifyAsync(user);

        var delivery = await service.DeliveryAsync(Id(notification), DeliveryState.Dead);
        delivery.Attempts.ShouldBe(3);
        delivery.LastError.ShouldBe("quota_exceeded");
        Fcm.To(token).Count().ShouldBe(3);
        (await service.QueryAsync(database => database.Devices.CountAsync(device => device.UserId == user, Cancel))).ShouldBe(1);
    }

    [Fact]
    public async Task What_waits_for_a_device_that_changed_hands_is_not_shown_to_the_new_owner()
    {
        var stuck = new StuckSender();
        await using var service = await StartAsync(sender: stuck);
        var first = Guid.CreateVersion7();
        var second = Guid.CreateVersion7();
        await RegisterAsync(service, first, "phone");

        // The worker is busy with one notification while the next one waits and the phone is sold.
        await service.NotifyAsync(first, points: 1);
        await stuck.Taken;
        var waiting = await service.NotifyAsync(first, points: 2);
        await RegisterAsync(service, second, "phone");
        stuck.Release();

        (await service.DeliveryAsync(Id(waiting), DeliveryState.Failed)).LastError.ShouldBe("device_removed");
        stuck.Pushed.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_a_process_that_died_had_taken_up_is_sent_by_the_next()
    {
        // A process that never comes back from its call and one that was killed in it look the same from outside.
        var stuck = new StuckSender();
        await using var dying = await StartAsync(sender: stuck);
        var user = Guid.CreateVersion7();
        await RegisterAsync(dying, user, "phone");
        var notification = await dying.NotifyAsync(user);
        await stuck.Taken;

        await using (var next = await StartAsync(database: dying.Database))
        {
            var delivery = await next.DeliveryAsync(Id(notification), DeliveryState.Sent);
            delivery.Attempts.ShouldBe(2);
            Fcm.To("phone").ShouldHaveSingleItem();
        }

        // And when the first one comes back after all, it has no say any more.
        stuck.Release(new SendOutcome(SendResult.Refused, "too_late"));
        await RegisterAsync(dying, user, "another");
        var other = await dying.NotifyAsync(user);
        await dying.QueryAsync(async database =>
        {
            await Eventually.TrueAsync(
                () => database.Deliveries.AnyAsync(row => row.NotificationId == Id(other) && row.State != DeliveryState.Pending, Cancel), "the next one");
            return 0;
        });
        (await dying.DeliveryAsync(Id(notification), DeliveryState.Sent)).LastError.ShouldBeNull();
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{}")]
    [InlineData("""{"type":"authorized_user"}""")]
    [InlineData("""{"type":"service_account","project_id":"p","client_email":"secret@example.org","private_key":"broken"}""")]
    public void Credentials_that_are_none_stop_the_start_and_name_the_setting(string json)
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

    private Task<NotificationsService> StartAsync(string? database = null, IPushSender? sender = null) => NotificationsService.StartAsync(
        servers,
        new()
        {
            ["Firebase:CredentialsJson"] = Fcm.CredentialsJson,
            ["Delivery:MaxAttempts"] = "3",
            ["Delivery:RetryDelay"] = "00:00:00.05",
            ["Delivery:Poll"] = "00:00:00.05",
            ["Delivery:Lease"] = "00:00:03",
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

    /// <summary>Does not come back from its first call before it is released.</summary>
    private sealed class StuckSender : IPushSender
    {
        private readonly TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<SendOutcome> _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Taken => _taken.Task;

        public List<Push> Pushed { get; } = [];

        public void Release(SendOutcome outcome = default) => _released.TrySetResult(outcome);

        public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Push> pushes, CancellationToken cancellationToken)
        {
            Pushed.AddRange(pushes);
            _taken.TrySetResult();
            var outcome = await _released.Task;
            return [.. pushes.Select(_ => outcome)];
        }
    }
}

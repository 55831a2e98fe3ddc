using System.Globalization;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Templates;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Tests;

/// <summary>The behaviour of FirebaseAdmin that Kashif depends on, for the package and for eng/FirebaseAdmin.</summary>
public sealed class FirebasePushSenderTests : IAsyncLifetime
{
    private FakeFcm? _fcm;
    private FirebasePushSender? _sender;

    private FakeFcm Fcm => _fcm ?? throw new InvalidOperationException("Not started.");

    private FirebasePushSender Sender => _sender ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _fcm = await FakeFcm.StartAsync();
        _sender = new FirebasePushSender(Options.Create(new FirebaseOptions { CredentialsJson = _fcm.CredentialsJson }), Options.Create(new MailLinkOptions { App = "https://app.kashif.test" }), _fcm.Clients,
            TimeProvider.System);
    }

    public ValueTask DisposeAsync()
    {
        _sender?.Dispose();
        return Fcm.DisposeAsync();
    }

    [Fact]
    public async Task A_push_has_the_fields_that_FCM_documents()
    {
        var push = PushTo("phone");

        (await Sender.SendAsync([push], Cancel)).ShouldBe([new SendOutcome(SendResult.Sent, ProviderId: "projects/kashif-test/messages/1")]);

        var id = push.NotificationId.ToString();
        var message = Fcm.Received.ShouldHaveSingleItem();
        FakeFcm.Text(message, "token").ShouldBe("phone");
        FakeFcm.Text(message, "notification", "title").ShouldBe("Points");
        FakeFcm.Text(message, "notification", "body").ShouldBe("+10");
        FakeFcm.Text(message, "data", "points").ShouldBe("10");
        FakeFcm.Text(message, "data", "type").ShouldBe("points.awarded");
        FakeFcm.Text(message, "data", "notification_id").ShouldBe(id);
        FakeFcm.Text(message, "android", "priority").ShouldBe("high");
        FakeFcm.Text(message, "android", "notification", "tag").ShouldBe(id);
        FakeFcm.Text(message, "apns", "headers", "apns-collapse-id").ShouldBe(id);
        FakeFcm.Text(message, "apns", "payload", "aps", "sound").ShouldBe("default");
        FakeFcm.Text(message, "android", "notification", "channel_id").ShouldBe("points");
        FakeFcm.Text(message, "android", "ttl").ShouldBeNull();
        FakeFcm.Text(message, "apns", "headers", "apns-priority").ShouldBe("10");
        FakeFcm.Text(message, "apns", "headers", "apns-push-type").ShouldBe("alert");
        FakeFcm.Text(message, "apns", "headers", "apns-expiration").ShouldBeNull();
        FakeFcm.Text(message, "apns", "payload", "aps", "thread-id").ShouldBe("points.awarded");
        FakeFcm.Text(message, "apns", "payload", "aps", "category").ShouldBe("points.awarded");
        FakeFcm.Text(message, "webpush", "headers", "Urgency").ShouldBe("normal");
        FakeFcm.Text(message, "webpush", "headers", "TTL").ShouldBeNull();
        FakeFcm.Text(message, "webpush", "notification", "title").ShouldBe("Points");
        FakeFcm.Text(message, "webpush", "notification", "body").ShouldBe("+10");
        FakeFcm.Text(message, "webpush", "notification", "tag").ShouldBe(id);
        FakeFcm.Text(message, "webpush", "fcm_options", "link").ShouldBe("https://app.kashif.test");
        message.AsObject().ContainsKey("topic").ShouldBeFalse();
    }

    [Fact]
    public async Task A_push_that_expires_tells_each_platform_when()
    {
        var expires = TimeProvider.System.GetUtcNow().AddHours(1);

        await Sender.SendAsync([PushTo("phone") with { ExpiresAt = expires }], Cancel);

        var message = Fcm.Received.ShouldHaveSingleItem();
        var ttl = FakeFcm.Text(message, "android", "ttl").ShouldNotBeNull();
        int.Parse(ttl.TrimEnd('s'), CultureInfo.InvariantCulture).ShouldBeInRange(3500, 3600);
        ttl.ShouldEndWith("s");
        FakeFcm.Text(message, "webpush", "headers", "TTL").ShouldBe(ttl.TrimEnd('s'));
        FakeFcm.Text(message, "apns", "headers", "apns-expiration").ShouldBe($"{expires.ToUnixTimeSeconds()}");
    }

    [Theory]
    [InlineData(nameof(Priority.Low), "normal", "5", "low")]
    [InlineData(nameof(Priority.Normal), "high", "10", "normal")]
    [InlineData(nameof(Priority.High), "high", "10", "high")]
    public async Task A_push_has_its_priority_on_each_platform(string priority, string android, string apns, string web)
    {
        await Sender.SendAsync([PushTo("phone") with { Priority = Enum.Parse<Priority>(priority) }], Cancel);

        var message = Fcm.Received.ShouldHaveSingleItem();
        FakeFcm.Text(message, "android", "priority").ShouldBe(android);
        FakeFcm.Text(message, "apns", "headers", "apns-priority").ShouldBe(apns);
        FakeFcm.Text(message, "webpush", "headers", "Urgency").ShouldBe(web);
    }

    [Fact]
    public async Task A_push_without_a_text_is_a_data_message_that_wakes_the_app()
    {
        await Sender.SendAsync([PushTo("phone") with { Title = "", Body = "" }], Cancel);

        var message = Fcm.Received.ShouldHaveSingleItem();
        FakeFcm.Text(message, "data", "points").ShouldBe("10");
        FakeFcm.Text(message, "apns", "payload", "aps", "content-available").ShouldBe("1");
        FakeFcm.Text(message, "apns", "headers", "apns-push-type").ShouldBe("background");
        FakeFcm.Text(message, "apns", "headers", "apns-priority").ShouldBe("5");
        foreach (var platform in (string[])["android", "webpush"])
        {
            FakeFcm.Text(message, platform, "notification").ShouldBeNull();
        }

        message.AsObject().ContainsKey("notification").ShouldBeFalse();
    }

    [Theory]
    [InlineData(null, 60)]
    [InlineData("7", 7)]
    public async Task A_used_up_quota_says_how_long_to_wait(string? header, int seconds)
    {
        Fcm.RetryAfter = header;

        (await Sender.SendAsync([PushTo($"{FakeFcm.Quota}:phone")], Cancel)).ShouldHaveSingleItem().RetryAfter.ShouldBe(TimeSpan.FromSeconds(seconds));
    }

    [Theory]
    [InlineData("error:404:NOT_FOUND:UNREGISTERED", nameof(SendResult.DeviceGone), "unregistered")]
    [InlineData("error:403:PERMISSION_DENIED:SENDER_ID_MISMATCH", nameof(SendResult.DeviceGone), "sender_id_mismatch")]
    [InlineData("error:400:INVALID_ARGUMENT:INVALID_ARGUMENT", nameof(SendResult.Refused), "invalid_argument")]
    [InlineData("error:401:UNAUTHENTICATED:THIRD_PARTY_AUTH_ERROR", nameof(SendResult.Refused), "third_party_auth_error")]
    [InlineData("error:429:RESOURCE_EXHAUSTED:QUOTA_EXCEEDED", nameof(SendResult.Retry), "quota_exceeded")]
    [InlineData("error:500:INTERNAL:INTERNAL", nameof(SendResult.Retry), "internal")]
    [InlineData("error:404:NOT_FOUND:SOMETHING_NEW", nameof(SendResult.Retry), "not_found")]
    [InlineData(FakeFcm.Nonsense, nameof(SendResult.Retry), "unknown")]
    public async Task An_FCM_error_maps_to_an_outcome(string token, string result, string error)
    {
        var outcome = (await Sender.SendAsync([PushTo(token)], Cancel)).ShouldHaveSingleItem();

        outcome.ShouldBe(new SendOutcome(Enum.Parse<SendResult>(result), error, RetryAfter: outcome.RetryAfter));
        (outcome.RetryAfter is not null).ShouldBe(error == "quota_exceeded");
    }

    [Fact]
    public async Task A_503_is_retried_immediately()
    {
        (await Sender.SendAsync([PushTo(FakeFcm.Late)], Cancel)).ShouldHaveSingleItem().Result.ShouldBe(SendResult.Sent);

        Fcm.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Each_push_of_a_batch_has_its_own_outcome()
    {
        (await Sender.SendAsync([PushTo("first"), PushTo($"{FakeFcm.Unregistered}:phone"), PushTo("last")], Cancel)).Select(outcome => (outcome.Result, outcome.Error)).ShouldBe(
            [(SendResult.Sent, null), (SendResult.DeviceGone, "unregistered"), (SendResult.Sent, null)]);
    }

    private static Push PushTo(string token) => new(
        Guid.CreateVersion7(), "points.awarded", "Points", "+10", new Dictionary<string, string> { ["points"] = "10" }, token, DeviceType.Android);
}

using Kashif.Notifications.Delivery;
using Kashif.Notifications.Devices;
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
        _sender = new FirebasePushSender(Options.Create(new FirebaseOptions { CredentialsJson = _fcm.CredentialsJson }), _fcm.Clients);
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

        (await Sender.SendAsync([push], Cancel)).ShouldBe([new SendOutcome(SendResult.Sent)]);

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
        message.AsObject().ContainsKey("topic").ShouldBeFalse();
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
        (await Sender.SendAsync([PushTo(token)], Cancel)).ShouldBe([new SendOutcome(Enum.Parse<SendResult>(result), error)]);
    }

    [Fact]
    public async Task A_503_is_retried_immediately()
    {
        (await Sender.SendAsync([PushTo(FakeFcm.Late)], Cancel)).ShouldBe([new SendOutcome(SendResult.Sent)]);

        Fcm.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Each_push_of_a_batch_has_its_own_outcome()
    {
        (await Sender.SendAsync([PushTo("first"), PushTo($"{FakeFcm.Unregistered}:phone"), PushTo("last")], Cancel)).ShouldBe(
            [new SendOutcome(SendResult.Sent), new SendOutcome(SendResult.DeviceGone, "unregistered"), new SendOutcome(SendResult.Sent)]);
    }

    private static Push PushTo(string token) => new(
        Guid.CreateVersion7(), "points.awarded", "Points", "+10", new Dictionary<string, string> { ["points"] = "10" }, token, DeviceType.Android);
}

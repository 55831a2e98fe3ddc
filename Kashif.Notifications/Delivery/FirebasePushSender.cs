using System.Text.Json;
using FirebaseAdmin;
using FirebaseAdmin.Messaging;
using Google.Apis.Http;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Delivery;

/// <summary>Sends pushes through Firebase Cloud Messaging, HTTP v1.</summary>
internal sealed class FirebasePushSender : IPushSender, IDisposable
{
    private readonly FirebaseApp _app;
    private readonly FirebaseMessaging _messaging;

    public FirebasePushSender(IOptions<FirebaseOptions> options, HttpClientFactory clients)
    {
        // Named, because the process has only one default app.
        _app = FirebaseApp.Create(
            new AppOptions
            {
                Credential = options.Value.Credential().ToGoogleCredential(),
                ProjectId = options.Value.ProjectId,
                HttpClientFactory = clients,
            },
            Guid.CreateVersion7().ToString());
        _messaging = FirebaseMessaging.GetMessaging(_app);
    }

    public void Dispose() => _app.Delete();

    public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Push> pushes, CancellationToken cancellationToken)
    {
        var batch = await _messaging.SendEachAsync(pushes.Select(ToMessage), cancellationToken);
        return [.. batch.Responses.Select(response => response.IsSuccess ? new SendOutcome(SendResult.Sent) : ToOutcome(response.Exception))];
    }

    /// <remarks>The tag and the collapse id make a push that arrives twice replace itself on the device.</remarks>
    private static Message ToMessage(Push push)
    {
        var id = push.NotificationId.ToString();
        return new Message
        {
            Token = push.Token,
            Notification = new Notification { Title = push.Title, Body = push.Body },
            Data = new Dictionary<string, string>(push.Data) { ["notification_id"] = id, ["type"] = push.Type },
            Android = new AndroidConfig { Priority = Priority.High, Notification = new AndroidNotification { Tag = id } },
            Apns = new ApnsConfig
            {
                Headers = new Dictionary<string, string> { ["apns-collapse-id"] = id },
                Aps = new Aps { Sound = "default" },
            },
        };
    }

    /// <remarks>https://firebase.google.com/docs/cloud-messaging/error-codes</remarks>
    private static SendOutcome ToOutcome(FirebaseMessagingException exception)
    {
        var result = exception.MessagingErrorCode switch
        {
            MessagingErrorCode.Unregistered or MessagingErrorCode.SenderIdMismatch => SendResult.DeviceGone,
            MessagingErrorCode.InvalidArgument or MessagingErrorCode.ThirdPartyAuthError => SendResult.Refused,

            // Unavailable, Internal, QuotaExceeded, and network failures.
            _ => SendResult.Retry,
        };
        var code = exception.MessagingErrorCode?.ToString() ?? exception.ErrorCode.ToString();
        return new SendOutcome(result, JsonNamingPolicy.SnakeCaseLower.ConvertName(code));
    }
}

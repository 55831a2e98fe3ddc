using System.Globalization;
using System.Text.Json;
using FirebaseAdmin;
using FirebaseAdmin.Messaging;
using Google.Apis.Http;
using Kashif.Notifications.Templates;
using Microsoft.Extensions.Options;
using FirebasePriority = FirebaseAdmin.Messaging.Priority;
using Priority = Kashif.Notifications.Inbox.Priority;

namespace Kashif.Notifications.Delivery;

/// <summary>Sends pushes through Firebase Cloud Messaging, HTTP v1.</summary>
internal sealed class FirebasePushSender : IPushSender, IDisposable
{
    /// <summary>What FCM documents for a 429 without Retry-After.</summary>
    private static readonly TimeSpan DefaultRetryAfter = TimeSpan.FromMinutes(1);

    private readonly FirebaseApp _app;
    private readonly FirebaseMessaging _messaging;
    private readonly TimeProvider _time;
    private readonly string? _link;

    public FirebasePushSender(IOptions<FirebaseOptions> options, IOptions<MailLinkOptions> links, HttpClientFactory clients, TimeProvider time)
    {
        _time = time;
        _link = links.Value.Secure;

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
        return [.. batch.Responses.Select(response => response.IsSuccess ? new SendOutcome(SendResult.Sent, ProviderId: response.MessageId) : ToOutcome(response.Exception))];
    }

    /// <remarks>
    /// The tag, the collapse id and the web's tag make a push that arrives twice replace itself on the device. An app groups by thread and
    /// category, which are the type, and declares an Android channel for each area, which is the type's first word.
    /// </remarks>
    private Message ToMessage(Push push)
    {
        var id = push.NotificationId.ToString();
        var isUrgent = push.Priority is not Priority.Low && !push.IsSilent;
        TimeSpan? left = push.ExpiresAt is { } expires ? TimeSpan.FromSeconds(Math.Max(0, Math.Floor((expires - _time.GetUtcNow()).TotalSeconds))) : null;
        return new Message
        {
            Token = push.Token,
            Notification = push.IsSilent ? null : new Notification { Title = push.Title, Body = push.Body },
            Data = new Dictionary<string, string>(push.Data) { ["notification_id"] = id, ["type"] = push.Type },
            Android = new AndroidConfig
            {
                Priority = isUrgent ? FirebasePriority.High : FirebasePriority.Normal,
                TimeToLive = left,
                Notification = push.IsSilent ? null : new AndroidNotification { Tag = id, ChannelId = push.Type.Split('.')[0] },
            },
            Apns = new ApnsConfig
            {
                Headers = ApnsHeaders(push, id, isUrgent),
                Aps = push.IsSilent
                    ? new Aps { ContentAvailable = true }
                    : new Aps { Sound = "default", ThreadId = push.Type, Category = push.Type },
            },
            Webpush = new WebpushConfig
            {
                Headers = WebpushHeaders(push, left),
                Notification = push.IsSilent ? null : new WebpushNotification { Title = push.Title, Body = push.Body, Tag = id },
                FcmOptions = _link is null ? null : new WebpushFcmOptions { Link = _link },
            },
        };
    }

    /// <remarks>https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns</remarks>
    private static Dictionary<string, string> ApnsHeaders(Push push, string id, bool isUrgent)
    {
        var headers = new Dictionary<string, string>
        {
            ["apns-collapse-id"] = id,
            ["apns-priority"] = isUrgent ? "10" : "5",
            ["apns-push-type"] = push.IsSilent ? "background" : "alert",
        };
        if (push.ExpiresAt is { } expires)
        {
            headers["apns-expiration"] = expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        }

        return headers;
    }

    /// <remarks>RFC 8030 sections 5.2 and 5.3.</remarks>
    private static Dictionary<string, string> WebpushHeaders(Push push, TimeSpan? left)
    {
        var headers = new Dictionary<string, string> { ["Urgency"] = push.Priority switch { Priority.Low => "low", Priority.High => "high", _ => "normal" } };
        if (left is { } lifetime)
        {
            headers["TTL"] = lifetime.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        }

        return headers;
    }

    /// <remarks>https://firebase.google.com/docs/cloud-messaging/error-codes</remarks>
    private SendOutcome ToOutcome(FirebaseMessagingException exception)
    {
        var result = exception.MessagingErrorCode switch
        {
            MessagingErrorCode.Unregistered or MessagingErrorCode.SenderIdMismatch => SendResult.DeviceGone,
            MessagingErrorCode.InvalidArgument or MessagingErrorCode.ThirdPartyAuthError => SendResult.Refused,

            // Unavailable, Internal, QuotaExceeded, and network failures.
            _ => SendResult.Retry,
        };
        var code = exception.MessagingErrorCode?.ToString() ?? exception.ErrorCode.ToString();
        return new SendOutcome(
            result,
            JsonNamingPolicy.SnakeCaseLower.ConvertName(code),
            RetryAfter: exception is { MessagingErrorCode: MessagingErrorCode.QuotaExceeded } or { ErrorCode: ErrorCode.ResourceExhausted } ? RetryAfter(exception) : null);
    }

    private TimeSpan RetryAfter(FirebaseMessagingException exception) => exception.HttpResponse?.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > _time.GetUtcNow() => date - _time.GetUtcNow(),
        _ => DefaultRetryAfter,
    };
}

using Kashif.Notifications.Devices;

namespace Kashif.Notifications.Delivery;

/// <summary>Used without Firebase: logs that a push would be sent, without recipient or content.</summary>
internal sealed partial class LoggingPushSender : IPushSender
{
    private readonly ILogger<LoggingPushSender> _logger;

    public LoggingPushSender(ILogger<LoggingPushSender> logger)
    {
        _logger = logger;
        NotSetUp(logger);
    }

    public Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Push> pushes, CancellationToken cancellationToken)
    {
        foreach (var push in pushes)
        {
            WouldPush(_logger, push.NotificationId, push.DeviceType);
        }

        return Task.FromResult<IReadOnlyList<SendOutcome>>([.. pushes.Select(_ => new SendOutcome(SendResult.Sent))]);
    }

    [LoggerMessage(EventId = 6001, Level = LogLevel.Warning, Message = "Firebase:CredentialsJson is not set: push notifications are logged, not sent")]
    private static partial void NotSetUp(ILogger logger);

    [LoggerMessage(EventId = 6002, Level = LogLevel.Information, Message = "Notification {NotificationId} would be pushed to a device of type {DeviceType}")]
    private static partial void WouldPush(ILogger logger, Guid notificationId, DeviceType deviceType);
}

namespace Kashif.Messaging.Events;

/// <summary>A push service or mail server has accepted a notification: one event for each device and address.</summary>
/// <param name="Channel"><c>push</c> or <c>email</c>.</param>
public sealed record NotificationDelivered(Guid NotificationId, Guid UserId, string Channel) : IUserEvent
{
    public static string Type => "notification.delivered";
    string IIntegrationEvent.Subject => NotificationId.ToString();
}

/// <summary>A notification was not sent to a device or an address, and will not be tried again.</summary>
/// <param name="Channel"><c>push</c> or <c>email</c>.</param>
/// <param name="Error">The reason of the last attempt, as a code.</param>
public sealed record NotificationFailed(Guid NotificationId, Guid UserId, string Channel, string? Error) : IUserEvent
{
    public static string Type => "notification.failed";
    string IIntegrationEvent.Subject => NotificationId.ToString();
}

using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;

namespace Kashif.Notifications.Delivery;

/// <summary>A notification to one device.</summary>
internal sealed record Push(
    Guid NotificationId, string Type, string Title, string Body, IReadOnlyDictionary<string, string> Data, string Token, DeviceType DeviceType,
    Priority Priority = Priority.Normal, DateTimeOffset? ExpiresAt = null)
{
    /// <summary>Without a text the app is woken and shows nothing.</summary>
    public bool IsSilent => Title.Length + Body.Length == 0;
}

/// <summary>Sends pushes.</summary>
internal interface IPushSender
{
    /// <returns>The outcomes, in the order of <paramref name="pushes"/>.</returns>
    Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Push> pushes, CancellationToken cancellationToken);
}

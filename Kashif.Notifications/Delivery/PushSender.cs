using Kashif.Notifications.Devices;

namespace Kashif.Notifications.Delivery;

/// <summary>One notification for one device.</summary>
internal sealed record Push(
    Guid NotificationId, string Type, string Title, string Body, IReadOnlyDictionary<string, string> Data, string Token, DeviceType DeviceType);

/// <param name="Error">Why not, as a code; null for <see cref="PushResult.Sent"/>.</param>
internal readonly record struct PushOutcome(PushResult Result, string? Error = null);

internal enum PushResult
{
    Sent,

    /// <summary>May well succeed later.</summary>
    Retry,

    /// <summary>Refused for good.</summary>
    Refused,

    /// <summary>Refused because the app is no longer on the device: it need not be tried with others either.</summary>
    DeviceGone,
}

/// <summary>Hands pushes to whoever brings them to the devices.</summary>
internal interface IPushSender
{
    /// <returns>The outcomes, in the order of <paramref name="pushes"/>.</returns>
    Task<IReadOnlyList<PushOutcome>> SendAsync(IReadOnlyList<Push> pushes, CancellationToken cancellationToken);
}

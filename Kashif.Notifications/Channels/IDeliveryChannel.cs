namespace Kashif.Notifications.Channels;

/// <summary>A way out of the house.</summary>
internal interface IDeliveryChannel
{
    /// <summary>Of <see cref="DeliveryChannel"/>.</summary>
    string Name { get; }

    /// <summary>How many deliveries are taken up at once.</summary>
    int Batch { get; }

    /// <summary>Sends deliveries that have been taken up.</summary>
    /// <returns>Their outcomes, in the order of <paramref name="deliveries"/>.</returns>
    Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<long> deliveries, CancellationToken cancellationToken);
}

/// <param name="Error">Why not, as a code; null for <see cref="SendResult.Sent"/>.</param>
internal readonly record struct SendOutcome(SendResult Result, string? Error = null);

internal enum SendResult
{
    Sent,

    /// <summary>May well succeed later.</summary>
    Retry,

    /// <summary>Refused for good.</summary>
    Refused,

    /// <summary>Refused because the app is no longer on the device: it need not be tried with others either.</summary>
    DeviceGone,
}

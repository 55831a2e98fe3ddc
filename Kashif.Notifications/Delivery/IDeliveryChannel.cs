namespace Kashif.Notifications.Delivery;

/// <summary>A way to reach users outside the app: push or e-mail.</summary>
internal interface IDeliveryChannel
{
    /// <summary>One of <see cref="ChannelNames"/>.</summary>
    string Name { get; }

    /// <summary>How many deliveries are sent at once.</summary>
    int Batch { get; }

    /// <summary>Sends claimed deliveries.</summary>
    /// <returns>Their outcomes, in the order of <paramref name="deliveries"/>.</returns>
    Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<long> deliveries, CancellationToken cancellationToken);
}

/// <param name="Error">The reason as a code; null for <see cref="SendResult.Sent"/>.</param>
/// <param name="ProviderId">The provider's name of the message.</param>
/// <param name="RetryAfter">The provider's quota is used up: how long to leave it alone.</param>
internal readonly record struct SendOutcome(SendResult Result, string? Error = null, string? ProviderId = null, TimeSpan? RetryAfter = null);

internal enum SendResult
{
    Sent,

    /// <summary>May succeed later.</summary>
    Retry,

    /// <summary>Permanently refused.</summary>
    Refused,

    /// <summary>Permanently refused because the app is gone from the device; remove the device.</summary>
    DeviceGone,
}

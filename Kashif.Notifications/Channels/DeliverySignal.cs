using Kashif.Messaging.Outbox;

namespace Kashif.Notifications.Channels;

/// <summary>Wakes the channel's delivery worker of this process when a transaction that wrote deliveries has committed.</summary>
internal sealed class DeliverySignal<TChannel> : WakeSignal
    where TChannel : IDeliveryChannel;

using Kashif.Messaging.Outbox;

namespace Kashif.Notifications.Delivery;

/// <summary>Wakes this process's dispatcher of the channel after a transaction with new deliveries commits.</summary>
internal sealed class DeliverySignal<TChannel> : WakeSignal
    where TChannel : IDeliveryChannel;

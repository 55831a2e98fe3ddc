using System.Text.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Dispatch;

/// <summary>Queues the account mail that an event requests.</summary>
internal sealed class AccountMailHandler<TEvent>(
    NotificationsDbContext database, AccountMailTemplate<TEvent> template, DeliverySignal<EmailChannel> signal, TimeProvider time) : IEventHandler<TEvent>
    where TEvent : IIntegrationEvent
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<TEvent>> events, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        database.Deliveries.AddRange(events.Select(received => new ChannelDelivery
        {
            Channel = ChannelNames.Email,
            UserId = template.User(received.Data),
            AccountMail = JsonSerializer.Serialize(template.Mail(received.Data), NotificationsJson.Default.AccountMail),
            State = DeliveryState.Queued,
            Priority = Priority.High,
            NextAttemptAt = now,
            UpdatedAt = now,
        }));
        return Task.CompletedTask; // The consumer saves.
    }

    public Task CommittedAsync(CancellationToken cancellationToken)
    {
        signal.Set();
        return Task.CompletedTask;
    }
}

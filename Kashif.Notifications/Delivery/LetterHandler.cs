using System.Text.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Data;

namespace Kashif.Notifications.Delivery;

/// <summary>How an event becomes a letter.</summary>
internal sealed record LetterTemplate<TEvent>(Func<TEvent, Guid> User, Func<TEvent, Letter> Letter)
    where TEvent : IIntegrationEvent;

/// <summary>Sends what only the owner of the address may see.</summary>
internal sealed class LetterHandler<TEvent>(
    NotificationsDbContext database, LetterTemplate<TEvent> template, DeliverySignal<EmailChannel> signal, TimeProvider time) : IEventHandler<TEvent>
    where TEvent : IIntegrationEvent
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<TEvent>> events, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        database.Deliveries.AddRange(events.Select(received => new QueuedDelivery
        {
            Channel = DeliveryChannel.Email,
            UserId = template.User(received.Data),
            Letter = JsonSerializer.Serialize(template.Letter(received.Data), NotificationsJson.Default.Letter),
            State = DeliveryState.Pending,
            NextAttemptAt = now,
        }));
        return Task.CompletedTask; // the consumer saves
    }

    public Task CommittedAsync(CancellationToken cancellationToken)
    {
        signal.Set();
        return Task.CompletedTask;
    }
}

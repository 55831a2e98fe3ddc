using System.Text.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Data;

namespace Kashif.Notifications.Channels;

/// <summary>How an event becomes a letter.</summary>
internal sealed record AccountMailTemplate<TEvent>(Func<TEvent, Guid> User, Func<TEvent, AccountMail> Mail)
    where TEvent : IIntegrationEvent;

/// <summary>Sends what only the owner of the address may see.</summary>
internal sealed class AccountMailHandler<TEvent>(
    NotificationsDbContext database, AccountMailTemplate<TEvent> template, DeliverySignal<EmailChannel> signal, TimeProvider time) : IEventHandler<TEvent>
    where TEvent : IIntegrationEvent
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<TEvent>> events, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        database.Deliveries.AddRange(events.Select(received => new ChannelDelivery
        {
            Channel = DeliveryChannel.Email,
            UserId = template.User(received.Data),
            AccountMail = JsonSerializer.Serialize(template.Mail(received.Data), NotificationsJson.Default.AccountMail),
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

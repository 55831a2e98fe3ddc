using Kashif.Messaging.Events;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Messaging.Consumers;

/// <summary>One handler of one event type, with the types closed over so that the consumer needs no reflection.</summary>
internal sealed record HandlerRegistration(
    string EventType,
    string Name,
    Func<IServiceProvider, IReadOnlyList<Delivery>, CancellationToken, Task<Func<CancellationToken, Task>>> HandleAsync)
{
    public static HandlerRegistration Create<TEvent, THandler>(string name)
        where TEvent : IIntegrationEvent
        where THandler : class, IEventHandler<TEvent> =>
        new(TEvent.Type, name, async (services, deliveries, cancellationToken) =>
        {
            var handler = services.GetRequiredService<THandler>();
            await handler.HandleAsync([.. deliveries.Select(delivery => delivery.Read<TEvent>())], cancellationToken);
            return handler.CommittedAsync;
        });
}

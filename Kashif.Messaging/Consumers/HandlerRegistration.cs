using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;
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

/// <summary>A message that has been parsed down to its type.</summary>
internal sealed record Delivery(ulong Tag, ReadOnlyMemory<byte> Body, int Attempt, CloudEvent Event, object Data)
{
    /// <exception cref="JsonException">The message is no event of the catalog.</exception>
    public static Delivery Parse(ulong tag, ReadOnlyMemory<byte> body, int attempt)
    {
        var envelope = CloudEvent.Parse(body.Span);
        if (!EventCatalog.Types.TryGetValue(envelope.Type, out var type))
        {
            throw new JsonException($"Unknown event type '{envelope.Type}'.");
        }

        var data = envelope.Data.Deserialize(type) ?? throw new JsonException("The event has no data.");
        return new Delivery(tag, body, attempt, envelope, data);
    }

    public ReceivedEvent<TEvent> Read<TEvent>()
        where TEvent : IIntegrationEvent =>
        new(Event.Id, Event.Time, new EventCause(Event.TraceParent, Event.CorrelationId), (TEvent)Data);
}

/// <summary>Adds handlers to a service's consumer.</summary>
public sealed class EventConsumerBuilder
{
    private readonly IServiceCollection _services;

    internal EventConsumerBuilder(IServiceCollection services) => _services = services;

    /// <summary>Has <typeparamref name="THandler"/> called for every <typeparamref name="TEvent"/>.</summary>
    /// <param name="name">The handler's name in the inbox: it must not change, or events in flight take effect twice.</param>
    public EventConsumerBuilder AddHandler<TEvent, THandler>(string name)
        where TEvent : IIntegrationEvent
        where THandler : class, IEventHandler<TEvent>
    {
        _services.AddScoped<THandler>();
        _services.AddSingleton(HandlerRegistration.Create<TEvent, THandler>(name));
        return this;
    }
}

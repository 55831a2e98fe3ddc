using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;

namespace Kashif.Messaging.Consumers;

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

using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;

namespace Kashif.Messaging.Consumers;

/// <summary>A message that has been parsed down to its type.</summary>
internal sealed record Delivery(ulong Tag, ReadOnlyMemory<byte> Body, int Attempt, CloudEvent Event, object Data)
{
    /// <param name="envelope">Of an event of the catalog.</param>
    /// <exception cref="JsonException">The data is not that of its type.</exception>
    public static Delivery Parse(ulong tag, ReadOnlyMemory<byte> body, int attempt, CloudEvent envelope)
    {
        var data = envelope.Data.Deserialize(EventCatalog.Types[envelope.Type]) ?? throw new JsonException("The event has no data.");
        return new Delivery(tag, body, attempt, envelope, data);
    }

    public ReceivedEvent<TEvent> Read<TEvent>()
        where TEvent : IIntegrationEvent =>
        new(Event.Id, Event.Time, new EventCause(Event.TraceParent, Event.CorrelationId), (TEvent)Data);
}

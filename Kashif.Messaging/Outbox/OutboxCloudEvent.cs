using System.Buffers;
using System.Text.Json;
using Kashif.Messaging.RabbitMq;

namespace Kashif.Messaging.Outbox;

internal static class OutboxCloudEvent
{
    /// <summary>The outbox row as the broker gets it; <see cref="CloudEvent.Parse"/> reads it.</summary>
    /// <param name="traceParent">The trace context that the consumer continues.</param>
    public static byte[] ToCloudEvent(this OutboxMessage message, string source, string? traceParent)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("specversion", "1.0");
        json.WriteString("id", message.Id);
        json.WriteString("source", source);
        json.WriteString("type", message.Type);
        json.WriteString("subject", message.Subject);
        json.WriteString("time", message.OccurredAt.UtcDateTime);
        json.WriteString("datacontenttype", "application/json");
        if (traceParent is not null)
        {
            json.WriteString("traceparent", traceParent);
        }

        if (message.CorrelationId is not null)
        {
            json.WriteString("correlationid", message.CorrelationId);
        }

        json.WritePropertyName("data");
        json.WriteRawValue(message.Payload, skipInputValidation: true);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}

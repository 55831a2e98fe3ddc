using System.Diagnostics;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Outbox;
using Kashif.Telemetry;

namespace Kashif.Messaging.RabbitMq;

/// <summary>
/// The spans that carry a trace over the broker: the relay's goes under the request or message that caused the event, the
/// consumer's under the relay's, and the events that a handler publishes under the consumer's.
/// </summary>
/// <remarks>Attributes: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/</remarks>
internal static class EventSpans
{
    /// <returns>Null without listeners.</returns>
    public static Activity? StartPublish(OutboxMessage message) =>
        Start("publish", "send", ActivityKind.Producer, message.Type, message.Id, message.TraceParent, []);

    /// <summary>The batch runs in its first event's trace and links to the others', each of which has a short span of its own.</summary>
    /// <returns>The batch's span (null without listeners), and its deliveries with their own spans as trace context.</returns>
    public static (Activity? Span, IReadOnlyList<Delivery> Batch) StartProcess(IReadOnlyList<Delivery> batch)
    {
        var span = StartProcess(batch[0], batch.Skip(1).Select(delivery => Parse(delivery.Event.TraceParent)).Where(context => context != default));
        if (span is null)
        {
            return (null, batch);
        }

        span.SetTag("messaging.batch.message_count", batch.Count);
        var traced = new List<Delivery>(batch.Count) { Continue(batch[0], span) };
        foreach (var delivery in batch.Skip(1))
        {
            Activity.Current = null; // an event without a trace starts its own
            using var own = StartProcess(delivery, [span.Context]);
            traced.Add(Continue(delivery, own));
        }

        // Starting and disposing spans changes Activity.Current.
        Activity.Current = span;
        return (span, traced);
    }

    /// <summary>Marks the span as failed. The message, which may quote data, is for the log.</summary>
    public static void Fail(this Activity? span, Exception exception) =>
        span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", exception.GetType().FullName);

    private static Activity? StartProcess(Delivery delivery, IEnumerable<ActivityContext> links) =>
        Start("process", "process", ActivityKind.Consumer, delivery.Event.Type, delivery.Event.Id, delivery.Event.TraceParent, links);

    private static Activity? Start(
        string operation, string operationType, ActivityKind kind, string eventType, Guid id, string? traceParent, IEnumerable<ActivityContext> links) =>
        KashifTelemetry.Source.HasListeners()
            ? KashifTelemetry.Source.StartActivity($"{operation} {eventType}", kind, Parse(traceParent), links: links.Select(link => new ActivityLink(link)))?
                .SetTag("messaging.system", "rabbitmq")
                .SetTag("messaging.operation.name", operation)
                .SetTag("messaging.operation.type", operationType)
                .SetTag("messaging.destination.name", Broker.Exchange)
                .SetTag("messaging.rabbitmq.destination.routing_key", eventType)
                .SetTag("messaging.message.id", id)
            : null;

    private static Delivery Continue(Delivery delivery, Activity? span) =>
        delivery with { Event = delivery.Event with { TraceParent = span?.Id ?? delivery.Event.TraceParent } };

    private static ActivityContext Parse(string? traceParent) =>
        ActivityContext.TryParse(traceParent, null, isRemote: true, out var context) ? context : default;
}

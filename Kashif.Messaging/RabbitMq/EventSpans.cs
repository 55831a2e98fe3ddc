using System.Diagnostics;
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
    public static Activity? StartPublish(string eventType, Guid id, string? traceParent) =>
        Start("publish", "send", ActivityKind.Producer, eventType, id, traceParent, []);

    /// <returns>Null without listeners.</returns>
    public static Activity? StartProcess(CloudEvent received, IEnumerable<ActivityContext> links) =>
        Start("process", "process", ActivityKind.Consumer, received.Type, received.Id, received.TraceParent, links);

    /// <summary>Marks the span as failed. The message, which may quote data, is for the log.</summary>
    public static void Fail(this Activity? span, Exception exception) =>
        span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", exception.GetType().FullName);

    /// <returns>The empty context, which starts a new trace, if the text is not a W3C trace context.</returns>
    public static ActivityContext Parse(string? traceParent) =>
        ActivityContext.TryParse(traceParent, null, isRemote: true, out var context) ? context : default;

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
}

using System.Diagnostics;
using Kashif.Messaging.RabbitMq;

namespace Kashif.Messaging.Consumers;

/// <summary>The span of a batch: it runs in its first event's trace and links to the others', each of which has a short span of its own.</summary>
internal static class BatchSpan
{
    /// <returns>The span, null without listeners, and the deliveries with their own spans as trace context.</returns>
    public static (Activity? Span, IReadOnlyList<Delivery> Batch) Start(IReadOnlyList<Delivery> batch)
    {
        var span = EventSpans.StartProcess(batch[0].Event, batch.Skip(1).Select(delivery => EventSpans.Parse(delivery.Event.TraceParent)).Where(context => context != default));
        if (span is null)
        {
            return (null, batch);
        }

        span.SetTag("messaging.batch.message_count", batch.Count);
        var traced = new List<Delivery>(batch.Count) { Continue(batch[0], span) };
        foreach (var delivery in batch.Skip(1))
        {
            Activity.Current = null; // an event without a trace starts its own
            using var own = EventSpans.StartProcess(delivery.Event, [span.Context]);
            traced.Add(Continue(delivery, own));
        }

        // Starting and disposing spans changes Activity.Current.
        Activity.Current = span;
        return (span, traced);
    }

    private static Delivery Continue(Delivery delivery, Activity? span) =>
        delivery with { Event = delivery.Event with { TraceParent = span?.Id ?? delivery.Event.TraceParent } };
}

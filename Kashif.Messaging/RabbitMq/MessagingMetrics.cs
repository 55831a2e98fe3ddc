using System.Diagnostics.Metrics;
using Kashif.Messaging.Events;
using Kashif.Telemetry;

namespace Kashif.Messaging.RabbitMq;

/// <summary>What the operators watch of outbox and consumers.</summary>
internal sealed class MessagingMetrics
{
    private readonly TimeProvider _time;
    private readonly Counter<long> _published;
    private readonly Counter<long> _unroutable;
    private readonly Counter<long> _consumed;
    private readonly Histogram<double> _publishLag;
    private readonly Histogram<double> _consumeLag;
    private long _oldestUnpublishedTicks;

    public MessagingMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        var meter = meters.Create(KashifTelemetry.Name);
        _published = meter.CreateCounter<long>("published_messages", "{message}", "Events that the broker has confirmed");
        _unroutable = meter.CreateCounter<long>("unroutable_messages", "{message}", "Events that the broker returned, because they would have reached no queue");
        _consumed = meter.CreateCounter<long>("consumed_messages", "{message}", "Events by outcome: handled, retried, dead_lettered, passed_on, ignored");
        _publishLag = meter.CreateHistogram<double>("outbox_lag", "s", "From an event's occurrence to the broker's confirmation", tags: null, KashifTelemetry.Seconds);
        _consumeLag = meter.CreateHistogram<double>("consumer_lag", "s", "From an event's occurrence to its committed effect", tags: null, KashifTelemetry.Seconds);
        meter.CreateObservableGauge("outbox_oldest_age", OldestAge, "s", "Age of the oldest event that could not be published yet; 0 when there is none");
        foreach (var type in EventCatalog.Types.Keys)
        {
            _published.Add(0, new KeyValuePair<string, object?>("type", type));
        }
    }

    public void Published(string type, DateTimeOffset occurredAt)
    {
        _published.Add(1, new KeyValuePair<string, object?>("type", type));
        _publishLag.Record((_time.GetUtcNow() - occurredAt).TotalSeconds, new KeyValuePair<string, object?>("type", type));
    }

    public void Unroutable(string type, int count) => _unroutable.Add(count, new KeyValuePair<string, object?>("type", type));

    public void Consumed(string type, string outcome) =>
        _consumed.Add(1, new("type", type), new("outcome", outcome));

    public void Handled(string type, DateTimeOffset occurredAt)
    {
        Consumed(type, "handled");
        _consumeLag.Record((_time.GetUtcNow() - occurredAt).TotalSeconds, new KeyValuePair<string, object?>("type", type));
    }

    public void OldestUnpublished(DateTimeOffset? occurredAt) =>
        Interlocked.Exchange(ref _oldestUnpublishedTicks, occurredAt?.UtcTicks ?? 0);

    private double OldestAge()
    {
        var ticks = Interlocked.Read(ref _oldestUnpublishedTicks);
        return ticks == 0 ? 0 : Math.Max(0, (_time.GetUtcNow().UtcTicks - ticks) / (double)TimeSpan.TicksPerSecond);
    }
}

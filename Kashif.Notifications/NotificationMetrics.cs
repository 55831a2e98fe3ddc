using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Notifications;

/// <summary>Notifications by channel and outcome, and what waits to be delivered.</summary>
internal sealed class NotificationMetrics
{
    private readonly Counter<long> _notifications;
    private readonly Counter<long> _alerts;
    private readonly Counter<long> _questions;
    private readonly Counter<long> _renderFailures;
    private readonly UpDownCounter<int> _streams;
    private readonly ConcurrentDictionary<string, long> _queued = [];
    private readonly ConcurrentDictionary<string, double> _oldest = [];

    public NotificationMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(KashifTelemetry.Name);
        _notifications = meter.CreateCounter<long>(
            "notifications", "{notification}", "Notifications by channel (inbox, push, email) and outcome (stored; an attempt's sent, retried, dead; repeated: a message that was dropped)");
        _alerts = meter.CreateCounter<long>("alerts_fired", "{alert}", "Alerts that fired, by template");
        _questions = meter.CreateCounter<long>("assistant_questions", "{question}", "Questions to the assistant, by intent");
        _renderFailures = meter.CreateCounter<long>("notification_render_failures", "{text}", "Texts that could not be rendered, by channel; the default was used");
        _streams = meter.CreateUpDownCounter<int>("notification_streams", "{stream}", "Open streams of notifications");
        meter.CreateObservableGauge("delivery_queue_messages", () => Of(_queued), "{message}", "Deliveries in the channel's queue that no consumer has taken yet");
        meter.CreateObservableGauge("delivery_oldest_due_age", () => Of(_oldest), "s", "How long the oldest due delivery of the channel waits for its queue; 0 when there is none");
    }

    public void Stored(int count) => Count("inbox", "stored", count);

    public void Delivered(string channel, string outcome) => Count(channel, outcome, 1);

    /// <summary>Messages for an attempt that another message had started.</summary>
    public void Dropped(string channel, int count)
    {
        if (count > 0)
        {
            Count(channel, "repeated", count);
        }
    }

    public void Queued(string channel, long messages) => _queued[channel] = messages;

    public void OldestDue(string channel, TimeSpan age) => _oldest[channel] = age.TotalSeconds;

    private static IEnumerable<Measurement<T>> Of<T>(ConcurrentDictionary<string, T> channels)
        where T : struct => channels.Select(channel => new Measurement<T>(channel.Value, new KeyValuePair<string, object?>("channel", channel.Key)));

    public void AlertFired(string template) => _alerts.Add(1, new KeyValuePair<string, object?>("template", template));

    public void Asked(string intent) => _questions.Add(1, new KeyValuePair<string, object?>("intent", intent));

    /// <summary>A text could not be rendered, and the next one was used.</summary>
    public void NotRendered(string channel) => _renderFailures.Add(1, new KeyValuePair<string, object?>("channel", channel));

    public void StreamOpened(int count) => _streams.Add(count);

    private void Count(string channel, string outcome, int count) => _notifications.Add(count, new("channel", channel), new("outcome", outcome));
}

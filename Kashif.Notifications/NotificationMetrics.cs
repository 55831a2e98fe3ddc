using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Notifications;

/// <summary>Counts notifications by channel and outcome.</summary>
internal sealed class NotificationMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _notifications = meters.Create(KashifTelemetry.Name).CreateCounter<long>(
        "notifications", "{notification}", "Notifications by channel (inbox, push, email) and outcome (stored, sent, retried, failed, dead)");

    private readonly Counter<long> _failures = meters.Create(KashifTelemetry.Name).CreateCounter<long>(
        "notification_render_failures", "{text}", "Texts that could not be rendered, by channel; the default was used");

    public void Stored(int count) => Count("inbox", "stored", count);

    public void Delivered(string channel, string outcome) => Count(channel, outcome, 1);

    /// <summary>A text could not be rendered, and the next one was used.</summary>
    public void NotRendered(string channel) => _failures.Add(1, new KeyValuePair<string, object?>("channel", channel));

    private void Count(string channel, string outcome, int count) => _notifications.Add(count, new("channel", channel), new("outcome", outcome));
}

using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Notifications;

/// <summary>Counts notifications by channel and outcome.</summary>
internal sealed class NotificationMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _notifications = meters.Create(KashifTelemetry.Name).CreateCounter<long>(
        "notifications", "{notification}", "Notifications by channel (inbox, push, email) and outcome (stored, sent, retried, failed, dead)");

    private readonly UpDownCounter<int> _streams = meters.Create(KashifTelemetry.Name).CreateUpDownCounter<int>(
        "notification_streams", "{stream}", "Open streams of notifications");

    public void Stored(int count) => Count("inbox", "stored", count);

    public void Delivered(string channel, string outcome) => Count(channel, outcome, 1);

    public void StreamOpened(int count) => _streams.Add(count);

    private void Count(string channel, string outcome, int count) => _notifications.Add(count, new("channel", channel), new("outcome", outcome));
}

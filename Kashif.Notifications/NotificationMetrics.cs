using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Notifications;

/// <summary>Notifications by channel and outcome.</summary>
internal sealed class NotificationMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _notifications = meters.Create(KashifTelemetry.Name).CreateCounter<long>(
        "notifications", "{notification}", "Notifications by channel (inbox, push) and outcome (stored, sent, retried, failed, dead)");

    public void Stored(int count) => Count("inbox", "stored", count);

    public void Pushed(string outcome) => Count("push", outcome, 1);

    private void Count(string channel, string outcome, int count) => _notifications.Add(count, new("channel", channel), new("outcome", outcome));
}

using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Notifications;

/// <summary>Counts notifications by channel and outcome.</summary>
internal sealed class NotificationMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _notifications = meters.Create(KashifTelemetry.Name).CreateCounter<long>(
        "notifications", "{notification}", "Notifications by channel (inbox, push, email) and outcome (stored, sent, retried, failed, dead)");

    private readonly Counter<long> _alerts = meters.Create(KashifTelemetry.Name).CreateCounter<long>("alerts_fired", "{alert}", "Alerts that fired, by template");

    private readonly Counter<long> _questions = meters.Create(KashifTelemetry.Name).CreateCounter<long>("assistant_questions", "{question}", "Questions to the assistant, by intent");

    public void Stored(int count) => Count("inbox", "stored", count);

    public void Delivered(string channel, string outcome) => Count(channel, outcome, 1);

    public void AlertFired(string template) => _alerts.Add(1, new KeyValuePair<string, object?>("template", template));

    public void Asked(string intent) => _questions.Add(1, new KeyValuePair<string, object?>("intent", intent));

    private void Count(string channel, string outcome, int count) => _notifications.Add(count, new("channel", channel), new("outcome", outcome));
}

using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Data;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Alerts;

/// <summary>Where an event has the value that alerts compare.</summary>
/// <param name="Kind">The alerts' kind.</param>
/// <param name="Template">The code of the notification's template.</param>
/// <param name="Previous">The value before; null if there was none.</param>
internal sealed record AlertValue<TEvent>(AlertKind Kind, string Template, string Name, Func<TEvent, double> Value, Func<TEvent, double?> Previous)
    where TEvent : IUserEvent;

internal static class AlertValues
{
    public static AlertValue<PointsAwarded> PointsAwarded { get; } =
        new(AlertKind.Balance, AlertTemplates.Balance, "balance", points => points.Balance, points => points.Balance - points.Points);

    public static AlertValue<PointsRedeemed> PointsRedeemed { get; } =
        new(AlertKind.Balance, AlertTemplates.Balance, "balance", points => points.Balance, points => points.Balance + points.Points);

    public static AlertValue<PointsReversed> PointsReversed { get; } =
        new(AlertKind.Balance, AlertTemplates.Balance, "balance", points => points.Balance, points => points.Balance - points.Points);

    public static AlertValue<PointsExpired> PointsExpired { get; } =
        new(AlertKind.Balance, AlertTemplates.Balance, "balance", points => points.Balance, points => points.Balance + points.Points);

    public static AlertValue<ScoreUpdated> ScoreUpdated { get; } =
        new(AlertKind.Score, AlertTemplates.Score, "score", score => score.Score, score => score.Previous);
}

/// <summary>
/// Fires the alerts whose threshold a balance or score crosses. Each alert keeps the value and time of its latest event: an older event
/// that arrives late changes nothing. For users without alerts this is one query.
/// </summary>
internal sealed class ValueAlertHandler<TEvent>(NotificationsDbContext database, AlertWriter writer, AlertValue<TEvent> source) : IEventHandler<TEvent>
    where TEvent : IUserEvent
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<TEvent>> events, CancellationToken cancellationToken)
    {
        var users = events.Select(received => received.Data.UserId).Distinct().ToArray();

        // Tracked, so that the handlers of one batch see each other's changes; the consumer saves them.
        var alerts = await database.Alerts
            .FromSql($"SELECT * FROM alerts WHERE user_id = ANY ({users}) AND kind = {source.Kind.WireName()} ORDER BY id FOR UPDATE")
            .ToListAsync(cancellationToken);
        if (alerts.Count == 0)
        {
            return;
        }

        var ofUser = events.OrderBy(received => received.Time).ToLookup(received => received.Data.UserId);
        writer.Add([.. alerts.SelectMany(alert => ofUser[alert.UserId].Where(received => Fires(alert, received)).Select(received => Draft(alert, received)))]);
    }

    private bool Fires(Alert alert, ReceivedEvent<TEvent> received)
    {
        if (received.Time <= alert.LastAt)
        {
            return false;
        }

        var (previous, value) = (alert.LastValue ?? source.Previous(received.Data), source.Value(received.Data));
        (alert.LastValue, alert.LastAt) = (value, received.Time);
        var crosses = alert.Direction == AlertDirection.Below
            ? previous >= alert.Threshold && value < alert.Threshold
            : previous < alert.Threshold && value >= alert.Threshold;
        return crosses && !alert.Muted && received.Time >= alert.ActiveSince;
    }

    private NotificationDraft Draft(Alert alert, ReceivedEvent<TEvent> received) => AlertWriter.Draft(
        CauseId.Of(received.Id, alert.Id),
        alert.UserId,
        alert.Id,
        source.Template,
        new()
        {
            ["threshold"] = alert.Threshold,
            [source.Name] = source.Value(received.Data),
            ["below"] = alert.Direction == AlertDirection.Below,
        },
        received.Time,
        (source.Name, source.Value(received.Data)));
}

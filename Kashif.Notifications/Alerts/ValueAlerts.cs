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

/// <summary>Collects the values of one type of event for <see cref="ValueAlerts"/>.</summary>
internal sealed class ValueAlertHandler<TEvent>(ValueAlerts alerts, AlertValue<TEvent> source) : IEventHandler<TEvent>
    where TEvent : IUserEvent
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<TEvent>> events, CancellationToken cancellationToken)
    {
        alerts.Add(events.Select(received => new ValueChange(
            received.Id, received.Time, received.Data.UserId, source.Kind, source.Template, source.Name, source.Previous(received.Data), source.Value(received.Data))));
        return Task.CompletedTask;
    }
}

/// <summary>A balance or score after an event.</summary>
internal sealed record ValueChange(Guid EventId, DateTimeOffset Time, Guid UserId, AlertKind Kind, string Template, string Name, double? Previous, double Value);

/// <summary>
/// Fires the alerts whose threshold a balance or score crosses. Each alert keeps the value and time of its latest event: an older event
/// that arrives late changes nothing. So the events of a batch are taken in the order of their time, of all types. For users without
/// alerts this is one query.
/// </summary>
internal sealed class ValueAlerts(NotificationsDbContext database, AlertWriter writer) : IBatchStep
{
    private readonly List<ValueChange> _changes = [];

    public void Add(IEnumerable<ValueChange> changes) => _changes.AddRange(changes);

    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_changes.Count == 0)
        {
            return;
        }

        var users = _changes.Select(change => change.UserId).Distinct().ToArray();
        var kinds = _changes.Select(change => change.Kind.WireName()).Distinct().ToArray();

        // All kinds at once and in one order, so that two batches wait for each other instead of deadlocking. Tracked: the consumer saves them.
        var alerts = await database.Alerts
            .FromSql($"SELECT * FROM alerts WHERE user_id = ANY ({users}) AND kind = ANY ({kinds}) ORDER BY id FOR UPDATE")
            .ToListAsync(cancellationToken);
        var changes = _changes.OrderBy(change => change.Time).ToLookup(change => (change.UserId, change.Kind));
        writer.Add([.. alerts.SelectMany(alert => changes[(alert.UserId, alert.Kind)].Where(change => Fires(alert, change)).Select(change => Draft(alert, change)))]);
        _changes.Clear();
    }

    private static bool Fires(Alert alert, ValueChange change)
    {
        if (change.Time <= alert.LastAt)
        {
            return false;
        }

        var previous = alert.LastValue ?? change.Previous;
        (alert.LastValue, alert.LastAt) = (change.Value, change.Time);
        var crosses = alert.Direction == AlertDirection.Below
            ? previous >= alert.Threshold && change.Value < alert.Threshold
            : previous < alert.Threshold && change.Value >= alert.Threshold;
        return crosses && !alert.Muted && change.Time >= alert.ActiveSince;
    }

    private static NotificationDraft Draft(Alert alert, ValueChange change) => AlertWriter.Draft(
        CauseId.Of(change.EventId, alert.Id),
        alert.UserId,
        alert.Id,
        change.Template,
        new()
        {
            ["threshold"] = alert.Threshold,
            [change.Name] = change.Value,
            ["below"] = alert.Direction == AlertDirection.Below,
        },
        change.Time,
        (change.Name, change.Value));
}

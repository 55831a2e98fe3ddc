using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Messaging.Geography;
using Kashif.Notifications.Data;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Alerts;

/// <summary>An alert whose box contains a report.</summary>
/// <param name="Report">The report's position among the events, from 1.</param>
internal sealed record NearbyAlert(long Report, Guid Id, Guid UserId, double Latitude, double Longitude, double RadiusKm);

/// <summary>Tells users of reports near their places: each user once a report, however many of their alerts contain it, and never of their own.</summary>
internal sealed class ReportNearHandler(NotificationsDbContext database, AlertWriter writer) : IEventHandler<ReportCreated>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken)
    {
        var near = from alert in await Near(database, events).ToListAsync(cancellationToken)
                   let received = events[(int)alert.Report - 1]
                   let distance = GreatCircle.DistanceKm(alert.Latitude, alert.Longitude, received.Data.Latitude, received.Data.Longitude)
                   where distance <= alert.RadiusKm
                   group (alert, received, distance) by (alert.Report, alert.UserId) into ofUser
                   select ofUser.MinBy(match => match.distance);
        writer.Add([.. near.Select(match => Draft(match.alert, match.received, match.distance))]);
    }

    public static IQueryable<NearbyAlert> Near(NotificationsDbContext database, IReadOnlyList<ReceivedEvent<ReportCreated>> events)
    {
        var authors = events.Select(received => received.Data.UserId).ToArray();
        var categories = events.Select(received => received.Data.Category).ToArray();
        var latitudes = events.Select(received => received.Data.Latitude).ToArray();
        var longitudes = events.Select(received => received.Data.Longitude).ToArray();
        var times = events.Select(received => received.Time).ToArray();
        return database.Database.SqlQuery<NearbyAlert>($"""
            SELECT report.number AS report, alerts.id, alerts.user_id, alerts.latitude, alerts.longitude, alerts.radius_km
            FROM alerts
            JOIN unnest({authors}, {categories}, {latitudes}, {longitudes}, {times}) WITH ORDINALITY AS report (author, category, latitude, longitude, occurred_at, number)
                ON alerts.area @> cube(ARRAY[
                    cos(radians(report.latitude)) * cos(radians(report.longitude)), cos(radians(report.latitude)) * sin(radians(report.longitude)), sin(radians(report.latitude))])
            WHERE NOT alerts.muted AND alerts.user_id <> report.author AND alerts.active_since <= report.occurred_at
                AND (alerts.category IS NULL OR alerts.category = report.category)
            """);
    }

    private static NotificationDraft Draft(NearbyAlert alert, ReceivedEvent<ReportCreated> received, double distance) => AlertWriter.Draft(
        CauseId.Of(received.Id, alert.UserId),
        alert.UserId,
        alert.Id,
        AlertTemplates.ReportNear,
        new() { ["title"] = received.Data.Title, ["category"] = received.Data.Category, ["distance_km"] = Math.Round(distance, 1) },
        received.Time,
        ("report_id", received.Data.ReportId));
}

/// <summary>Tells users that a report of theirs has passed its date: once a report.</summary>
internal sealed class ReportOverdueHandler(NotificationsDbContext database, AlertWriter writer) : IEventHandler<ReportOverdue>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportOverdue>> events, CancellationToken cancellationToken)
    {
        var users = events.Select(received => received.Data.UserId).Distinct().ToArray();
        var alerts = (await database.Alerts.AsNoTracking()
            .Where(alert => users.Contains(alert.UserId) && alert.Kind == AlertKind.ReportOverdue && !alert.Muted)
            .ToListAsync(cancellationToken)).ToLookup(alert => alert.UserId);
        writer.Add(
            [
                .. from received in events
                   let alert = alerts[received.Data.UserId].FirstOrDefault(alert => alert.ActiveSince <= received.Time)
                   where alert is not null
                   select Draft(alert, received),
            ]);
    }

    private static NotificationDraft Draft(Alert alert, ReceivedEvent<ReportOverdue> received) => AlertWriter.Draft(
        CauseId.Of(received.Data.ReportId, alert.UserId),
        alert.UserId,
        alert.Id,
        AlertTemplates.ReportOverdue,
        new() { ["title"] = received.Data.Title, ["due_at"] = received.Data.DueAt },
        received.Time,
        ("report_id", received.Data.ReportId));
}

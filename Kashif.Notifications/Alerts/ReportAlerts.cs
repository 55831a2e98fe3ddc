using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Messaging.Geography;
using Kashif.Notifications.Data;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Alerts;

/// <summary>A user with an alert around a report.</summary>
/// <param name="Report">The report's position among the reports, from 1.</param>
/// <param name="Id">The user's alert that is nearest to it.</param>
internal sealed record NearbyAlert(long Report, Guid Id, Guid UserId, double DistanceKm);

/// <summary>Tells users of reports near their places: each user once a report, however many of their alerts contain it, and never of their own or of a private one.</summary>
internal sealed class ReportNearHandler(NotificationsDbContext database, ReportAlerts alerts) : IEventHandler<ReportCreated>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken) =>
        database.PendingReports.AddRange(await alerts.TellAsync([.. events.Where(received => !received.Data.Private).Select(ToReport)], cancellationToken));

    public static PendingReport ToReport(ReceivedEvent<ReportCreated> received) => new()
    {
        EventId = received.Id,
        ReportId = received.Data.ReportId,
        UserId = received.Data.UserId,
        Title = received.Data.Title,
        Category = received.Data.Category,
        Latitude = received.Data.Latitude,
        Longitude = received.Data.Longitude,
        OccurredAt = received.Time,
    };
}

/// <summary>Finds the users with alerts around reports.</summary>
internal sealed class ReportAlerts(NotificationsDbContext database, AlertWriter writer)
{
    /// <summary>How many users are told of one report in one transaction.</summary>
    public const int Batch = 500;

    /// <summary>Tells the next users of each report, and moves its position.</summary>
    /// <returns>The reports that may have more.</returns>
    public async Task<IReadOnlyList<PendingReport>> TellAsync(IReadOnlyList<PendingReport> reports, CancellationToken cancellationToken)
    {
        var near = (await Near(database, reports).ToListAsync(cancellationToken)).ToLookup(alert => (int)alert.Report - 1);
        var more = new List<PendingReport>();
        foreach (var (index, report) in reports.Index())
        {
            var alerts = near[index].ToList();
            writer.Add(alerts.ConvertAll(alert => Draft(alert, report)));
            if (alerts.Count == Batch)
            {
                report.LastUserId = alerts[^1].UserId;
                more.Add(report);
            }
        }

        return more;
    }

    public static IQueryable<NearbyAlert> Near(NotificationsDbContext database, IReadOnlyList<PendingReport> reports)
    {
        var authors = reports.Select(report => report.UserId).ToArray();
        var categories = reports.Select(report => report.Category).ToArray();
        var latitudes = reports.Select(report => report.Latitude).ToArray();
        var longitudes = reports.Select(report => report.Longitude).ToArray();
        var times = reports.Select(report => report.OccurredAt).ToArray();
        var last = reports.Select(report => report.LastUserId).ToArray();

        // MATERIALIZED: by the index of places, never by that of users, which would read every alert.
        return database.Database.SqlQuery<NearbyAlert>($"""
            SELECT report.number AS report, near.id, near.user_id, near.distance_km
            FROM unnest({authors}, {categories}, {latitudes}, {longitudes}, {times}, {last}) WITH ORDINALITY
                AS report (author, category, latitude, longitude, occurred_at, last, number)
            CROSS JOIN LATERAL (
                WITH inside AS MATERIALIZED (
                    SELECT id, user_id, radius_km, {GreatCircle.EarthKm} * 2 * asin(least(1, sqrt(
                        power(sin(radians(report.latitude - alerts.latitude) / 2), 2)
                        + cos(radians(alerts.latitude)) * cos(radians(report.latitude)) * power(sin(radians(report.longitude - alerts.longitude) / 2), 2)))) AS distance_km
                    FROM alerts
                    WHERE alerts.area @> cube(ARRAY[
                            cos(radians(report.latitude)) * cos(radians(report.longitude)), cos(radians(report.latitude)) * sin(radians(report.longitude)), sin(radians(report.latitude))])
                        AND NOT alerts.muted AND alerts.user_id <> report.author AND alerts.user_id > report.last AND alerts.active_since <= report.occurred_at
                        AND (alerts.category IS NULL OR alerts.category = report.category)
                )
                SELECT DISTINCT ON (user_id) id, user_id, distance_km FROM inside WHERE distance_km <= radius_km ORDER BY user_id, distance_km LIMIT {Batch}
            ) AS near
            ORDER BY report.number, near.user_id
            """);
    }

    private static NotificationDraft Draft(NearbyAlert alert, PendingReport report) => AlertWriter.Draft(
        CauseId.Of(report.EventId, alert.UserId),
        alert.UserId,
        alert.Id,
        AlertTemplates.ReportNear,
        new() { ["title"] = report.Title, ["category"] = report.Category, ["distance_km"] = Math.Round(alert.DistanceKm, 1) },
        report.OccurredAt,
        ("report_id", report.ReportId));
}

/// <summary>Tells reporters that a report of theirs has passed its promised time: once a report. An alert takes the place of the notification that all others get.</summary>
internal sealed class ReportOverdueHandler(NotificationsDbContext database, NotificationWriter notifications, AlertWriter writer) : IEventHandler<ReportOverdue>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportOverdue>> events, CancellationToken cancellationToken)
    {
        var users = events.Select(received => received.Data.UserId).Distinct().ToArray();
        var alerts = (await database.Alerts.AsNoTracking()
            .Where(alert => users.Contains(alert.UserId) && alert.Kind == AlertKind.ReportOverdue && !alert.Muted)
            .ToListAsync(cancellationToken)).ToLookup(alert => alert.UserId);
        foreach (var received in events)
        {
            if (alerts[received.Data.UserId].FirstOrDefault(alert => alert.ActiveSince <= received.Time) is { } alert)
            {
                writer.Add([Draft(alert, received)]);
                continue;
            }

            notifications.Add([.. EventNotifications.ReportOverdue.Drafts([received]).Select(draft => draft with { CauseId = CauseOf(received.Data) })]);
        }
    }

    /// <summary>The same for the alert and the notification: a report is told of once, also if its event is published again.</summary>
    private static Guid CauseOf(ReportOverdue report) => CauseId.Of(report.ReportId, report.UserId);

    private static NotificationDraft Draft(Alert alert, ReceivedEvent<ReportOverdue> received) => AlertWriter.Draft(
        CauseOf(received.Data),
        alert.UserId,
        alert.Id,
        AlertTemplates.ReportOverdue,
        new() { ["title"] = received.Data.Title, ["due_at"] = received.Data.DueAt },
        received.Time,
        ("report_id", received.Data.ReportId));
}

using System.Text.Json.Nodes;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Webhooks;

/// <summary>
/// Writes a delivery for each event and each webhook that gets it (<see cref="WebhookScope"/>). It listens to Reporting's own events, so that each way to change
/// a report is told. A payload has no personal data and no free text but the title, and only public reports have one.
/// </summary>
internal sealed class WebhookWriter(ReportingDbContext database, IOptions<WebhookOptions> options, TimeProvider time)
    : IEventHandler<ReportCreated>, IEventHandler<ReportStatusUpdated>, IEventHandler<ReportUpdated>, IEventHandler<ReportDeleted>,
        IEventHandler<ReportMerged>, IEventHandler<ReportRouted>, IEventHandler<ReportCommented>, IEventHandler<ReportAssigned>,
        IEventHandler<ReportVoted>, IEventHandler<ReportOverdue>
{
    /// <summary>The <c>source</c> of the payloads.</summary>
    private const string Source = "kashif/reporting";

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken) =>
        WriteAsync(events, data => data.ReportId, Described, (_, _, _) => { }, cancellationToken);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken) =>
        WriteAsync(
            events, data => data.ReportId, Described,
            (data, _, body) => (body["from"], body["to"], body["version"]) = (data.From, data.To, data.Version),
            cancellationToken);

    /// <summary>A report that stops being public is deleted, for the public.</summary>
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportUpdated>> events, CancellationToken cancellationToken) =>
        WriteAsync(
            events, data => data.ReportId, Described,
            (data, _, body) =>
            {
                body["fields"] = new JsonArray([.. data.Fields.Where(field => field is not ("private" or "hidden" or "anonymous")).Select(field => (JsonNode)field)]);
                body["version"] = data.Version;
            },
            cancellationToken,
            isEnd: data => (data.Private && data.Fields.Contains("private")) || (data.Hidden && data.Fields.Contains("hidden")));

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportDeleted>> events, CancellationToken cancellationToken) =>
        WriteAsync(events, data => data.ReportId, Identified, (_, _, _) => { }, cancellationToken, isEnd: _ => true);

    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportMerged>> events, CancellationToken cancellationToken)
    {
        var ids = events.Select(received => received.Data.OriginalId).ToArray();
        var originals = await database.Reports.Public().Where(report => ids.Contains(report.Id)).Select(report => report.Id).ToListAsync(cancellationToken);
        await WriteAsync(
            [.. events.Where(received => originals.Contains(received.Data.OriginalId))], data => data.ReportId, Identified,
            (data, _, body) => (body["original_id"], body["version"]) = (data.OriginalId.ToString(), data.Version),
            cancellationToken);
    }

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportRouted>> events, CancellationToken cancellationToken) =>
        WriteAsync(
            events, data => data.ReportId, Described,
            (data, _, body) => (body["agency_id"], body["former_agency_id"], body["version"]) = (data.AgencyId?.ToString(), data.FormerAgencyId?.ToString(), data.Version),
            cancellationToken);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCommented>> events, CancellationToken cancellationToken) =>
        WriteAsync(
            events, data => data.ReportId, Identified,
            (data, _, body) => (body["comment_id"], body["by_staff"]) = (data.CommentId.ToString(), data.ByStaff),
            cancellationToken);

    /// <summary>Whether there is an employee, not who.</summary>
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportAssigned>> events, CancellationToken cancellationToken) =>
        WriteAsync(
            events, data => data.ReportId, Identified,
            (data, _, body) => (body["assigned"], body["version"]) = (data.EmployeeId is not null, data.Version),
            cancellationToken);

    /// <summary>How many users have voted, not who.</summary>
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportVoted>> events, CancellationToken cancellationToken) =>
        WriteAsync(
            events, data => data.ReportId, Identified,
            (data, report, body) => (body["votes"], body["withdrawn"]) = (report.Votes, data.Withdrawn),
            cancellationToken);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportOverdue>> events, CancellationToken cancellationToken) =>
        WriteAsync(
            events, data => data.ReportId, Identified,
            (data, _, body) => body["due_at"] = data.DueAt.UtcDateTime, // ends with Z
            cancellationToken);

    /// <param name="describe">What the payload begins with.</param>
    /// <param name="add">Adds what the event says.</param>
    /// <param name="isEnd">Whether the event ends what the public sees of the report; null for never.</param>
    private async Task WriteAsync<TEvent>(
        IReadOnlyList<ReceivedEvent<TEvent>> events, Func<TEvent, Guid> reportOf, Func<Report, JsonObject> describe, Action<TEvent, Report, JsonObject> add,
        CancellationToken cancellationToken, Func<TEvent, bool>? isEnd = null)
        where TEvent : IIntegrationEvent
    {
        var webhooks = await database.Webhooks.AsNoTracking().Select(webhook => new { webhook.Id, webhook.AgencyId, webhook.Events }).ToListAsync(cancellationToken);
        if (webhooks.Count == 0)
        {
            return;
        }

        var (ids, eventIds) = (events.Select(received => reportOf(received.Data)).Distinct().ToArray(), events.Select(received => received.Id).ToArray());
        var reports = await database.Reports.AsNoTracking().Public().Where(report => ids.Contains(report.Id)).ToDictionaryAsync(report => report.Id, cancellationToken);
        var wasPublic = await database.ReportChanges.Where(change => ids.Contains(change.ReportId) && change.WasPublic)
            .Select(change => change.ReportId).ToListAsync(cancellationToken);

        // The inbox forgets: an event that is sent again after months has its deliveries.
        var written = await database.WebhookDeliveries.Where(delivery => eventIds.Contains(delivery.EventId))
            .Select(delivery => new { delivery.WebhookId, delivery.EventId }).ToListAsync(cancellationToken);
        foreach (var received in events)
        {
            var id = reportOf(received.Data);
            var (type, body, agency) = (TEvent.Type, (JsonObject?)null, (Guid?)null);
            List<Guid> knowIt = [];
            if (reports.TryGetValue(id, out var report))
            {
                (body, agency) = (describe(report), report.AgencyId);
                add(received.Data, report, body);
            }
            else if (isEnd?.Invoke(received.Data) == true && wasPublic.Contains(id))
            {
                (type, body) = (ReportDeleted.Type, Identified(id));
                agency = await database.Reports.Where(row => row.Id == id).Select(row => row.AgencyId).FirstOrDefaultAsync(cancellationToken);

                // A former agency too: it may have a copy, and no `report.routed` comes to it any more.
                knowIt = await database.WebhookDeliveries.Where(delivery => delivery.ReportId == id).Select(delivery => delivery.WebhookId).Distinct().ToListAsync(cancellationToken);

                // The payloads have its title.
                await database.WebhookDeliveries.Where(delivery => delivery.ReportId == id && delivery.Type != ReportDeleted.Type).ExecuteDeleteAsync(cancellationToken);

                // Those of its duplicates have its id.
                await database.WebhookDeliveries
                    .Where(delivery => delivery.Type == ReportMerged.Type && database.Reports.Any(duplicate => duplicate.Id == delivery.ReportId && duplicate.DuplicateOf == id))
                    .ExecuteDeleteAsync(cancellationToken);
            }

            if (body is null)
            {
                continue;
            }

            var agencies = WebhookScope.AgenciesOf(received.Data, agency);
            var payload = Envelope(received.Id, received.Time, type, id, body);
            var now = time.GetUtcNow();
            database.WebhookDeliveries.AddRange(
                from webhook in webhooks
                where webhook.Events.Contains(type) && (webhook.AgencyId is null || agencies.Contains(webhook.AgencyId) || knowIt.Contains(webhook.Id))
                    && !written.Any(delivery => delivery.WebhookId == webhook.Id && delivery.EventId == received.Id)
                select new WebhookDelivery
                {
                    Id = Guid.CreateVersion7(now),
                    WebhookId = webhook.Id,
                    EventId = received.Id,
                    ReportId = id,
                    Type = type,
                    Payload = payload,
                    OccurredAt = received.Time,
                    CreatedAt = now,
                    NextAttemptAt = now,
                    GiveUpAt = now + options.Value.GiveUpAfter,
                });
        }
    }

    private static JsonObject Identified(Report report) => Identified(report.Id);

    private static JsonObject Identified(Guid id) => new() { ["report_id"] = id.ToString() };

    private static JsonObject Described(Report report)
    {
        var body = Identified(report);
        (body["title"], body["category"], body["status"]) = (report.Title, report.Category, report.Status.WireName());
        (body["latitude"], body["longitude"]) = (report.Latitude, report.Longitude);
        if (report.AgencyId is { } agency)
        {
            body["agency_id"] = agency.ToString();
        }

        return body;
    }

    /// <summary>A CloudEvent: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md.</summary>
    private static string Envelope(Guid id, DateTimeOffset time, string type, Guid report, JsonObject data) => new JsonObject
    {
        ["specversion"] = "1.0",
        ["id"] = id.ToString(),
        ["source"] = Source,
        ["type"] = type,
        ["subject"] = report.ToString(),
        ["time"] = time,
        ["datacontenttype"] = "application/json",
        ["data"] = data,
    }.ToJsonString();
}

using System.Text.Json;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Channels;
using Kashif.Notifications.Data;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Dispatch;

/// <summary>Writes the notifications of a batch of events in the consumer's transaction, with a delivery to each device and, if enabled, to the user's address.</summary>
internal sealed class NotificationWriter(NotificationsDbContext database, TimeProvider time, DeliverySignal<PushChannel> pushes, DeliverySignal<EmailChannel> mails, NotificationMetrics metrics)
{
    private int _stored;
    private int _deliveries;

    /// <summary>Two statements for any number of events.</summary>
    public async Task WriteAsync<TEvent>(
        IReadOnlyList<ReceivedEvent<TEvent>> events, EventTemplate<TEvent> template, CancellationToken cancellationToken)
        where TEvent : IIntegrationEvent
    {
        events = [.. events.Where(received => template.RecipientOf(received.Data) is not null)];
        var users = events.Select(received => template.Recipient(received.Data)).ToArray();
        var languages = await LanguagesOfAsync(users, cancellationToken);

        var ids = new Guid[events.Count];
        var eventIds = new Guid[events.Count];
        var titles = new string[events.Count];
        var bodies = new string[events.Count];
        var data = new string[events.Count];
        var times = new DateTimeOffset[events.Count];
        for (var index = 0; index < events.Count; index++)
        {
            var received = events[index];
            var wording = template.In(languages.GetValueOrDefault(users[index]), received.Data);
            ids[index] = TimeOrderedId.Create(received.Time);
            eventIds[index] = received.Id;
            titles[index] = wording.Title;
            bodies[index] = wording.Body;
            data[index] = JsonSerializer.Serialize(template.Data(received.Data), NotificationsJson.Default.DictionaryStringString);
            times[index] = received.Time;
        }

        var now = time.GetUtcNow();
        _deliveries += await database.Database.ExecuteSqlAsync($"""
            WITH stored AS (
                INSERT INTO notifications (id, event_id, user_id, type, title, body, data, created_at)
                SELECT id, event_id, user_id, {TEvent.Type}, title, body, data::jsonb, created_at
                FROM unnest({ids}, {eventIds}, {users}, {titles}, {bodies}, {data}, {times})
                    AS new (id, event_id, user_id, title, body, data, created_at)
                ON CONFLICT (event_id) DO NOTHING
                RETURNING id, user_id
            ), wanted AS (
                SELECT id, user_id, COALESCE(push_enabled, TRUE) AS push, {template.ByEmail} AND COALESCE(email_enabled, FALSE) AS email
                FROM stored LEFT JOIN recipients USING (user_id)
            )
            INSERT INTO deliveries (channel, notification_id, device_id, state, attempts, next_attempt_at)
            SELECT {ChannelNames.Push}, wanted.id, devices.id, {DeliveryState.Pending}, 0, {now} FROM wanted JOIN devices USING (user_id) WHERE push
            UNION ALL
            SELECT {ChannelNames.Email}, wanted.id, NULL, {DeliveryState.Pending}, 0, {now} FROM wanted WHERE email
            """, cancellationToken);
        _stored += events.Count;
    }

    /// <summary>Call after the commit.</summary>
    public void Committed()
    {
        metrics.Stored(_stored);
        if (_deliveries > 0)
        {
            pushes.Set();
            mails.Set();
        }

        (_stored, _deliveries) = (0, 0);
    }

    private Task<Dictionary<Guid, string>> LanguagesOfAsync(Guid[] users, CancellationToken cancellationToken) =>
        database.Recipients.AsNoTracking()
            .Where(recipient => users.Contains(recipient.UserId) && recipient.Language != Languages.English)
            .ToDictionaryAsync(recipient => recipient.UserId, recipient => recipient.Language, cancellationToken);
}

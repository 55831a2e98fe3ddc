using System.Text.Json;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Delivery;
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
        var addressed = events.Select(received => (Event: received, User: template.RecipientOf(received.Data))).Where(received => received.User is not null).ToList();
        var users = addressed.ConvertAll(received => received.User.GetValueOrDefault()).ToArray();
        var languages = await LanguagesOfAsync(users, cancellationToken);

        var ids = new Guid[users.Length];
        var eventIds = new Guid[users.Length];
        var titles = new string[users.Length];
        var bodies = new string[users.Length];
        var data = new string[users.Length];
        var times = new DateTimeOffset[users.Length];
        for (var index = 0; index < users.Length; index++)
        {
            var received = addressed[index].Event;
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
            SELECT {ChannelNames.Push}, wanted.id, devices.id, {DeliveryState.Queued}, 0, {now} FROM wanted JOIN devices USING (user_id) WHERE push
            UNION ALL
            SELECT {ChannelNames.Email}, wanted.id, NULL, {DeliveryState.Queued}, 0, {now} FROM wanted WHERE email
            """, cancellationToken);
        _stored += users.Length;
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

using System.Text.Json;
using Kashif.Messaging;
using Kashif.Notifications.Data;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Preferences;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Dispatch;

/// <summary>Writes notifications in the caller's transaction, each with a delivery to every device of the user and, if enabled, to their address: at once, or held as the user prefers.</summary>
internal sealed class NotificationWriter(NotificationsDbContext database, TimeProvider time, DeliverySignal<PushChannel> pushes, DeliverySignal<EmailChannel> mails, NotificationMetrics metrics)
{
    private int _stored;
    private int _deliveries;

    /// <summary>Three statements for any number of notifications. One whose cause has been notified already is not written again.</summary>
    public async Task WriteAsync(IReadOnlyList<NotificationDraft> drafts, CancellationToken cancellationToken)
    {
        if (drafts.Count == 0)
        {
            return;
        }

        var users = Column(drafts, draft => draft.UserId);
        var positions = await InboxHead.AdvanceAsync(database, users, cancellationToken);
        var preferences = await UserPreferences.LoadAsync(database, users, cancellationToken);
        var now = time.GetUtcNow();
        var times = Column(drafts, draft => DeliveryTimes.Of(draft, preferences.GetValueOrDefault(draft.UserId), now));
        _deliveries += await database.Database.ExecuteSqlAsync($"""
            WITH new AS (
                SELECT * FROM unnest(
                    {Column(drafts, draft => TimeOrderedId.Create(draft.Time))},
                    {Column(drafts, draft => draft.CauseId)},
                    {Column(drafts, draft => draft.RequestId)},
                    {users},
                    {Column(drafts, draft => draft.Type)},
                    {Column(drafts, draft => draft.TemplateCode)},
                    {Column(drafts, draft => draft.Variables.ToJsonString())},
                    {Column(drafts, draft => JsonSerializer.Serialize(draft.Data, NotificationsJson.Default.IReadOnlyDictionaryStringString))},
                    {Column(drafts, draft => (short)draft.Priority)},
                    {Column(drafts, draft => draft.ExpiresAt)},
                    {Column(drafts, draft => draft.Time)},
                    {positions},
                    {Array.ConvertAll(times, due => due.Push)},
                    {Array.ConvertAll(times, due => due.Email)})
                    AS new (id, event_id, request_id, user_id, type, template_code, variables, data, priority, expires_at, created_at, position, push_at, email_at)
            ), stored AS (
                INSERT INTO notifications (id, sort_key, event_id, request_id, user_id, type, template_code, variables, data, priority, expires_at, created_at, position)
                SELECT id, id, event_id, request_id, user_id, type, template_code, variables::jsonb, data::jsonb, priority, expires_at, created_at, position FROM new
                ON CONFLICT (event_id) DO NOTHING
                RETURNING id
            ), wanted AS (
                SELECT id, user_id, priority, expires_at,
                    CASE WHEN COALESCE(push_enabled, TRUE) THEN push_at END AS push_at, CASE WHEN email_enabled THEN email_at END AS email_at
                FROM stored JOIN new USING (id) LEFT JOIN recipients USING (user_id)
            ), held AS (
                INSERT INTO held_deliveries (notification_id, channel, user_id, release_at)
                SELECT id, {ChannelNames.Push}, user_id, push_at FROM wanted WHERE push_at > {now}
                UNION ALL
                SELECT id, {ChannelNames.Email}, user_id, email_at FROM wanted WHERE email_at > {now}
            )
            INSERT INTO deliveries (channel, notification_id, device_id, state, priority, attempts, next_attempt_at, updated_at, expires_at)
            SELECT {ChannelNames.Push}, wanted.id, devices.id, {DeliveryState.Queued}, priority, 0, {now}, {now}, expires_at FROM wanted JOIN devices USING (user_id) WHERE push_at <= {now}
            UNION ALL
            SELECT {ChannelNames.Email}, wanted.id, NULL, {DeliveryState.Queued}, priority, 0, {now}, {now}, expires_at FROM wanted WHERE email_at <= {now}
            """, cancellationToken);
        _stored += drafts.Count;
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

    private static T[] Column<T>(IReadOnlyList<NotificationDraft> drafts, Func<NotificationDraft, T> value) => [.. drafts.Select(value)];
}

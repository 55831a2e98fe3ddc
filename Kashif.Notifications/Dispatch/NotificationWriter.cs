using System.Text.Json;
using Kashif.Messaging;
using Kashif.Notifications.Data;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Dispatch;

/// <summary>Writes notifications in the caller's transaction, each with a delivery to every device of the user and, if enabled, to their address.</summary>
internal sealed class NotificationWriter(NotificationsDbContext database, TimeProvider time, DeliverySignal<PushChannel> pushes, DeliverySignal<EmailChannel> mails, NotificationMetrics metrics)
{
    private int _stored;
    private int _deliveries;

    /// <summary>Two statements for any number of notifications. One whose cause has been notified already is not written again.</summary>
    public async Task WriteAsync(IReadOnlyList<NotificationDraft> drafts, CancellationToken cancellationToken)
    {
        if (drafts.Count == 0)
        {
            return;
        }

        var positions = await InboxHead.AdvanceAsync(database, Column(drafts, draft => draft.UserId), cancellationToken);
        var now = time.GetUtcNow();
        _deliveries += await database.Database.ExecuteSqlAsync($"""
            WITH new AS (
                SELECT * FROM unnest(
                    {Column(drafts, draft => TimeOrderedId.Create(draft.Time))},
                    {Column(drafts, draft => draft.CauseId)},
                    {Column(drafts, draft => draft.UserId)},
                    {Column(drafts, draft => draft.Type)},
                    {Column(drafts, draft => draft.TemplateCode)},
                    {Column(drafts, draft => draft.Variables.ToJsonString())},
                    {Column(drafts, draft => JsonSerializer.Serialize(draft.Data, NotificationsJson.Default.IReadOnlyDictionaryStringString))},
                    {Column(drafts, draft => (short)draft.Priority)},
                    {Column(drafts, draft => draft.ExpiresAt)},
                    {Column(drafts, draft => draft.Time)},
                    {positions},
                    {Column(drafts, draft => draft.ByEmail)})
                    AS new (id, event_id, user_id, type, template_code, variables, data, priority, expires_at, created_at, position, by_email)
            ), stored AS (
                INSERT INTO notifications (id, sort_key, event_id, user_id, type, template_code, variables, data, priority, expires_at, created_at, position)
                SELECT id, id, event_id, user_id, type, template_code, variables::jsonb, data::jsonb, priority, expires_at, created_at, position FROM new
                ON CONFLICT (event_id) DO NOTHING
                RETURNING id
            ), wanted AS (
                SELECT id, user_id, COALESCE(push_enabled, TRUE) AS push, by_email AND COALESCE(email_enabled, FALSE) AS email
                FROM stored JOIN new USING (id) LEFT JOIN recipients USING (user_id)
            )
            INSERT INTO deliveries (channel, notification_id, device_id, state, attempts, next_attempt_at)
            SELECT {ChannelNames.Push}, wanted.id, devices.id, {DeliveryState.Pending}, 0, {now} FROM wanted JOIN devices USING (user_id) WHERE push
            UNION ALL
            SELECT {ChannelNames.Email}, wanted.id, NULL, {DeliveryState.Pending}, 0, {now} FROM wanted WHERE email
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

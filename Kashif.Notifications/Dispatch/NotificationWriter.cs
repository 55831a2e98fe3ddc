using System.Text.Json;
using Kashif.Messaging;
using Kashif.Messaging.Consumers;
using Kashif.Notifications.Data;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Preferences;

namespace Kashif.Notifications.Dispatch;

/// <summary>Writes notifications in the caller's transaction, each with a delivery to every device of the user and, if enabled, to their address: at once, or held as the user prefers.</summary>
internal sealed class NotificationWriter(NotificationsDbContext database, TimeProvider time, DeliverySignal<PushChannel> pushes, DeliverySignal<EmailChannel> mails, NotificationMetrics metrics) : IBatchStep
{
    private const int MaxPerStatement = 1000;

    private readonly List<NotificationDraft> _drafts = [];
    private int _stored;
    private int _deliveries;

    /// <summary>Adds notifications, which <see cref="CompleteAsync"/> writes.</summary>
    public void Add(IEnumerable<NotificationDraft> drafts) => _drafts.AddRange(drafts);

    /// <summary>Writes what was added. A notification whose cause has been notified already is not written again.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_drafts.Count == 0)
        {
            return;
        }

        // Preferences, then inbox heads, each sorted by user: the order of every transaction that locks both.
        var users = Column(_drafts, draft => draft.UserId);
        var preferences = await UserPreferences.LoadAsync(database, users, cancellationToken);
        var positions = await InboxHead.AdvanceAsync(database, users, cancellationToken);
        foreach (var part in _drafts.Zip(positions).Chunk(MaxPerStatement))
        {
            await WriteAsync(Array.ConvertAll(part, entry => entry.First), Array.ConvertAll(part, entry => entry.Second), preferences, cancellationToken);
        }

        _drafts.Clear();
    }

    Task IBatchStep.CommittedAsync(CancellationToken cancellationToken)
    {
        Committed();
        return Task.CompletedTask;
    }

    private async Task WriteAsync(NotificationDraft[] drafts, long[] positions, Dictionary<Guid, UserPreferences> preferences, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var times = Column(drafts, draft => DeliveryTimes.Of(draft, preferences.GetValueOrDefault(draft.UserId), now));
        _deliveries += await DeliveryInsert.ExecuteAsync(database, $"""
            WITH new AS (
                SELECT * FROM unnest(
                    {Column(drafts, draft => TimeOrderedId.Create(draft.Time))},
                    {Column(drafts, draft => draft.CauseId)},
                    {Column(drafts, draft => draft.RequestId)},
                    {Column(drafts, draft => draft.UserId)},
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
                WHERE NOT EXISTS (SELECT FROM erased_users WHERE erased_users.user_id = new.user_id)
                ON CONFLICT (event_id) DO NOTHING
                RETURNING id
            ), wanted AS (
                SELECT id, user_id, priority, expires_at,
                    CASE WHEN COALESCE(push_enabled, TRUE) THEN push_at END AS push_at, CASE WHEN email_enabled THEN email_at END AS email_at, {now} AS now
                FROM stored JOIN new USING (id) LEFT JOIN recipients USING (user_id)
            ), held AS (
                INSERT INTO held_deliveries (notification_id, channel, user_id, release_at)
                SELECT id, {ChannelNames.Push}, user_id, push_at FROM wanted
                WHERE push_at > {now} AND EXISTS (SELECT FROM devices WHERE devices.user_id = wanted.user_id)
                UNION ALL
                SELECT id, {ChannelNames.Email}, user_id, email_at FROM wanted WHERE email_at > {now}
            )
            """, cancellationToken);
        _stored += drafts.Length;
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

using System.Text.Json.Nodes;
using Kashif.Messaging;
using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Preferences;

/// <summary>
/// Releases held deliveries when they are due: one notification as itself, several as one digest, none that has been read, archived, snoozed or deleted
/// meanwhile. In one transaction, and under the lock of the user's preferences, so each is in one digest.
/// </summary>
internal sealed class DigestWorker(
    IServiceScopeFactory scopes, TemplateRenderer renderer, DeliverySignal<PushChannel> pushes, DeliverySignal<EmailChannel> mails, TimeProvider time,
    ILogger<DigestWorker> logger) : PeriodicService(scopes, TimeSpan.FromSeconds(1), time, logger)
{
    private const int Batch = 50;
    private const int MaxTitles = 50;
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<NotificationsDbContext>();
        while (await ReleaseDueAsync(database, cancellationToken) == Batch)
        {
            database.ChangeTracker.Clear();
        }
    }

    /// <returns>The number of users.</returns>
    private async Task<int> ReleaseDueAsync(NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var users = await database.Database
            .SqlQuery<Guid>($"""
                SELECT user_id AS "Value" FROM preferences
                WHERE user_id IN (SELECT user_id FROM held_deliveries WHERE release_at <= {now}) ORDER BY user_id LIMIT {Batch} FOR UPDATE SKIP LOCKED
                """)
            .ToListAsync(cancellationToken);
        if (users.Count == 0)
        {
            return 0;
        }

        // Notifications before what is held of them, like a user who deletes one.
        await database.Database.ExecuteSqlAsync($"""
            SELECT FROM notifications WHERE id IN (SELECT notification_id FROM held_deliveries WHERE user_id = ANY({users}) AND release_at <= {now}) ORDER BY id FOR KEY SHARE
            """, cancellationToken);
        var released = await database.Database
            .SqlQuery<Released>($"""
                WITH released AS (DELETE FROM held_deliveries WHERE user_id = ANY({users}) AND release_at <= {now} RETURNING notification_id, channel)
                SELECT channel, id, user_id, template_code, variables::text AS variables, title, body, language
                FROM released JOIN notifications ON id = notification_id LEFT JOIN recipients USING (user_id)
                WHERE read_at IS NULL AND folder = {Folders.Inbox} AND (expires_at IS NULL OR expires_at > {now})
                ORDER BY sort_key DESC
                """)
            .ToListAsync(cancellationToken);
        await renderer.FindNewAsync(released.Select(held => held.TemplateCode), cancellationToken);
        var due = released.GroupBy(held => (held.UserId, held.Channel))
            .Select(group => (group.Key.Channel, Notification: group.ToList() is [var only] ? only.Id : AddDigest(database, [.. group], now)))
            .ToList();
        await database.SaveChangesAsync(cancellationToken);
        await DeliveryInsert.ExecuteAsync(database, $"""
            WITH wanted AS (
                SELECT id, user_id, priority, expires_at,
                    CASE WHEN channel = {ChannelNames.Push} AND COALESCE(push_enabled, TRUE) THEN {now} END AS push_at,
                    CASE WHEN channel = {ChannelNames.Email} AND email_enabled THEN {now} END AS email_at, {now} AS now
                FROM unnest({due.ConvertAll(delivery => delivery.Channel)}, {due.ConvertAll(delivery => delivery.Notification)}) AS due (channel, id)
                JOIN notifications USING (id) LEFT JOIN recipients USING (user_id)
            )
            """, cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        pushes.Set();
        mails.Set();
        return users.Count;
    }

    private Guid AddDigest(NotificationsDbContext database, List<Released> merged, DateTimeOffset now)
    {
        var id = TimeOrderedId.Create(now);
        var titles = merged.Take(MaxTitles).Select(held => (JsonNode)held.Content.Render(renderer, held.Language, ChannelNames.Inbox).Title);
        database.Notifications.Add(new Notification
        {
            Id = id,
            SortKey = id,
            EventId = id,
            UserId = merged[0].UserId,
            Type = NotificationTypes.Digest,
            TemplateCode = NotificationTypes.Digest,
            Variables = new JsonObject { ["count"] = merged.Count, ["titles"] = new JsonArray([.. titles]) }.ToJsonString(),
            Data = "{}",
            CreatedAt = now,
            Folder = Folders.Digest,
        });
        return id;
    }

    private sealed record Released(
        string Channel, Guid Id, Guid UserId, string? TemplateCode, string? Variables, string? Title, string? Body, string? Language)
    {
        public NotificationContent Content => new(TemplateCode, Variables, Title, Body);
    }
}

/// <summary>Deletes digests with their deliveries.</summary>
internal sealed class DigestCleanup(
    IServiceScopeFactory scopes, IOptions<DeliveryOptions> options, TimeProvider time, ILogger<DigestCleanup> logger) : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var before = _time.GetUtcNow() - options.Value.Retention;
        return services.GetRequiredService<NotificationsDbContext>().Notifications
            .Where(notification => notification.Folder == Folders.Digest && notification.CreatedAt < before)
            .ExecuteDeleteAsync(cancellationToken);
    }
}

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
internal sealed partial class DigestWorker(
    IServiceScopeFactory scopes, TemplateRenderer renderer, DeliverySignal<PushChannel> pushes, DeliverySignal<EmailChannel> mails, TimeProvider time,
    ILogger<DigestWorker> logger) : BackgroundService
{
    private const int Batch = 50;
    private const int MaxTitles = 50;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await ReleaseDueAsync(stoppingToken) == Batch)
                {
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Failed(logger, exception);
            }

            await Task.Delay(Poll, time, stoppingToken);
        }
    }

    /// <returns>The number of users.</returns>
    private async Task<int> ReleaseDueAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
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

        var released = await database.Database
            .SqlQuery<Released>($"""
                WITH released AS (DELETE FROM held_deliveries WHERE user_id = ANY({users}) AND release_at <= {now} RETURNING notification_id, channel)
                SELECT channel, id, user_id, template_code, variables::text AS variables, title, body, language
                FROM released JOIN notifications ON id = notification_id LEFT JOIN recipients USING (user_id)
                WHERE read_at IS NULL AND folder = {Folders.Inbox} AND (expires_at IS NULL OR expires_at > {now})
                ORDER BY sort_key DESC
                """)
            .ToListAsync(cancellationToken);
        var due = released.GroupBy(held => (held.UserId, held.Channel))
            .Select(group => (group.Key.Channel, Notification: group.ToList() is [var only] ? only.Id : AddDigest(database, [.. group], now)))
            .ToList();
        await database.SaveChangesAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            WITH due AS (
                SELECT channel, id, user_id, priority, expires_at, COALESCE(push_enabled, TRUE) AS push, COALESCE(email_enabled, FALSE) AS email
                FROM unnest({due.ConvertAll(delivery => delivery.Channel)}, {due.ConvertAll(delivery => delivery.Notification)}) AS due (channel, id)
                JOIN notifications USING (id) LEFT JOIN recipients USING (user_id)
            )
            INSERT INTO deliveries (channel, notification_id, device_id, state, priority, attempts, next_attempt_at, updated_at, expires_at)
            SELECT channel, due.id, devices.id, {DeliveryState.Queued}, priority, 0, {now}, {now}, expires_at FROM due JOIN devices USING (user_id) WHERE channel = {ChannelNames.Push} AND push
            UNION ALL
            SELECT channel, due.id, NULL, {DeliveryState.Queued}, priority, 0, {now}, {now}, expires_at FROM due WHERE channel = {ChannelNames.Email} AND email
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

    [LoggerMessage(EventId = 6303, Level = LogLevel.Warning, Message = "Held pushes and e-mails could not be released; they stay until the next attempt")]
    private static partial void Failed(ILogger logger, Exception exception);
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

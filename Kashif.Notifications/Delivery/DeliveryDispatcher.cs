using Kashif.Messaging.RabbitMq;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Kashif.Notifications.Delivery;

/// <summary>
/// Publishes the due deliveries of one channel to its queue, those of high priority first, and the dead ones to <c>failed.queue</c>. A
/// transaction commits the lease when the broker has confirmed: after a crash they are published twice rather than not at all, and the
/// consumer sends them once. The queue is kept short, so that a delivery is claimed before its lease ends and priorities count; what does
/// not fit waits in the table.
/// </summary>
internal sealed class DeliveryDispatcher<TChannel>(
    IServiceScopeFactory scopes,
    TChannel channel,
    DeliveryQueues queues,
    DeliverySignal<TChannel> signal,
    ChannelPause<TChannel> pause,
    NotificationMetrics metrics,
    TimeProvider time,
    IOptions<DeliveryOptions> options,
    ILogger<DeliveryDispatcher<TChannel>> logger) : BackgroundService
    where TChannel : IDeliveryChannel
{
    private readonly Backoff _backoff = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        IChannel? broker = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var work = await LookAsync(stoppingToken);
                broker ??= await queues.OpenPublishChannelAsync(options.Value.Batch, stoppingToken);
                var waiting = await broker.MessageCountAsync(DeliveryQueues.QueueOf(channel.Name), stoppingToken);
                metrics.Queued(channel.Name, waiting);
                while (work.IsDue && !pause.IsPaused && await DispatchAsync(broker, waiting, stoppingToken))
                {
                    waiting = await broker.MessageCountAsync(DeliveryQueues.QueueOf(channel.Name), stoppingToken);
                }

                while (work.IsUnreported && await ReportAsync(broker, stoppingToken))
                {
                }

                _backoff.Reset();
                await signal.WaitAsync(options.Value.Poll, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                DeliveryLog.NotDispatched(logger, channel.Name, exception);
                await CloseAsync();
                broker = null;
                await _backoff.WaitAsync(stoppingToken);
            }
        }

        await CloseAsync();

        Task CloseAsync() => broker?.DisposeQuietlyAsync() ?? Task.CompletedTask;
    }

    /// <summary>Cheap, because it runs at each poll.</summary>
    private async Task<Work> LookAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        var found = await scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database
            .SqlQuery<Found>($"""
                SELECT
                    (SELECT min(first.next_attempt_at) FROM unnest(ARRAY[0, 1, 2]::smallint[]) AS level (priority) CROSS JOIN LATERAL (
                        SELECT next_attempt_at FROM deliveries
                        WHERE channel = {channel.Name} AND deliveries.priority = level.priority AND state NOT IN ('sent', 'delivered', 'dead')
                        ORDER BY next_attempt_at LIMIT 1) AS first) AS first_due_at,
                    EXISTS (SELECT FROM deliveries WHERE channel = {channel.Name} AND state = 'dead' AND NOT reported) AS is_unreported
                """)
            .SingleAsync(cancellationToken);
        metrics.OldestDue(channel.Name, found.FirstDueAt is { } first && first < now ? now - first : TimeSpan.Zero);
        return new Work(found.FirstDueAt <= now, found.IsUnreported);
    }

    /// <returns>Whether there may be more to dispatch.</returns>
    private async Task<bool> DispatchAsync(IChannel broker, uint waiting, CancellationToken cancellationToken)
    {
        // In a full queue there is still room for what overtakes it.
        var room = options.Value.QueueLimit - waiting;
        var (least, free) = room > 0 ? (Priority.Low, room) : (Priority.High, room + options.Value.QueueLimit);
        var limit = (int)Math.Min(free, options.Value.Batch);
        if (limit <= 0)
        {
            return false;
        }

        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database;
        await using var transaction = await database.BeginTransactionAsync(cancellationToken);
        var due = await database
            .SqlQuery<Row>($"""
                WITH due AS (
                    SELECT next.id FROM unnest(ARRAY[2, 1, 0]::smallint[]) AS level (priority) CROSS JOIN LATERAL (
                        SELECT id FROM deliveries
                        WHERE channel = {channel.Name} AND deliveries.priority = level.priority AND state NOT IN ('sent', 'delivered', 'dead') AND next_attempt_at <= {now}
                        ORDER BY next_attempt_at, id LIMIT {limit} FOR UPDATE SKIP LOCKED) AS next
                    WHERE level.priority >= {(short)least} LIMIT {limit}
                ), leased AS (
                    UPDATE deliveries SET next_attempt_at = {now + options.Value.Lease} FROM due WHERE deliveries.id = due.id
                    RETURNING deliveries.id, notification_id, deliveries.user_id, deliveries.priority, attempts, last_error
                )
                SELECT leased.id, leased.notification_id, COALESCE(leased.user_id, notification.user_id) AS user_id, leased.priority, leased.attempts, leased.last_error,
                    notification.template_code, COALESCE(notification.request_id, notification.event_id) AS request_id
                FROM leased LEFT JOIN notifications notification ON notification.id = leased.notification_id
                ORDER BY leased.priority DESC, leased.id
                """)
            .ToListAsync(cancellationToken);
        if (due.Count > 0)
        {
            await queues.PublishAsync(broker, channel.Name, due.Select(row => row.ToMessage(channel.Name, row.Attempts + 1, error: null)), cancellationToken);
            await transaction.CommitAsync(CancellationToken.None);
        }

        return due.Count == limit;
    }

    /// <returns>Whether there may be more to report.</returns>
    private async Task<bool> ReportAsync(IChannel broker, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database;
        await using var transaction = await database.BeginTransactionAsync(cancellationToken);
        var dead = await database
            .SqlQuery<Row>($"""
                WITH dead AS (
                    SELECT id FROM deliveries WHERE channel = {channel.Name} AND state = 'dead' AND NOT reported
                    ORDER BY id LIMIT {options.Value.Batch} FOR UPDATE SKIP LOCKED
                ), reported AS (
                    UPDATE deliveries SET reported = TRUE FROM dead WHERE deliveries.id = dead.id
                    RETURNING deliveries.id, notification_id, deliveries.user_id, deliveries.priority, attempts, last_error
                )
                SELECT reported.id, reported.notification_id, COALESCE(reported.user_id, notification.user_id) AS user_id, reported.priority, reported.attempts,
                    reported.last_error, notification.template_code, COALESCE(notification.request_id, notification.event_id) AS request_id
                FROM reported LEFT JOIN notifications notification ON notification.id = reported.notification_id
                ORDER BY reported.id
                """)
            .ToListAsync(cancellationToken);
        if (dead.Count > 0)
        {
            await queues.PublishAsync(broker, DeliveryQueues.Failed, dead.Select(row => row.ToMessage(channel.Name, row.Attempts, row.LastError)), cancellationToken);
            await transaction.CommitAsync(CancellationToken.None);
        }

        return dead.Count == options.Value.Batch;
    }

    private sealed record Found(DateTimeOffset? FirstDueAt, bool IsUnreported);

    private readonly record struct Work(bool IsDue, bool IsUnreported);

    private sealed record Row(
        long Id, Guid? NotificationId, Guid UserId, short Priority, int Attempts, string? LastError, string? TemplateCode, Guid? RequestId)
    {
        public DeliveryMessage ToMessage(string channel, int attempt, string? error) =>
            new(Id, NotificationId, channel, UserId, TemplateCode, RequestId, (Priority)Priority, attempt, error);
    }
}

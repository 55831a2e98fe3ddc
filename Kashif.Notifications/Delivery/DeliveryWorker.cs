using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Delivery;

/// <summary>
/// Sends the due deliveries of one channel, at least once: leases them by moving their due time past the lease, sends them
/// outside any transaction, and records the outcome if the attempt still holds the lease. After a crash they are due again.
/// </summary>
internal sealed class DeliveryWorker<TChannel>(
    IServiceScopeFactory scopes,
    TChannel channel,
    DeliverySignal<TChannel> signal,
    NotificationMetrics metrics,
    TimeProvider time,
    IOptions<DeliveryOptions> options,
    ILogger<DeliveryWorker<TChannel>> logger) : BackgroundService
    where TChannel : IDeliveryChannel
{
    private const string AttemptLost = "attempt_lost";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await DeliverBatchAsync(stoppingToken) == channel.Batch)
                {
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                DeliveryLog.Failed(logger, channel.Name, exception);
            }

            await signal.WaitAsync(options.Value.Poll, stoppingToken);
        }
    }

    /// <returns>The number of deliveries leased.</returns>
    private async Task<int> DeliverBatchAsync(CancellationToken stoppingToken)
    {
        var due = await LeaseDueAsync(stoppingToken);
        if (due.Count == 0)
        {
            return 0;
        }

        // A crash interrupted their last attempt.
        var settled = due.FindAll(delivery => delivery.Attempts > options.Value.MaxAttempts)
            .ConvertAll(delivery => new Settlement(delivery, new SendOutcome(SendResult.Retry, AttemptLost)));

        var sendable = due.FindAll(delivery => delivery.Attempts <= options.Value.MaxAttempts);
        if (sendable.Count > 0)
        {
            // Not stoppingToken: a shutdown waits for the outcomes, or the deliveries would be sent twice.
            using var lease = new CancellationTokenSource(options.Value.Lease / 2, time);
            var outcomes = await channel.SendAsync(sendable.ConvertAll(delivery => delivery.Id), lease.Token);
            settled.AddRange(sendable.Zip(outcomes, (delivery, outcome) => new Settlement(delivery, outcome)));
        }

        await SettleAsync(settled, CancellationToken.None);
        return due.Count;
    }

    private async Task<List<Leased>> LeaseDueAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database
            .SqlQuery<Leased>($"""
                WITH due AS (
                    SELECT id FROM deliveries WHERE channel = {channel.Name} AND state = 'pending' AND next_attempt_at <= {now}
                    ORDER BY next_attempt_at, id LIMIT {channel.Batch} FOR UPDATE SKIP LOCKED
                )
                UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = {now + options.Value.Lease}
                FROM due WHERE deliveries.id = due.id
                RETURNING deliveries.id, deliveries.attempts
                """)
            .ToListAsync(cancellationToken);
    }

    private async Task SettleAsync(List<Settlement> settled, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var states = settled.ConvertAll(StateAfter);
        await using var scope = scopes.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database.ExecuteSqlAsync($"""
            UPDATE deliveries SET state = outcome.state, next_attempt_at = outcome.next_attempt_at, last_error = outcome.error,
                letter = CASE WHEN outcome.state = 'pending' THEN letter END
            FROM unnest(
                {settled.ConvertAll(settlement => settlement.Delivery.Id)},
                {settled.ConvertAll(settlement => settlement.Delivery.Attempts)},
                {states},
                {settled.ConvertAll(settlement => now + RetryDelay(settlement.Delivery.Attempts))},
                {settled.ConvertAll(settlement => settlement.Outcome.Error)}) AS outcome (id, attempt, state, next_attempt_at, error)
            WHERE deliveries.id = outcome.id AND deliveries.attempts = outcome.attempt
            """, cancellationToken);

        foreach (var state in states)
        {
            metrics.Delivered(channel.Name, state == DeliveryState.Pending ? "retried" : state);
        }
    }

    private string StateAfter(Settlement settlement) => settlement.Outcome.Result switch
    {
        SendResult.Sent => DeliveryState.Sent,
        SendResult.Refused or SendResult.DeviceGone => DeliveryState.Failed,
        _ => settlement.Delivery.Attempts < options.Value.MaxAttempts ? DeliveryState.Pending : DeliveryState.Dead,
    };

    /// <summary>Exponential backoff with jitter.</summary>
    private TimeSpan RetryDelay(int attempt)
    {
        var delay = options.Value.RetryDelay * Math.Pow(2, Math.Min(attempt - 1, 20)) * (0.75 + Random.Shared.NextDouble() / 2);
        return delay < options.Value.LongestRetryDelay ? delay : options.Value.LongestRetryDelay;
    }

    private sealed record Settlement(Leased Delivery, SendOutcome Outcome);

    /// <summary>A row of <see cref="LeaseDueAsync"/>.</summary>
    private sealed record Leased(long Id, int Attempts);
}

internal static partial class DeliveryLog
{
    [LoggerMessage(EventId = 6003, Level = LogLevel.Warning, Message = "The delivery worker of channel {Channel} failed; its deliveries stay pending and are retried")]
    public static partial void Failed(ILogger logger, string channel, Exception exception);
}

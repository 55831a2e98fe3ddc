using System.Text.Json;
using Kashif.Notifications.Data;
using Kashif.Notifications.Devices;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Delivery;

/// <summary>
/// Sends what is due, at least once: a delivery is taken up by moving its due time past the lease, sent outside of any
/// transaction, and settled by the attempt that took it up. A process that dies in between leaves it due again.
/// </summary>
internal sealed partial class DeliveryWorker(
    IServiceScopeFactory scopes,
    IPushSender sender,
    DeliverySignal signal,
    NotificationMetrics metrics,
    TimeProvider time,
    IOptions<DeliveryOptions> options,
    ILogger<DeliveryWorker> logger) : BackgroundService
{
    private const string DeviceRemoved = "device_removed";
    private const string AttemptLost = "attempt_lost";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await DeliverBatchAsync(stoppingToken) == options.Value.Batch)
                {
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                DeliveryFailed(logger, exception);
            }

            await signal.WaitAsync(options.Value.Poll, stoppingToken);
        }
    }

    /// <returns>How many were taken up.</returns>
    private async Task<int> DeliverBatchAsync(CancellationToken stoppingToken)
    {
        var due = await TakeAsync(stoppingToken);
        if (due.Count == 0)
        {
            return 0;
        }

        // Those of before a crash at their last attempt, and those whose device has left or changed hands.
        var settled = due.FindAll(delivery => delivery.Attempts > options.Value.MaxAttempts || delivery.Token is null)
            .ConvertAll(delivery => delivery.Token is null
                ? new Settlement(delivery, new PushOutcome(PushResult.Refused, DeviceRemoved))
                : new Settlement(delivery, new PushOutcome(PushResult.Retry, AttemptLost)));

        var sendable = due.Except(settled.Select(settlement => settlement.Delivery)).ToList();
        if (sendable.Count > 0)
        {
            // A shutdown lets the calls end: their outcomes are worth more than the second they take.
            using var lease = new CancellationTokenSource(options.Value.Lease / 2, time);
            var outcomes = await sender.SendAsync(sendable.ConvertAll(delivery => delivery.ToPush()), lease.Token);
            settled.AddRange(sendable.Zip(outcomes, (delivery, outcome) => new Settlement(delivery, outcome)));
        }

        await SettleAsync(settled, CancellationToken.None);
        return due.Count;
    }

    private async Task<List<DueDelivery>> TakeAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database
            .SqlQuery<DueDelivery>($"""
                WITH due AS (
                    SELECT id FROM deliveries WHERE state = 'pending' AND next_attempt_at <= {now}
                    ORDER BY next_attempt_at LIMIT {options.Value.Batch} FOR UPDATE SKIP LOCKED
                ), taken AS (
                    UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = {now + options.Value.Lease}
                    FROM due WHERE deliveries.id = due.id
                    RETURNING deliveries.id, deliveries.attempts, deliveries.notification_id, deliveries.device_id
                )
                SELECT taken.id AS "Id", taken.attempts AS "Attempts", taken.device_id AS "DeviceId",
                    notification.id AS "NotificationId", notification.type AS "Type", notification.title AS "Title",
                    notification.body AS "Body", notification.data::text AS "Data", device.token AS "Token", device.device_type AS "DeviceType"
                FROM taken
                JOIN notifications notification ON notification.id = taken.notification_id
                LEFT JOIN devices device ON device.id = taken.device_id AND device.user_id = notification.user_id
                """)
            .ToListAsync(cancellationToken);
    }

    private async Task SettleAsync(List<Settlement> settled, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var states = settled.ConvertAll(StateAfter);
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
        await database.Database.ExecuteSqlAsync($"""
            UPDATE deliveries SET state = outcome.state, next_attempt_at = outcome.next_attempt_at, last_error = outcome.error
            FROM unnest(
                {settled.ConvertAll(settlement => settlement.Delivery.Id)},
                {settled.ConvertAll(settlement => settlement.Delivery.Attempts)},
                {states},
                {settled.ConvertAll(settlement => now + RetryDelay(settlement.Delivery.Attempts))},
                {settled.ConvertAll(settlement => settlement.Outcome.Error)}) AS outcome (id, attempt, state, next_attempt_at, error)
            WHERE deliveries.id = outcome.id AND deliveries.attempts = outcome.attempt
            """, cancellationToken);

        var gone = settled.FindAll(settlement => settlement.Outcome.Result is PushResult.DeviceGone).ConvertAll(settlement => settlement.Delivery.DeviceId);
        if (gone.Count > 0)
        {
            await database.Devices.Where(device => gone.Contains(device.Id)).ExecuteDeleteAsync(cancellationToken);
        }

        foreach (var state in states)
        {
            metrics.Pushed(state == DeliveryState.Pending ? "retried" : state);
        }
    }

    private string StateAfter(Settlement settlement) => settlement.Outcome.Result switch
    {
        PushResult.Sent => DeliveryState.Sent,
        PushResult.Refused or PushResult.DeviceGone => DeliveryState.Failed,
        _ => settlement.Delivery.Attempts < options.Value.MaxAttempts ? DeliveryState.Pending : DeliveryState.Dead,
    };

    /// <summary>Doubled with each attempt, with jitter, so that what failed together does not come back together.</summary>
    private TimeSpan RetryDelay(int attempt)
    {
        var delay = options.Value.RetryDelay * Math.Pow(2, Math.Min(attempt - 1, 20)) * (0.75 + Random.Shared.NextDouble() / 2);
        return delay < options.Value.LongestRetryDelay ? delay : options.Value.LongestRetryDelay;
    }

    [LoggerMessage(EventId = 6003, Level = LogLevel.Warning, Message = "Push notifications could not be delivered; they stay in the database and are tried again")]
    private static partial void DeliveryFailed(ILogger logger, Exception exception);

    private sealed record Settlement(DueDelivery Delivery, PushOutcome Outcome);

    /// <summary>A row of <see cref="TakeAsync"/>. Token and type are null where the user no longer has the device.</summary>
    private sealed record DueDelivery(
        long Id, int Attempts, Guid DeviceId, Guid NotificationId, string Type, string Title, string Body, string Data, string? Token, string? DeviceType)
    {
        public Push ToPush() => new(
            NotificationId, Type, Title, Body,
            JsonSerializer.Deserialize(Data, NotificationsJson.Default.DictionaryStringString) ?? [],
            Token ?? "", DeviceConfiguration.Parse(DeviceType ?? ""));
    }
}

using System.Text.Json;
using System.Threading.Channels;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.RabbitMq;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Kashif.Notifications.Delivery;

/// <summary>
/// Takes the messages of one channel's queue in batches, and for each batch:
/// <list type="number">
/// <item>claims the deliveries whose attempt no message has claimed before: a redelivered or repeated message is dropped;</item>
/// <item>sends them, outside any transaction;</item>
/// <item>records the outcomes of the attempts that still hold their lease, with an event for each delivery that has ended;</item>
/// <item>acknowledges the messages.</item>
/// </list>
/// After a crash between 1 and 3 the lease ends, and the dispatcher publishes the next attempt. A process that drains takes no more
/// messages and ends the batch in progress.
/// </summary>
internal sealed class DeliveryConsumer<TChannel>(
    IServiceScopeFactory scopes,
    TChannel channel,
    DeliveryQueues queues,
    DeliverySignal<TChannel> signal,
    OutboxSignal outbox,
    ChannelPause<TChannel> pause,
    DeliveryHealth health,
    NotificationMetrics metrics,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    IOptions<DeliveryOptions> options,
    IOptions<MessagingOptions> messaging,
    ILogger<DeliveryConsumer<TChannel>> logger) : BackgroundService
    where TChannel : IDeliveryChannel
{
    private const string AttemptLost = "attempt_lost";
    private static readonly SendOutcome Expired = new(SendResult.Refused, "expired");

    private readonly Backoff _reconnect = new(time);

    /// <summary>How many are sent at once: fewer after the provider has told us to slow down.</summary>
    private int _size = channel.Batch;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var draining = lifetime.ApplicationStopping;
        while (!draining.IsCancellationRequested)
        {
            try
            {
                await ConsumeAsync(draining);
            }
            catch (OperationCanceledException) when (draining.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                DeliveryLog.NotConsumed(logger, channel.Name, exception);
                await _reconnect.WaitAsync(draining);
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await (ExecuteTask ?? Task.CompletedTask).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
    }

    /// <summary>Consumes on one channel until it breaks, the queue is deleted or the process drains.</summary>
    private async Task ConsumeAsync(CancellationToken draining)
    {
        var broker = await queues.OpenChannelAsync(draining);
        try
        {
            // Sorted: a high-priority message also overtakes messages that the broker has already handed out.
            var inbound = Channel.CreateUnboundedPrioritized(new UnboundedPrioritizedChannelOptions<Inbound> { Comparer = Inbound.Order, SingleReader = true });
            await broker.BasicQosAsync(0, (ushort)channel.Batch, global: false, draining);
            broker.ChannelShutdownAsync += (_, reason) => EndAsync(inbound, $"The channel was closed: {reason.ReplyText}");
            var consumer = new AsyncEventingBasicConsumer(broker);
            consumer.ReceivedAsync += (_, message) =>
            {
                // The client reuses the body's buffer after this returns.
                inbound.Writer.TryWrite(new Inbound(message.DeliveryTag, message.BasicProperties.Priority, message.Body.ToArray()));
                return Task.CompletedTask;
            };
            consumer.UnregisteredAsync += (_, _) => EndAsync(inbound, "The queue was deleted."); // the broker leaves the channel open
            await broker.BasicConsumeAsync(DeliveryQueues.QueueOf(channel.Name), autoAck: false, consumer, draining);
            _reconnect.Reset();
            health.Consumes(channel.Name, true);

            while (await inbound.Reader.WaitToReadAsync(draining))
            {
                await pause.WaitAsync(draining);
                if (inbound.Reader.Count < _size)
                {
                    await Task.Delay(messaging.Value.ConsumerLinger, time, draining);
                }

                await HandleAsync(broker, inbound.Reader);
            }
        }
        finally
        {
            health.Consumes(channel.Name, false);
            await broker.DisposeQuietlyAsync(); // the broker hands out again what was not acknowledged
        }

        static Task EndAsync(Channel<Inbound> inbound, string reason)
        {
            inbound.Writer.TryComplete(new IOException(reason));
            return Task.CompletedTask;
        }
    }

    private async Task HandleAsync(IChannel broker, ChannelReader<Inbound> inbound)
    {
        var taken = new List<Inbound>();
        var messages = new List<DeliveryMessage>();
        while (taken.Count < _size && inbound.TryRead(out var next))
        {
            taken.Add(next);
            if (Parse(next.Body) is { } message)
            {
                messages.Add(message);
            }
        }

        // Not cancelled by a shutdown, which waits for the outcomes: otherwise the deliveries would be sent twice.
        if (messages.Count > 0 && await ClaimAsync(messages) is { Count: > 0 } claimed)
        {
            await SettleAsync(await SendAsync(claimed), leaseEnds: time.GetUtcNow() + options.Value.Lease / 2);
        }

        foreach (var message in taken)
        {
            await broker.BasicAckAsync(message.Tag, multiple: false, CancellationToken.None);
        }

        if (taken.Count >= _size)
        {
            signal.Set(); // there is room in the queue again
        }
    }

    private DeliveryMessage? Parse(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, DeliveryJson.Default.DeliveryMessage);
        }
        catch (JsonException exception)
        {
            DeliveryLog.Unreadable(logger, channel.Name, exception);
            return null;
        }
    }

    /// <summary>Starts the attempts that the messages ask for, unless another message has.</summary>
    private async Task<List<Claimed>> ClaimAsync(List<DeliveryMessage> messages)
    {
        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        var claimed = await scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database
            .SqlQuery<ClaimedRow>($"""
                WITH asked AS (
                    SELECT delivery.id FROM deliveries delivery JOIN unnest(
                        {messages.ConvertAll(message => message.DeliveryId)},
                        {messages.ConvertAll(message => message.NotificationId)},
                        {messages.ConvertAll(message => message.Attempt)}) AS message (id, notification_id, attempt)
                        ON message.id = delivery.id AND message.attempt = delivery.attempts + 1 AND message.notification_id IS NOT DISTINCT FROM delivery.notification_id
                    WHERE delivery.channel = {channel.Name} AND delivery.state NOT IN ('sent', 'delivered', 'dead')
                    ORDER BY delivery.id FOR UPDATE OF delivery -- in one order, so that two batches with the same deliveries do not deadlock
                )
                UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = {now + options.Value.Lease}
                FROM (SELECT DISTINCT id FROM asked) AS asked WHERE deliveries.id = asked.id
                RETURNING deliveries.id, deliveries.attempts, COALESCE(deliveries.expires_at <= {now}, FALSE) AS is_expired
                """)
            .ToListAsync();
        metrics.Dropped(channel.Name, messages.Count - claimed.Count);
        var asked = messages.DistinctBy(message => message.DeliveryId).ToDictionary(message => message.DeliveryId);
        return [.. claimed.OrderBy(row => row.Id).Select(row => new Claimed(row.Id, row.Attempts, row.IsExpired, asked[row.Id]))];
    }

    private async Task<List<Settlement>> SendAsync(List<Claimed> claimed)
    {
        var settled = claimed.FindAll(delivery => !IsSendable(delivery)).ConvertAll(delivery => new Settlement(
            delivery, delivery.IsExpired ? Expired : new SendOutcome(SendResult.Retry, AttemptLost))); // a crash interrupted the last attempt
        var sendable = claimed.FindAll(IsSendable);
        if (sendable.Count > 0)
        {
            using var lease = new CancellationTokenSource(options.Value.Lease / 2, time);
            var outcomes = await channel.SendAsync(sendable.ConvertAll(delivery => delivery.Id), lease.Token);
            settled.AddRange(sendable.Zip(outcomes, (delivery, outcome) => new Settlement(delivery, outcome)));
            Slow(outcomes);
        }

        return settled;

        bool IsSendable(Claimed delivery) => !delivery.IsExpired && delivery.Attempts <= options.Value.MaxAttempts;
    }

    /// <summary>Half the batch after the provider has told us to slow down, and double after each one that passes.</summary>
    private void Slow(IReadOnlyList<SendOutcome> outcomes)
    {
        var rest = outcomes.Max(outcome => outcome.RetryAfter);
        _size = rest is null ? Math.Min(channel.Batch, _size * 2) : Math.Max(1, Math.Min(_size, outcomes.Count) / 2);
        if (rest is { } time)
        {
            pause.Set(time);
            DeliveryLog.Slowed(logger, channel.Name, time);
        }
    }

    /// <summary>Records the outcomes. If the database is unavailable, retries until the lease may have ended.</summary>
    private async Task SettleAsync(List<Settlement> settled, DateTimeOffset leaseEnds)
    {
        var unavailable = new Backoff(time);
        while (true)
        {
            try
            {
                await SaveAsync(settled);
                return;
            }
            catch (Exception exception) when (TransientFailure.Is(exception) && time.GetUtcNow() < leaseEnds)
            {
                DeliveryLog.NotRecorded(logger, channel.Name, exception);
                await unavailable.WaitAsync(CancellationToken.None);
            }
        }
    }

    private async Task SaveAsync(List<Settlement> settled)
    {
        var now = time.GetUtcNow();
        var states = settled.ConvertAll(StateAfter);
        var events = settled.Zip(states, (settlement, state) => ToEvent(settlement, state, now)).ToList();
        await using var scope = scopes.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database.ExecuteSqlAsync($"""
            WITH outcome AS (
                SELECT outcome.* FROM unnest(
                    {settled.ConvertAll(settlement => settlement.Delivery.Id)},
                    {settled.ConvertAll(settlement => settlement.Delivery.Attempts)},
                    {states},
                    {settled.ConvertAll(settlement => now + DelayAfter(settlement))},
                    {settled.ConvertAll(settlement => settlement.Outcome.Error)},
                    {settled.ConvertAll(settlement => settlement.Outcome.ProviderId)}) AS outcome (id, attempt, state, next_attempt_at, error, provider_id)
                JOIN deliveries USING (id) WHERE deliveries.attempts = outcome.attempt AND deliveries.state NOT IN ('sent', 'delivered', 'dead')
                ORDER BY id FOR UPDATE OF deliveries
            ), recorded AS (
                UPDATE deliveries SET state = outcome.state, next_attempt_at = outcome.next_attempt_at, last_error = outcome.error,
                    provider_id = outcome.provider_id, updated_at = {now}, letter = CASE WHEN outcome.state = 'failed' THEN letter END
                FROM outcome WHERE deliveries.id = outcome.id
                RETURNING deliveries.id
            )
            INSERT INTO outbox (id, type, subject, payload, occurred_at)
            SELECT event.id, event.type, event.subject, event.payload::jsonb, {now} FROM recorded JOIN unnest(
                {settled.ConvertAll(settlement => settlement.Delivery.Id)},
                {events.ConvertAll(ended => ended?.Id)},
                {events.ConvertAll(ended => ended?.Type)},
                {events.ConvertAll(ended => ended?.Subject)},
                {events.ConvertAll(ended => ended?.Payload)}) AS event (delivery_id, id, type, subject, payload)
                ON event.delivery_id = recorded.id AND event.id IS NOT NULL
            """);
        outbox.Set();

        foreach (var state in states)
        {
            metrics.Delivered(channel.Name, state == DeliveryState.Failed ? "retried" : state);
        }

        if (states.Contains(DeliveryState.Dead))
        {
            signal.Set();
        }
    }

    /// <summary>The event of a notification's delivery that has ended; null for others.</summary>
    private OutboxMessage? ToEvent(Settlement settlement, string state, DateTimeOffset now) => (settlement.Delivery.Message, state) switch
    {
        ({ NotificationId: { } id, UserId: var user }, DeliveryState.Sent) => new NotificationDelivered(id, user, channel.Name).ToOutboxMessage(now),
        ({ NotificationId: { } id, UserId: var user }, DeliveryState.Dead) => new NotificationFailed(id, user, channel.Name, settlement.Outcome.Error).ToOutboxMessage(now),
        _ => null,
    };

    private string StateAfter(Settlement settlement) => settlement.Outcome.Result switch
    {
        SendResult.Sent => DeliveryState.Sent,
        SendResult.Refused or SendResult.DeviceGone => DeliveryState.Dead,
        _ => settlement.Delivery.Attempts < options.Value.MaxAttempts ? DeliveryState.Failed : DeliveryState.Dead,
    };

    /// <summary>Exponential backoff with jitter, and not before the provider wants it.</summary>
    private TimeSpan DelayAfter(Settlement settlement)
    {
        var delay = options.Value.RetryDelay * Math.Pow(2, Math.Min(settlement.Delivery.Attempts - 1, 20)) * (0.75 + Random.Shared.NextDouble() / 2);
        var limited = delay < options.Value.LongestRetryDelay ? delay : options.Value.LongestRetryDelay;
        return settlement.Outcome.RetryAfter is { } told && told > limited ? (told < ChannelPause.Longest ? told : ChannelPause.Longest) : limited;
    }

    /// <summary>A row of <see cref="ClaimAsync"/>.</summary>
    private sealed record ClaimedRow(long Id, int Attempts, bool IsExpired);

    private sealed record Claimed(long Id, int Attempts, bool IsExpired, DeliveryMessage Message);

    private sealed record Settlement(Claimed Delivery, SendOutcome Outcome);

    private sealed record Inbound(ulong Tag, byte Priority, byte[] Body)
    {
        public static Comparer<Inbound> Order { get; } =
            Comparer<Inbound>.Create((left, right) => (right.Priority, left.Tag).CompareTo((left.Priority, right.Tag)));
    }
}

internal static partial class DeliveryLog
{
    [LoggerMessage(EventId = 6003, Level = LogLevel.Warning, Message = "The deliveries of channel {Channel} could not be dispatched; they stay in the database and are tried again")]
    public static partial void NotDispatched(ILogger logger, string channel, Exception exception);

    [LoggerMessage(EventId = 6009, Level = LogLevel.Warning, Message = "Stopped consuming the deliveries of channel {Channel}; trying again")]
    public static partial void NotConsumed(ILogger logger, string channel, Exception exception);

    [LoggerMessage(EventId = 6010, Level = LogLevel.Error, Message = "A message in the queue of channel {Channel} cannot be read; it is dropped")]
    public static partial void Unreadable(ILogger logger, string channel, Exception exception);

    [LoggerMessage(EventId = 6011, Level = LogLevel.Warning, Message = "The outcomes of channel {Channel} could not be recorded; trying again")]
    public static partial void NotRecorded(ILogger logger, string channel, Exception exception);

    [LoggerMessage(EventId = 6012, Level = LogLevel.Warning, Message = "The provider of channel {Channel} asks to slow down; sending again in {Delay}")]
    public static partial void Slowed(ILogger logger, string channel, TimeSpan delay);
}

using System.Text.Json;
using System.Threading.Channels;
using Kashif.Http;
using Kashif.Messaging.RabbitMq;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Kashif.Messaging.Consumers;

/// <summary>
/// Takes messages from the service's queue in batches. A batch that fails is tried message by message, so one bad message
/// does not block the others. A message that fails alone goes to a delayed retry queue and in the end to the dead letters. Nothing
/// is acknowledged before its effect, its retry or its dead letter is safe.
/// </summary>
internal sealed partial class EventConsumer<TContext>(
    EventProcessor<TContext> processor,
    Broker broker,
    MessagingMetrics metrics,
    ServiceIdentity identity,
    TimeProvider time,
    IOptions<MessagingOptions> options,
    ILogger<EventConsumer<TContext>> logger) : BackgroundService
    where TContext : DbContext
{
    /// <summary>After this many transient failures a batch is split: it may be too large for the database.</summary>
    private const int WholeBatchTries = 5;

    private readonly Backoff _reconnect = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ConsumeAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                ConsumerFailed(logger, exception);
                await _reconnect.WaitAsync(stoppingToken);
            }
        }
    }

    /// <summary>Consumes on one channel until it breaks or the service stops.</summary>
    private async Task ConsumeAsync(CancellationToken stoppingToken)
    {
        var settings = options.Value;
        var prefetch = settings.ConsumerBatch * (settings.ConsumerConcurrency + 1);
        var inbound = Channel.CreateUnbounded<BasicDeliverEventArgs>(); // bounded by the prefetch
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);

        var channel = await broker.OpenChannelAsync(stoppingToken);
        var failures = await broker.OpenPublishChannelAsync(prefetch, stoppingToken);
        try
        {
            await broker.DeclareTopologyAsync(channel, stoppingToken);
            await channel.BasicQosAsync(0, (ushort)Math.Min(prefetch, ushort.MaxValue), global: false, stoppingToken);

            // A closed channel is replaced at once: the broker redelivers its messages.
            channel.ChannelShutdownAsync += (_, _) => CancelAsync(broken);
            failures.ChannelShutdownAsync += (_, _) => CancelAsync(broken);

            var consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += (_, delivery) =>
            {
                // The client reuses the body's buffer after this returns.
                inbound.Writer.TryWrite(new BasicDeliverEventArgs(
                    delivery.ConsumerTag, delivery.DeliveryTag, delivery.Redelivered, delivery.Exchange, delivery.RoutingKey,
                    delivery.BasicProperties, delivery.Body.ToArray(), delivery.CancellationToken));
                return Task.CompletedTask;
            };
            await channel.BasicConsumeAsync(identity.Name, autoAck: false, consumer, stoppingToken);
            _reconnect.Reset();

            var session = new Session(channel, failures, inbound.Reader);
            await Task.WhenAll(Enumerable.Range(0, settings.ConsumerConcurrency)
                .Select(_ => WorkAsync(session, settings.ConsumerBatch, broken)));
        }
        finally
        {
            await channel.DisposeQuietlyAsync();
            await failures.DisposeQuietlyAsync();
        }
    }

    private static Task CancelAsync(CancellationTokenSource source)
    {
        try
        {
            return source.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            return Task.CompletedTask; // we are disposing this channel
        }
    }

    /// <summary>Works until the channel breaks. A failure breaks it for all workers, so that unacknowledged messages are redelivered.</summary>
    private async Task WorkAsync(Session session, int batchSize, CancellationTokenSource broken)
    {
        try
        {
            await WorkAsync(session, batchSize, broken.Token);
        }
        finally
        {
            await broken.CancelAsync();
        }
    }

    private async Task WorkAsync(Session session, int batchSize, CancellationToken cancellationToken)
    {
        while (await session.Inbound.WaitToReadAsync(cancellationToken))
        {
            if (session.Inbound.Count < batchSize)
            {
                await Task.Delay(options.Value.ConsumerLinger, time, cancellationToken);
            }

            var batch = new List<Delivery>();
            while (batch.Count < batchSize && session.Inbound.TryRead(out var message))
            {
                if (await ParseAsync(session, message, cancellationToken) is { } delivery)
                {
                    batch.Add(delivery);
                }
            }

            if (batch.Count > 0)
            {
                await HandleAsync(session, batch, cancellationToken);
            }
        }
    }

    private async Task<Delivery?> ParseAsync(Session session, BasicDeliverEventArgs message, CancellationToken cancellationToken)
    {
        var attempt = MessageHeaders.Attempt(message.BasicProperties);
        try
        {
            return Delivery.Parse(message.DeliveryTag, message.Body, attempt);
        }
        catch (JsonException exception)
        {
            Unreadable(logger, message.BasicProperties.MessageId, exception);
            await MoveAsync(session, Broker.DeadLetterQueue(identity.Name), message.Body, attempt, exception, cancellationToken);
            await session.Channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancellationToken);
            metrics.Consumed("unreadable", "dead_lettered");
            return null;
        }
    }

    private async Task HandleAsync(Session session, List<Delivery> batch, CancellationToken cancellationToken)
    {
        var unavailable = new Backoff(time);
        for (var failures = 1; ; failures++)
        {
            try
            {
                await processor.ProcessAsync(batch, cancellationToken);
                break;
            }
            catch (Exception exception) when (TransientFailure.Is(exception) && (batch.Count == 1 || failures < WholeBatchTries)
                && !cancellationToken.IsCancellationRequested)
            {
                // No connection or a deadlock: not the message's fault, so it uses up no try.
                DatabaseUnavailable(logger, exception);
                await unavailable.WaitAsync(cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                if (batch is [var single])
                {
                    await FailAsync(session, single, exception, cancellationToken);
                    break;
                }

                foreach (var delivery in batch)
                {
                    await HandleAsync(session, [delivery], cancellationToken);
                }

                return;
            }
        }

        foreach (var delivery in batch)
        {
            await session.Channel.BasicAckAsync(delivery.Tag, multiple: false, cancellationToken);
        }
    }

    private async Task FailAsync(Session session, Delivery delivery, Exception exception, CancellationToken cancellationToken)
    {
        var delays = broker.RetryDelays;
        if (delivery.Attempt < delays.Length)
        {
            WillRetry(logger, delivery.Event.Id, delivery.Event.Type, delays[delivery.Attempt], exception);
            await MoveAsync(
                session, Broker.RetryQueue(identity.Name, delays[delivery.Attempt]), delivery.Body, delivery.Attempt + 1, exception, cancellationToken);
            metrics.Consumed(delivery.Event.Type, "retried");
        }
        else
        {
            DeadLettered(logger, delivery.Event.Id, delivery.Event.Type, exception);
            await MoveAsync(session, Broker.DeadLetterQueue(identity.Name), delivery.Body, delivery.Attempt, exception, cancellationToken);
            metrics.Consumed(delivery.Event.Type, "dead_lettered");
        }
    }

    private Task MoveAsync(
        Session session, string queue, ReadOnlyMemory<byte> body, int attempt, Exception exception, CancellationToken cancellationToken) =>
        session.Failures.BasicPublishAsync(
            exchange: "", queue, mandatory: true, MessageHeaders.ForFailure(attempt, exception, time.GetUtcNow()), body, cancellationToken).AsTask();

    /// <param name="Channel">Delivers and acknowledges.</param>
    /// <param name="Failures">Publishes to the retry and dead letter queues, confirmed.</param>
    private sealed record Session(IChannel Channel, IChannel Failures, ChannelReader<BasicDeliverEventArgs> Inbound);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Warning, Message = "Lost the connection to the broker; reconnecting")]
    private static partial void ConsumerFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Warning, Message = "The database is unavailable; messages wait")]
    private static partial void DatabaseUnavailable(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 1203, Level = LogLevel.Warning, Message = "Event {EventId} ({EventType}) failed; retrying in {Delay}")]
    private static partial void WillRetry(ILogger logger, Guid eventId, string eventType, TimeSpan delay, Exception exception);

    [LoggerMessage(EventId = 1204, Level = LogLevel.Error, Message = "Event {EventId} ({EventType}) failed at its last try and is now a dead letter")]
    private static partial void DeadLettered(ILogger logger, Guid eventId, string eventType, Exception exception);

    [LoggerMessage(EventId = 1205, Level = LogLevel.Error, Message = "Message {MessageId} is not a known event and is now a dead letter")]
    private static partial void Unreadable(ILogger logger, string? messageId, Exception exception);
}

using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using Kashif.Http;
using Kashif.Messaging.Events;
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
/// does not block the others. A message that fails alone goes to a delayed retry queue and in the end to the dead letters. So does an
/// event without a handler here: another replica of a newer or older version may handle it. If none does, it is acknowledged in the
/// end. Nothing is acknowledged before its effect, its retry or its dead letter is safe. When the process drains, the consumer takes no more
/// messages, ends the batches in progress, and leaves the others to other replicas.
/// </summary>
internal sealed partial class EventConsumer<TContext>(
    EventProcessor<TContext> processor,
    Subscriptions<TContext> subscriptions,
    ConsumerHealth health,
    Broker broker,
    MessagingMetrics metrics,
    ServiceIdentity identity,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    IOptions<MessagingOptions> options,
    ILogger<EventConsumer<TContext>> logger) : BackgroundService
    where TContext : DbContext
{
    /// <summary>After this many transient failures a batch is split: it may be too large for the database.</summary>
    private const int WholeBatchTries = 5;

    private readonly Backoff _reconnect = new(time);
    private readonly ConcurrentDictionary<string, bool> _unhandledTypes = [];

    /// <summary>Ends when the process drains; the token, which ends what is in progress, comes later.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var draining = lifetime.ApplicationStopping;
        while (!draining.IsCancellationRequested)
        {
            try
            {
                await ConsumeAsync(draining, stoppingToken);
            }
            catch (OperationCanceledException) when (draining.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                ConsumerFailed(logger, exception);
                await _reconnect.WaitAsync(draining);
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await (ExecuteTask ?? Task.CompletedTask).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
    }

    /// <summary>Consumes on one channel until it breaks, the queue is deleted or the service stops.</summary>
    private async Task ConsumeAsync(CancellationToken draining, CancellationToken stoppingToken)
    {
        var settings = options.Value;
        var prefetch = settings.ConsumerBatch * (settings.ConsumerConcurrency + 1);
        var inbound = Channel.CreateUnbounded<BasicDeliverEventArgs>(); // bounded by the prefetch
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(broken.Token, draining);

        var channel = await broker.OpenChannelAsync(draining);
        var failures = await broker.OpenPublishChannelAsync(prefetch, draining);
        try
        {
            await subscriptions.RenewAsync(draining);
            await broker.DeclareTopologyAsync(identity.Name, draining);
            await subscriptions.ReconcileAsync(channel, draining);
            await channel.BasicQosAsync(0, (ushort)Math.Min(prefetch, ushort.MaxValue), global: false, draining);

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
            consumer.UnregisteredAsync += (_, _) =>
            {
                if (draining.IsCancellationRequested)
                {
                    return Task.CompletedTask; // we are cancelling it
                }

                // The broker cancels the consumer of a queue that is deleted, and leaves the channel open.
                if (channel.IsOpen)
                {
                    QueueDeleted(logger, identity.Name);
                }

                return CancelAsync(broken);
            };
            var tag = await channel.BasicConsumeAsync(identity.Name, autoAck: false, consumer, draining);
            _reconnect.Reset();
            health.Consumes = true;
            Consuming(logger, identity.Name);

            var session = new Session(channel, failures, inbound.Reader);
            await Task.WhenAll(Enumerable.Range(0, settings.ConsumerConcurrency)
                .Select(_ => WorkAsync(session, settings.ConsumerBatch, broken, ending.Token))
                .Append(KeepSubscriptionsAsync(channel, ending.Token))
                .Append(CancelAtDrainAsync(channel, tag, ending.Token)));
        }
        finally
        {
            health.Consumes = false;
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

    /// <summary>The broker sends nothing more while the last batches end.</summary>
    private static async Task CancelAtDrainAsync(IChannel channel, string consumer, CancellationToken ending)
    {
        await Task.Delay(Timeout.Infinite, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (channel.IsOpen)
        {
            await channel.BasicCancelAsync(consumer, noWait: true, CancellationToken.None);
        }
    }

    /// <summary>Works until the channel breaks. A failure breaks it for all workers, so that unacknowledged messages are redelivered.</summary>
    private async Task WorkAsync(Session session, int batchSize, CancellationTokenSource broken, CancellationToken ending)
    {
        try
        {
            await WorkAsync(session, batchSize, ending, broken.Token);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || broken.IsCancellationRequested)
        {
            await broken.CancelAsync();
            throw;
        }
    }

    /// <param name="ending">Ends the loop.</param>
    /// <param name="cancellationToken">Ends also the batch in progress.</param>
    private async Task WorkAsync(Session session, int batchSize, CancellationToken ending, CancellationToken cancellationToken)
    {
        while (await session.Inbound.WaitToReadAsync(ending))
        {
            if (session.Inbound.Count < batchSize)
            {
                await Task.Delay(options.Value.ConsumerLinger, time, ending);
            }

            var batch = new List<Delivery>();
            var unhandled = new List<(string Type, BasicDeliverEventArgs Message)>();
            while (batch.Count + unhandled.Count < batchSize && session.Inbound.TryRead(out var message))
            {
                await ParseAsync(session, message, batch, unhandled, cancellationToken);
            }

            foreach (var type in unhandled.GroupBy(other => other.Type, other => other.Message))
            {
                await PassOnAsync(session, type.Key, [.. type], cancellationToken);
            }

            if (batch.Count > 0)
            {
                await HandleAsync(session, batch, cancellationToken);
            }
        }
    }

    /// <summary>
    /// Renews the subscriptions, restores missing bindings, and removes bindings that no replica wants. The relay notices a missing
    /// binding only if the event reaches no other queue either.
    /// </summary>
    private async Task KeepSubscriptionsAsync(IChannel channel, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Subscriptions<TContext>.Renewal, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await subscriptions.RenewAsync(cancellationToken);
                await Broker.BindAsync(channel, identity.Name, cancellationToken);
                await subscriptions.ReconcileAsync(channel, cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                NotRenewed(logger, exception);
            }
        }
    }

    /// <summary>Adds the message to one of the lists, or moves it to the dead letters if it cannot be read.</summary>
    private async Task ParseAsync(
        Session session, BasicDeliverEventArgs message, List<Delivery> batch, List<(string Type, BasicDeliverEventArgs Message)> unhandled,
        CancellationToken cancellationToken)
    {
        var attempt = MessageHeaders.Attempt(message.BasicProperties);
        try
        {
            var envelope = CloudEvent.Parse(message.Body.Span);
            if (subscriptions.Handles(envelope.Type))
            {
                batch.Add(Delivery.Parse(message.DeliveryTag, message.Body, attempt, envelope));
            }
            else
            {
                unhandled.Add((envelope.Type, message));
            }
        }
        catch (JsonException exception)
        {
            Unreadable(logger, message.BasicProperties.MessageId, exception);
            await MoveAsync(session, Broker.DeadLetterQueue(identity.Name), message.Body, attempt, exception, cancellationToken);
            await session.Channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancellationToken);
            metrics.Consumed("unreadable", "dead_lettered");
        }
    }

    /// <summary>
    /// Deals with events that have no handler here: retries them until another replica takes them. That uses up no try, because
    /// the event may still fail there.
    /// </summary>
    private async Task PassOnAsync(Session session, string type, BasicDeliverEventArgs[] messages, CancellationToken cancellationToken)
    {
        if (_unhandledTypes.TryAdd(type, true))
        {
            NoHandler(logger, type);
        }

        var delays = broker.RetryDelays;
        var passedOn = messages.ToLookup(message => MessageHeaders.Passes(message.BasicProperties) < delays.Length);
        await MoveAsync(passedOn[true], passes => Broker.RetryQueue(identity.Name, delays[passes]), "passed_on");
        if (!passedOn[false].Any())
        {
            return;
        }

        if (await subscriptions.IsWantedAsync(type, cancellationToken))
        {
            await MoveAsync(passedOn[false], _ => Broker.DeadLetterQueue(identity.Name), "dead_lettered");
        }
        else
        {
            await subscriptions.DropAsync(type, cancellationToken);
            await AcknowledgeAsync(passedOn[false], "ignored");
        }

        async Task MoveAsync(IEnumerable<BasicDeliverEventArgs> moved, Func<int, string> queueAfter, string outcome)
        {
            var unhandled = new UnhandledEventException(type);
            await broker.ConfirmAsync(
                limited => Task.WhenAll(moved.Select(message =>
                {
                    var passes = MessageHeaders.Passes(message.BasicProperties);
                    var headers = MessageHeaders.ForFailure(MessageHeaders.Attempt(message.BasicProperties), unhandled, time.GetUtcNow(), passes + 1);
                    return session.Failures.BasicPublishAsync(exchange: "", queueAfter(passes), mandatory: true, headers, message.Body, limited).AsTask();
                })),
                cancellationToken);
            await AcknowledgeAsync(moved, outcome);
        }

        async Task AcknowledgeAsync(IEnumerable<BasicDeliverEventArgs> done, string outcome)
        {
            foreach (var message in done)
            {
                await session.Channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancellationToken);
                metrics.Consumed(EventCatalog.Types.ContainsKey(type) ? type : "unknown", outcome);
            }
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
            catch (Exception exception) when (IsTransient(exception) && (batch.Count == 1 || failures < WholeBatchTries)
                && !cancellationToken.IsCancellationRequested)
            {
                // No connection or a deadlock: not the message's fault, so it uses up no try.
                DatabaseUnavailable(logger, exception);
                await unavailable.WaitAsync(cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                lifetime.ApplicationStopping.ThrowIfCancellationRequested(); // another replica may reach it
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

    /// <summary>A command that takes too long on an open connection may do so for ever, so it is a failure like others.</summary>
    private static bool IsTransient(Exception exception) =>
        exception is DatabaseUnavailableException || (TransientFailure.Is(exception) && !IsTimeout(exception));

    private static bool IsTimeout(Exception? exception) => exception is not null && (exception is TimeoutException || IsTimeout(exception.InnerException));

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
        broker.ConfirmAsync(
            limited => session.Failures.BasicPublishAsync(
                exchange: "", queue, mandatory: true, MessageHeaders.ForFailure(attempt, exception, time.GetUtcNow()), body, limited).AsTask(),
            cancellationToken);

    /// <param name="Channel">Delivers and acknowledges.</param>
    /// <param name="Failures">Publishes to the retry and dead letter queues, confirmed.</param>
    private sealed record Session(IChannel Channel, IChannel Failures, ChannelReader<BasicDeliverEventArgs> Inbound);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Warning, Message = "Stopped consuming; trying again")]
    private static partial void ConsumerFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Warning, Message = "The database is unavailable; messages wait")]
    private static partial void DatabaseUnavailable(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 1203, Level = LogLevel.Warning, Message = "Event {EventId} ({EventType}) failed; retrying in {Delay}")]
    private static partial void WillRetry(ILogger logger, Guid eventId, string eventType, TimeSpan delay, Exception exception);

    [LoggerMessage(EventId = 1204, Level = LogLevel.Error, Message = "Event {EventId} ({EventType}) failed at its last try and is now a dead letter")]
    private static partial void DeadLettered(ILogger logger, Guid eventId, string eventType, Exception exception);

    [LoggerMessage(EventId = 1205, Level = LogLevel.Error, Message = "Message {MessageId} cannot be read as an event and is now a dead letter")]
    private static partial void Unreadable(ILogger logger, string? messageId, Exception exception);

    [LoggerMessage(EventId = 1207, Level = LogLevel.Information, Message = "Consuming the queue {Queue}")]
    private static partial void Consuming(ILogger logger, string queue);

    [LoggerMessage(EventId = 1208, Level = LogLevel.Error, Message = "The queue {Queue} was deleted; declaring it again. The messages in it are lost")]
    private static partial void QueueDeleted(ILogger logger, string queue);

    [LoggerMessage(EventId = 1209, Level = LogLevel.Warning, Message = "Events of type {EventType} have no handler in this version; other replicas may take them. If none does, they are dropped")]
    private static partial void NoHandler(ILogger logger, string eventType);

    [LoggerMessage(EventId = 1210, Level = LogLevel.Warning, Message = "The subscriptions could not be renewed; retrying in a minute")]
    private static partial void NotRenewed(ILogger logger, Exception exception);
}

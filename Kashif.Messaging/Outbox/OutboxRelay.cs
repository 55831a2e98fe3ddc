using System.Collections.Concurrent;
using System.Data;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Kashif.Messaging.Outbox;

/// <summary>
/// Publishes the outbox. Rows are deleted in a transaction that commits only when the broker has confirmed them, so a crash
/// at any point publishes again rather than not at all; <c>SKIP LOCKED</c> lets any number of replicas share the work. The broker
/// returns an event that no queue is bound to: it stays, the bindings are declared again, and its type waits while others go on.
/// So do the types of a queue that exists with other arguments, until it is mended.
/// </summary>
internal sealed partial class OutboxRelay<TContext>(
    IServiceScopeFactory scopes,
    Broker broker,
    OutboxSignal signal,
    MessagingMetrics metrics,
    ServiceIdentity identity,
    TimeProvider time,
    IOptions<MessagingOptions> options,
    ILogger<OutboxRelay<TContext>> logger) : BackgroundService
    where TContext : DbContext
{
    private const string TakeBatch = """
        DELETE FROM outbox WHERE id = ANY (ARRAY(SELECT id FROM outbox WHERE type <> ALL ($2) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
        RETURNING id, type, subject, trace_parent, correlation_id, payload, occurred_at
        """;

    /// <summary>How often a queue that exists with other arguments is declared again.</summary>
    private static readonly TimeSpan Redeclare = TimeSpan.FromSeconds(5);

    private readonly Backoff _backoff = new(time);
    private readonly Dictionary<string, (Backoff Backoff, DateTimeOffset Until)> _unroutable = [];
    private readonly string _source = $"/kashif/{identity.Name}";
    private DateTimeOffset _declaredAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        IChannel? channel = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                channel ??= await OpenAsync(stoppingToken);
                if (broker.Mismatched.Any() && time.GetUtcNow() - _declaredAt >= Redeclare)
                {
                    await DeclareAsync(stoppingToken);
                }

                while (await PublishBatchAsync(channel, stoppingToken) == options.Value.RelayBatch)
                {
                }

                _backoff.Reset();
                await signal.WaitAsync(options.Value.RelayPoll, stoppingToken);
                await Task.Delay(options.Value.RelayLinger, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                RelayFailed(logger, exception);
                if (channel is not null)
                {
                    await channel.DisposeQuietlyAsync();
                    channel = null;
                }

                await MeasureBacklogAsync(stoppingToken);
                await _backoff.WaitAsync(stoppingToken);
            }
        }

        if (channel is not null)
        {
            await channel.DisposeQuietlyAsync();
        }
    }

    /// <summary>What the operators watch while the broker is away.</summary>
    private async Task MeasureBacklogAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var oldest = await scope.ServiceProvider.GetRequiredService<TContext>().Set<OutboxMessage>()
                .OrderBy(message => message.Id).Select(message => (DateTimeOffset?)message.OccurredAt).FirstOrDefaultAsync(cancellationToken);
            metrics.OldestUnpublished(oldest);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            BacklogUnknown(logger, exception);
        }
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        var channel = await broker.OpenPublishChannelAsync(options.Value.RelayBatch, cancellationToken);
        await DeclareAsync(cancellationToken);
        return channel;
    }

    private async Task DeclareAsync(CancellationToken cancellationToken)
    {
        await broker.DeclareTopologyAsync(cancellationToken);
        _declaredAt = time.GetUtcNow();
    }

    /// <returns>How many were published.</returns>
    private async Task<int> PublishBatchAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<TContext>();
        await context.Database.OpenConnectionAsync(cancellationToken);
        var connection = (NpgsqlConnection)context.Database.GetDbConnection();
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);

        var waiting = WaitingTypes();
        var batch = await TakeAsync(connection, waiting, cancellationToken);
        if (batch.Count < options.Value.RelayBatch)
        {
            // A type that no longer waits and has no event left starts with the shortest delay again.
            foreach (var gone in _unroutable.Keys.Except(waiting).Except(batch.Select(message => message.Type)).ToList())
            {
                _unroutable.Remove(gone);
            }
        }

        if (waiting.Length == 0)
        {
            metrics.OldestUnpublished(batch is [var oldest, ..] ? oldest.OccurredAt : null);
        }
        else
        {
            await MeasureBacklogAsync(cancellationToken);
        }

        if (batch.Count == 0)
        {
            return 0;
        }

        var returned = new ConcurrentBag<OutboxMessage>();
        await broker.ConfirmAsync(
            limited => Task.WhenAll(batch.Select(async message =>
            {
                if (!await PublishAsync(channel, message, limited))
                {
                    returned.Add(message);
                }
            })),
            cancellationToken);

        // Confirmed or returned: from here on a cancellation would only publish the batch a second time.
        if (!returned.IsEmpty)
        {
            await context.Database.UseTransactionAsync(transaction, CancellationToken.None);
            context.AddRange(returned);
            await context.SaveChangesAsync(CancellationToken.None);
        }

        await transaction.CommitAsync(CancellationToken.None);

        foreach (var message in batch.Except(returned))
        {
            _unroutable.Remove(message.Type);
            metrics.Published(message.Type, message.OccurredAt);
        }

        if (!returned.IsEmpty)
        {
            PutOff(returned);
            await DeclareAsync(cancellationToken);
        }

        return batch.Count;
    }

    /// <summary>Leaves the types of returned events alone for a while, so that they do not keep the others waiting.</summary>
    private void PutOff(IEnumerable<OutboxMessage> returned)
    {
        foreach (var type in returned.GroupBy(message => message.Type))
        {
            var backoff = _unroutable.TryGetValue(type.Key, out var waiting) ? waiting.Backoff : new Backoff(time);
            var delay = backoff.Next();
            _unroutable[type.Key] = (backoff, time.GetUtcNow() + delay);
            metrics.Unroutable(type.Key, type.Count());
            Unroutable(logger, type.Count(), type.Key, delay);
        }
    }

    /// <returns>False if the broker returned the event, because no queue is bound to its type.</returns>
    private async Task<bool> PublishAsync(IChannel channel, OutboxMessage message, CancellationToken cancellationToken)
    {
        using var span = EventSpans.StartPublish(message.Type, message.Id, message.TraceParent);
        try
        {
            await channel.BasicPublishAsync(
                Broker.Exchange,
                message.Type,
                mandatory: EventCatalog.IsConsumed(message.Type),
                new BasicProperties
                {
                    ContentType = CloudEvent.ContentType,
                    DeliveryMode = DeliveryModes.Persistent,
                    MessageId = message.Id.ToString(),
                    Type = message.Type,
                },
                message.ToCloudEvent(_source, span?.Id ?? message.TraceParent),
                cancellationToken);
            return true;
        }
        catch (PublishReturnException exception)
        {
            span.Fail(exception);
            return false;
        }
        catch (Exception exception)
        {
            span.Fail(exception);
            throw;
        }
    }

    private async Task<List<OutboxMessage>> TakeAsync(NpgsqlConnection connection, string[] waiting, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(TakeBatch, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = options.Value.RelayBatch });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = waiting });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);

        var batch = new List<OutboxMessage>();
        while (await reader.ReadAsync(cancellationToken))
        {
            batch.Add(new OutboxMessage
            {
                Id = reader.GetGuid(0),
                Type = reader.GetString(1),
                Subject = reader.GetString(2),
                TraceParent = reader.IsDBNull(3) ? null : reader.GetString(3),
                CorrelationId = reader.IsDBNull(4) ? null : reader.GetString(4),
                Payload = reader.GetString(5),
                OccurredAt = reader.GetFieldValue<DateTimeOffset>(6),
            });
        }

        // RETURNING keeps no order, and the oldest goes first.
        batch.Sort((left, right) => left.Id.CompareTo(right.Id));
        return batch;
    }

    private string[] WaitingTypes()
    {
        var now = time.GetUtcNow();
        return
        [
            .. _unroutable.Where(type => type.Value.Until > now).Select(type => type.Key),
            .. broker.Mismatched.SelectMany(queue => EventCatalog.Subscriptions.GetValueOrDefault(queue, [])),
        ];
    }

    [LoggerMessage(EventId = 1103, Level = LogLevel.Error, Message = "{Count} events of type {EventType} reach no queue; they stay in the outbox and are tried again in {Delay}")]
    private static partial void Unroutable(ILogger logger, int count, string eventType, TimeSpan delay);

    [LoggerMessage(EventId = 1102, Level = LogLevel.Debug, Message = "The age of the outbox could not be read")]
    private static partial void BacklogUnknown(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 1101, Level = LogLevel.Warning, Message = "The outbox could not be published; it stays in the database and is tried again")]
    private static partial void RelayFailed(ILogger logger, Exception exception);
}

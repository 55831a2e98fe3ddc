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

namespace Kashif.Messaging.Outbox;

/// <summary>
/// Publishes the outbox. Rows are deleted in a transaction that commits only when the broker has confirmed them, so a crash
/// at any point publishes again rather than not at all; <c>SKIP LOCKED</c> lets any number of replicas share the work. The broker
/// returns an event that no queue is bound to: the batch stays, and the next channel declares the bindings anew.
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
        DELETE FROM outbox WHERE id = ANY (ARRAY(SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
        RETURNING id, type, subject, trace_parent, correlation_id, payload, occurred_at
        """;

    private readonly Backoff _backoff = new(time);
    private readonly string _source = $"/kashif/{identity.Name}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        IChannel? channel = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                channel ??= await OpenAsync(stoppingToken);
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
        await broker.DeclareTopologyAsync(channel, cancellationToken);
        return channel;
    }

    /// <returns>How many were published.</returns>
    private async Task<int> PublishBatchAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<TContext>();
        await context.Database.OpenConnectionAsync(cancellationToken);
        var connection = (NpgsqlConnection)context.Database.GetDbConnection();
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);

        var batch = await TakeAsync(connection, cancellationToken);
        if (batch.Count == 0)
        {
            metrics.OldestUnpublished(null);
            return 0;
        }

        metrics.OldestUnpublished(batch[0].OccurredAt);
        await Task.WhenAll(batch.Select(message => PublishAsync(channel, message, cancellationToken)));

        // Confirmed: from here on a cancellation would only publish the batch a second time.
        await transaction.CommitAsync(CancellationToken.None);

        foreach (var message in batch)
        {
            metrics.Published(message.Type, message.OccurredAt);
        }

        return batch.Count;
    }

    private async Task PublishAsync(IChannel channel, OutboxMessage message, CancellationToken cancellationToken)
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
        }
        catch (Exception exception)
        {
            span.Fail(exception);
            throw;
        }
    }

    private async Task<List<OutboxMessage>> TakeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(TakeBatch, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = options.Value.RelayBatch });
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

    [LoggerMessage(EventId = 1102, Level = LogLevel.Debug, Message = "The age of the outbox could not be read")]
    private static partial void BacklogUnknown(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 1101, Level = LogLevel.Warning, Message = "The outbox could not be published; it stays in the database and is tried again")]
    private static partial void RelayFailed(ILogger logger, Exception exception);
}

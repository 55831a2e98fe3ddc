using System.Collections.Concurrent;
using System.Text.Json;
using Kashif.Messaging.Events;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Kashif.Testing;

/// <summary>Records all events on the exchange, and publishes events like another service.</summary>
public sealed class EventTap : IAsyncDisposable
{
    private const string Exchange = "kashif.events";
    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly ConcurrentQueue<(string Type, JsonElement Envelope)> _seen = new();

    private EventTap(IConnection connection, IChannel channel)
    {
        _connection = connection;
        _channel = channel;
    }

    /// <summary>The CloudEvents envelopes received so far, in order of arrival.</summary>
    public IReadOnlyList<JsonElement> Envelopes(string type) => [.. _seen.Where(seen => seen.Type == type).Select(seen => seen.Envelope)];

    /// <param name="listensTo">The types that it records, as a routing pattern; null for none. An event without a listener is unroutable.</param>
    public static async Task<EventTap> OpenAsync(string messaging, string? listensTo = "#")
    {
        var connection = await new ConnectionFactory { Uri = new Uri(messaging) }.CreateConnectionAsync();
        var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        await channel.ExchangeDeclareAsync(Exchange, ExchangeType.Topic, durable: true);
        var tap = new EventTap(connection, channel);
        if (listensTo is null)
        {
            return tap;
        }

        var queue = await channel.QueueDeclareAsync();
        await channel.QueueBindAsync(queue.QueueName, Exchange, listensTo);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            tap._seen.Enqueue((delivery.RoutingKey, JsonSerializer.Deserialize<JsonElement>(delivery.Body.Span)));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer);
        return tap;
    }

    /// <summary>Waits for an event with matching data.</summary>
    /// <returns>The event's envelope.</returns>
    public async Task<JsonElement> WaitForAsync(string type, Func<JsonElement, bool> data)
    {
        JsonElement? found = null;
        await Eventually.TrueAsync(
            () => (found = Envelopes(type).Cast<JsonElement?>().FirstOrDefault(envelope => data(envelope!.Value.GetProperty("data")))) is not null,
            $"the event {type}");
        return found.GetValueOrDefault();
    }

    /// <summary>Publishes an event like the outbox relay.</summary>
    /// <param name="id">The event's id. Pass the same id again for a redelivery.</param>
    public async Task PublishAsync<TEvent>(TEvent data, Guid? id = null, DateTimeOffset? time = null)
        where TEvent : IIntegrationEvent
    {
        var envelope = new
        {
            specversion = "1.0",
            id = id ?? Guid.CreateVersion7(),
            source = "/kashif/test",
            type = TEvent.Type,
            subject = data.Subject,
            time = time ?? TimeProvider.System.GetUtcNow(),
            datacontenttype = "application/json",
            data = JsonSerializer.SerializeToElement(data, EventCatalog.Types[TEvent.Type]),
        };
        await PublishRawAsync(TEvent.Type, JsonSerializer.SerializeToUtf8Bytes(envelope));
    }

    /// <summary>Publishes any bytes.</summary>
    public async Task PublishRawAsync(string routingKey, byte[] body) =>
        await _channel.BasicPublishAsync(
            Exchange, routingKey, mandatory: false, new BasicProperties { DeliveryMode = DeliveryModes.Persistent }, body);

    /// <returns>Whether a queue is bound to the type. If so, it gets an empty message, which no consumer can read.</returns>
    public async Task<bool> IsBoundAsync(string type)
    {
        try
        {
            await _channel.BasicPublishAsync(Exchange, type, mandatory: true, new BasicProperties(), ReadOnlyMemory<byte>.Empty);
            return true;
        }
        catch (PublishReturnException)
        {
            return false;
        }
    }

    /// <returns>The next message in a service's queue, or null if the queue is empty.</returns>
    public async Task<JsonElement?> TakeAsync(string service) =>
        await _channel.BasicGetAsync(service, autoAck: true) is { } message ? JsonSerializer.Deserialize<JsonElement>(message.Body.Span) : null;

    /// <summary>Binds a service's queue to an event.</summary>
    public Task BindAsync(string service, string type) => _channel.QueueBindAsync(service, Exchange, type);

    /// <summary>Unbinds a service's queue from an event.</summary>
    public Task UnbindAsync(string service, string type) => _channel.QueueUnbindAsync(service, Exchange, type);

    /// <summary>Deletes the messages of queues. A queue that does not exist has none.</summary>
    public async Task PurgeAsync(params string[] queues)
    {
        foreach (var queue in queues)
        {
            await using var channel = await _connection.CreateChannelAsync(); // the broker closes it if there is no such queue
            try
            {
                await channel.QueuePurgeAsync(queue);
            }
            catch (OperationInterruptedException exception) when (exception.ShutdownReason is { ReplyCode: Constants.NotFound })
            {
            }
        }
    }

    /// <summary>Deletes a service's queue.</summary>
    public Task DeleteAsync(string service) => _channel.QueueDeleteAsync(service);

    /// <summary>Puts a queue with other arguments in the place of a service's queue.</summary>
    public async Task ReplaceAsync(string service)
    {
        await DeleteAsync(service);
        await _channel.QueueDeclareAsync(service, durable: true, exclusive: false, autoDelete: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }
}

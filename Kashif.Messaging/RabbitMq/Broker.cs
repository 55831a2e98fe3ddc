using Kashif.Messaging.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Kashif.Messaging.RabbitMq;

/// <summary>
/// The exchange, the queues, and channels to them. Everyone declares the whole topology, which is idempotent, so that no
/// service has to start before another.
/// </summary>
internal sealed class Broker(IServiceProvider services, IOptions<MessagingOptions> options)
{
    public const string Exchange = "kashif.events";

    /// <summary>How often RabbitMQ hands out a message whose consumer dies over it before it becomes a dead letter.</summary>
    private const int DeliveryLimit = 20;

    private IConnection? _connection;

    /// <summary>Whether there is a connection now; asking costs nothing and starts nothing.</summary>
    public bool IsConnected => _connection is { IsOpen: true };

    public TimeSpan[] RetryDelays { get; } = options.Value.RetryDelays ?? MessagingOptions.DefaultRetryDelays;

    public static string DeadLetterQueue(string service) => $"{service}.dead-letter";

    /// <summary>Named by its delay, because a queue's time to live cannot be changed after it is declared.</summary>
    public static string RetryQueue(string service, TimeSpan delay) => $"{service}.retry.{(long)delay.TotalMilliseconds}ms";

    /// <summary>A channel whose publishes complete when the broker has confirmed them; any number may be in flight up to <paramref name="window"/>.</summary>
    public async Task<IChannel> OpenPublishChannelAsync(int window, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync();
        return await connection.CreateChannelAsync(
            new CreateChannelOptions(
                publisherConfirmationsEnabled: true,
                publisherConfirmationTrackingEnabled: true,
                // Without throttling: below this share of free permits, the limiter delays each publish by up to a second.
                outstandingPublisherConfirmationsRateLimiter: new ThrottlingRateLimiter(window, throttlingPercentage: 0)),
            cancellationToken);
    }

    /// <summary>Publishes and waits for the confirms, but not for ever: a broker without memory or disk blocks publishers and confirms nothing.</summary>
    /// <exception cref="TimeoutException">The broker has not confirmed within <see cref="MessagingOptions.ConfirmTimeout"/>.</exception>
    public async Task ConfirmAsync(Func<CancellationToken, Task> publish, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(options.Value.ConfirmTimeout);
        try
        {
            await publish(limited.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The broker has not confirmed within {options.Value.ConfirmTimeout}.", exception);
        }
    }

    public async Task<IChannel> OpenChannelAsync(CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync();
        return await connection.CreateChannelAsync(cancellationToken: cancellationToken);
    }

    public async Task DeclareTopologyAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await channel.ExchangeDeclareAsync(Exchange, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken);

        foreach (var (service, types) in EventCatalog.Subscriptions)
        {
            // Looking at dead letters counts as delivering them, and RabbitMQ 4 drops a message at its 20th delivery by default.
            await DeclareQueueAsync(channel, DeadLetterQueue(service), new() { ["x-delivery-limit"] = int.MaxValue }, cancellationToken);

            await DeclareQueueAsync(channel, service, new()
            {
                ["x-delivery-limit"] = DeliveryLimit,
                ["x-dead-letter-exchange"] = "",
                ["x-dead-letter-routing-key"] = DeadLetterQueue(service),
                ["x-dead-letter-strategy"] = "at-least-once",
                ["x-overflow"] = "reject-publish",
            }, cancellationToken);

            foreach (var delay in RetryDelays)
            {
                await DeclareQueueAsync(channel, RetryQueue(service, delay), new()
                {
                    ["x-message-ttl"] = (long)delay.TotalMilliseconds,
                    ["x-dead-letter-exchange"] = "",
                    ["x-dead-letter-routing-key"] = service,
                    ["x-dead-letter-strategy"] = "at-least-once",
                    ["x-overflow"] = "reject-publish",
                }, cancellationToken);
            }

            await BindAsync(channel, service, types, cancellationToken);
        }
    }

    /// <summary>Binds the service's queue to the types that it consumes. Changes nothing if it is bound.</summary>
    public static Task BindAsync(IChannel channel, string service, CancellationToken cancellationToken) =>
        BindAsync(channel, service, EventCatalog.Subscriptions[service], cancellationToken);

    private static async Task BindAsync(IChannel channel, string service, string[] types, CancellationToken cancellationToken)
    {
        foreach (var type in types)
        {
            await channel.QueueBindAsync(service, Exchange, routingKey: type, cancellationToken: cancellationToken);
        }
    }

    private static async Task DeclareQueueAsync(
        IChannel channel, string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        arguments["x-queue-type"] = "quorum";
        await channel.QueueDeclareAsync(
            queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
    }

    /// <summary>The one connection of the process. Its factory connects synchronously and may take its time, so it gets a thread.</summary>
    private async Task<IConnection> ConnectAsync() => _connection ??= await Task.Run(services.GetRequiredService<IConnection>);
}

using Kashif.Messaging.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Kashif.Messaging.RabbitMq;

/// <summary>
/// The exchange, the queues, and channels to them. Everyone declares the whole topology, which is idempotent, so that no
/// service has to start before another.
/// </summary>
internal sealed partial class Broker(IServiceProvider services, IOptions<MessagingOptions> options, ILogger<Broker> logger)
{
    public const string Exchange = "kashif.events";

    /// <summary>How often RabbitMQ hands out a message whose consumer dies over it before it becomes a dead letter.</summary>
    private const int DeliveryLimit = 20;

    private IConnection? _connection;
    private volatile IReadOnlyDictionary<string, ShutdownEventArgs> _mismatched = new Dictionary<string, ShutdownEventArgs>();

    /// <summary>Whether there is a connection now; asking costs nothing and starts nothing.</summary>
    public bool IsConnected => _connection is { IsOpen: true };

    /// <summary>The queues that exist with other arguments, as of the last declaration. Only deleting such a queue mends it.</summary>
    public IEnumerable<string> Mismatched => _mismatched.Keys;

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

    /// <summary>
    /// Declares everything. A queue that exists with other arguments is logged and left alone, so that the services of the other queues go on.
    /// </summary>
    public async Task DeclareTopologyAsync(CancellationToken cancellationToken)
    {
        var mismatched = new Dictionary<string, ShutdownEventArgs>();
        var channel = await OpenChannelAsync(cancellationToken);
        try
        {
            await channel.ExchangeDeclareAsync(Exchange, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken);
            foreach (var (service, types) in EventCatalog.Subscriptions)
            {
                foreach (var (queue, arguments) in QueuesOf(service))
                {
                    try
                    {
                        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
                    }
                    catch (OperationInterruptedException exception) when (exception.ShutdownReason is { ReplyCode: Constants.PreconditionFailed })
                    {
                        // The broker has closed the channel.
                        mismatched[queue] = exception.ShutdownReason;
                        await channel.DisposeQuietlyAsync();
                        channel = await OpenChannelAsync(cancellationToken);
                    }
                }

                if (!mismatched.ContainsKey(service))
                {
                    await BindAsync(channel, service, types, cancellationToken);
                }
            }
        }
        finally
        {
            await channel.DisposeQuietlyAsync();
        }

        foreach (var (queue, reason) in mismatched.Where(queue => !_mismatched.ContainsKey(queue.Key)))
        {
            QueueMismatched(logger, queue, reason.ReplyText);
        }

        _mismatched = mismatched;
    }

    /// <summary>Declares everything for a service that reads or fills its own queues.</summary>
    /// <exception cref="OperationInterruptedException">A queue of the service exists with other arguments: messages in it might be lost.</exception>
    public async Task DeclareTopologyAsync(string service, CancellationToken cancellationToken)
    {
        await DeclareTopologyAsync(cancellationToken);
        foreach (var (queue, _) in QueuesOf(service))
        {
            if (_mismatched.TryGetValue(queue, out var reason))
            {
                throw new OperationInterruptedException(reason);
            }
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

    private IEnumerable<(string Queue, Dictionary<string, object?> Arguments)> QueuesOf(string service)
    {
        // Looking at dead letters counts as delivering them, and RabbitMQ 4 drops a message at its 20th delivery by default.
        yield return (DeadLetterQueue(service), new() { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = int.MaxValue });
        yield return (service, Forwarding(DeadLetterQueue(service), "x-delivery-limit", DeliveryLimit));
        foreach (var delay in RetryDelays)
        {
            yield return (RetryQueue(service, delay), Forwarding(service, "x-message-ttl", (long)delay.TotalMilliseconds));
        }
    }

    /// <summary>The arguments of a queue whose messages go to another when they reach a limit, and are never lost in between.</summary>
    private static Dictionary<string, object?> Forwarding(string queue, string limit, object value) => new()
    {
        ["x-queue-type"] = "quorum",
        [limit] = value,
        ["x-dead-letter-exchange"] = "",
        ["x-dead-letter-routing-key"] = queue,
        ["x-dead-letter-strategy"] = "at-least-once",
        ["x-overflow"] = "reject-publish",
    };

    /// <summary>The one connection of the process. Its factory connects synchronously and may take its time, so it gets a thread.</summary>
    private async Task<IConnection> ConnectAsync() => _connection ??= await Task.Run(services.GetRequiredService<IConnection>);

    [LoggerMessage(EventId = 1105, Level = LogLevel.Error, Message = "The queue {Queue} exists with other arguments, and events for it wait. Move its messages and delete it: {Reason}")]
    private static partial void QueueMismatched(ILogger logger, string queue, string reason);
}

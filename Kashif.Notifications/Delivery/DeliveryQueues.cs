using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Messaging.RabbitMq;
using Kashif.Notifications.Inbox;
using RabbitMQ.Client;

namespace Kashif.Notifications.Delivery;

/// <summary>
/// The exchange and the queues between dispatcher and consumer (docs/decisions/0011-delivery-queues.md). The table has the truth: if a
/// queue, its messages or the whole broker are lost, the leases end and the deliveries are published again. So classic queues are safe
/// enough, and unlike quorum queues they have priorities.
/// </summary>
internal sealed class DeliveryQueues(Broker broker)
{
    public const string Exchange = "notifications.direct";

    /// <summary>The routing key of deliveries that are dead. The others are <see cref="ChannelNames"/>.</summary>
    public const string Failed = "failed";

    /// <summary>Bounded, because nothing in Kashif reads this queue: it is for monitoring tools.</summary>
    private static readonly Dictionary<string, object?> Bounded = new()
    {
        ["x-message-ttl"] = (long)TimeSpan.FromDays(30).TotalMilliseconds,
        ["x-max-length"] = 100_000,
    };

    public static string QueueOf(string routingKey) => $"{routingKey}.queue";

    public Task<IChannel> OpenChannelAsync(CancellationToken cancellationToken) => OpenAsync(broker.OpenChannelAsync(cancellationToken), cancellationToken);

    /// <inheritdoc cref="Broker.OpenPublishChannelAsync"/>
    public Task<IChannel> OpenPublishChannelAsync(int window, CancellationToken cancellationToken) =>
        OpenAsync(broker.OpenPublishChannelAsync(window, cancellationToken), cancellationToken);

    /// <summary>Publishes in order, and waits for the confirms.</summary>
    /// <exception cref="Exception">Some may not have arrived: publish all of them again.</exception>
    public Task PublishAsync(IChannel channel, string routingKey, IEnumerable<DeliveryMessage> messages, CancellationToken cancellationToken) => broker.ConfirmAsync(
        limited => Task.WhenAll(messages.Select(message => channel.BasicPublishAsync(
            Exchange,
            routingKey,
            mandatory: true,
            new BasicProperties { ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent, Priority = (byte)message.Priority },
            JsonSerializer.SerializeToUtf8Bytes(message, DeliveryJson.Default.DeliveryMessage),
            limited).AsTask())),
        cancellationToken);

    private static async Task<IChannel> OpenAsync(Task<IChannel> opening, CancellationToken cancellationToken)
    {
        var channel = await opening;
        try
        {
            await channel.ExchangeDeclareAsync(Exchange, ExchangeType.Direct, durable: true, cancellationToken: cancellationToken);
            foreach (var key in (string[])[ChannelNames.Email, ChannelNames.Push, Failed])
            {
                var arguments = key is Failed ? Bounded : new() { ["x-max-priority"] = (int)Priority.High };
                await channel.QueueDeclareAsync(QueueOf(key), durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
                await channel.QueueBindAsync(QueueOf(key), Exchange, key, cancellationToken: cancellationToken);
            }

            return channel;
        }
        catch
        {
            await channel.DisposeQuietlyAsync();
            throw;
        }
    }
}

/// <summary>A delivery in a queue: ids only. Its consumer reads texts, addresses and device tokens from the database.</summary>
/// <param name="NotificationId">Null for an account mail.</param>
/// <param name="NotificationType">Of <see cref="ChannelNames"/>.</param>
/// <param name="TemplateCode">Null for an account mail.</param>
/// <param name="RequestId">The event or the request that caused it; null for an account mail.</param>
/// <param name="Attempt">Which attempt this message asks for, from 1. Of several messages for one attempt only the first counts.</param>
/// <param name="Error">Only in <c>failed.queue</c>: the reason.</param>
internal sealed record DeliveryMessage(
    long DeliveryId,
    Guid? NotificationId,
    string NotificationType,
    Guid UserId,
    string? TemplateCode,
    Guid? RequestId,
    [property: JsonConverter(typeof(JsonStringEnumConverter<Priority>))] Priority Priority,
    int Attempt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(DeliveryMessage))]
internal sealed partial class DeliveryJson : JsonSerializerContext;

using System.Globalization;
using System.Text;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;
using RabbitMQ.Client;

namespace Kashif.Messaging.DeadLetters;

/// <summary>The operator's way to look at the service's dead letters and to put them back: <c>dead-letters list|replay</c>.</summary>
internal sealed class DeadLetterQueue(Broker broker, ServiceIdentity identity)
{
    /// <summary>Writes one line a message: when, type, id, reason. The queue stays as it is.</summary>
    public async Task<int> ListAsync(TextWriter output, CancellationToken cancellationToken)
    {
        if (!Consumes)
        {
            return await NothingAsync(output);
        }

        await using var channel = await OpenAsync(cancellationToken);

        // Taken and not acknowledged: closing the channel puts all of them back in their order.
        var count = 0;
        while (await channel.BasicGetAsync(Broker.DeadLetterQueue(identity.Name), autoAck: false, cancellationToken) is { } message)
        {
            count++;
            await output.WriteLineAsync(Describe(message));
        }

        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{count} dead letters of {identity.Name}"));
        return count;
    }

    /// <summary>Puts every message that is dead now back into the service's queue with all its tries ahead of it.</summary>
    public async Task<int> ReplayAsync(TextWriter output, CancellationToken cancellationToken)
    {
        if (!Consumes)
        {
            return await NothingAsync(output);
        }

        await using var channel = await OpenAsync(cancellationToken);
        var queue = Broker.DeadLetterQueue(identity.Name);
        var waiting = await channel.MessageCountAsync(queue, cancellationToken);

        var count = 0;
        while (count < waiting && await channel.BasicGetAsync(queue, autoAck: false, cancellationToken) is { } message)
        {
            await channel.BasicPublishAsync(
                exchange: "", identity.Name, mandatory: true,
                new BasicProperties { ContentType = CloudEvent.ContentType, DeliveryMode = DeliveryModes.Persistent, MessageId = message.BasicProperties.MessageId },
                message.Body, cancellationToken);
            await channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancellationToken);
            count++;
        }

        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{count} dead letters of {identity.Name} put back"));
        return count;
    }

    private bool Consumes => EventCatalog.Subscriptions.ContainsKey(identity.Name);

    private async Task<int> NothingAsync(TextWriter output)
    {
        await output.WriteLineAsync($"{identity.Name} consumes no events, so it has no dead letters.");
        return 0;
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        var channel = await broker.OpenPublishChannelAsync(window: 1, cancellationToken);
        await broker.DeclareTopologyAsync(channel, cancellationToken);
        return channel;
    }

    private static string Describe(BasicGetResult message)
    {
        var headers = message.BasicProperties.Headers;
        var (id, type) = Identify(message.Body);
        return $"{Header(MessageHeaders.FailedAt)}  {type}  {id}  {Header(MessageHeaders.Reason)}";

        string Header(string name) =>
            headers?.TryGetValue(name, out var value) == true && value is byte[] text ? Encoding.UTF8.GetString(text) : "-";
    }

    private static (string Id, string Type) Identify(ReadOnlyMemory<byte> body)
    {
        try
        {
            var envelope = CloudEvent.Parse(body.Span);
            return (envelope.Id.ToString(), envelope.Type);
        }
        catch (System.Text.Json.JsonException)
        {
            return ("-", "unreadable");
        }
    }
}

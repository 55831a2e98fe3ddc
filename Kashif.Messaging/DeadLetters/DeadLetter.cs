using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;
using RabbitMQ.Client;

namespace Kashif.Messaging.DeadLetters;

/// <summary>A message that failed for good.</summary>
/// <param name="Id">Derived from the message, so that it stays the same while the message lies in the queue.</param>
/// <param name="Event">Null for a message that cannot be read.</param>
/// <param name="Exception">The class of the last exception, or the broker's reason.</param>
internal sealed record DeadLetter(Guid Id, CloudEvent? Event, string Exception, string Reason, int Tries, DateTimeOffset FailedAt, ReadOnlyMemory<byte> Body)
{
    public const string Unreadable = "unreadable";
    private const string Hidden = "***";

    /// <summary>Members of events that let their holder in: a list of failures is no place for them.</summary>
    private static readonly string[] Secrets = ["token", "code"];

    public string Type => Event?.Type ?? Unreadable;

    public static DeadLetter Of(BasicGetResult message)
    {
        var headers = message.BasicProperties.Headers ?? new Dictionary<string, object?>();
        var failedAt = Text(headers, MessageHeaders.FailedAt);

        // The broker itself gives up on a message whose consumer dies over it, and knows no exception.
        var reason = Text(headers, MessageHeaders.Reason) ?? Text(headers, "x-first-death-reason") ?? "unknown";
        return new DeadLetter(
            IdOf(failedAt, message.Body.Span),
            EventOf(message.Body.Span),
            reason.Split(':')[0],
            reason,
            MessageHeaders.Attempt(message.BasicProperties) + 1,
            DateTimeOffset.TryParse(failedAt, CultureInfo.InvariantCulture, out var at) ? at : DateTimeOffset.UnixEpoch,
            message.Body.ToArray());
    }

    /// <summary>The event's data without secrets.</summary>
    public JsonObject? ShownData()
    {
        if (Event is not { Data.ValueKind: JsonValueKind.Object } || JsonObject.Create(Event.Data) is not { } data)
        {
            return null;
        }

        foreach (var secret in Secrets.Where(data.ContainsKey))
        {
            data[secret] = Hidden;
        }

        return data;
    }

    /// <summary>The message with some members of its data replaced.</summary>
    /// <exception cref="JsonException">The result is not the data of its event type.</exception>
    public DeadLetter With(JsonElement changes)
    {
        if (Event is null || !EventCatalog.Types.TryGetValue(Event.Type, out var type)
            || JsonNode.Parse(Body.Span) is not JsonObject envelope || envelope["data"] is not JsonObject data)
        {
            throw new JsonException("The data of this message cannot be edited.");
        }

        foreach (var (name, value) in JsonObject.Create(changes) ?? [])
        {
            if (!type.Properties.Any(property => property.Name == name))
            {
                throw new JsonException($"The event has no '{name}'.");
            }

            data[name] = value?.DeepClone();
        }

        _ = data.Deserialize(type);
        return this with { Body = Encoding.UTF8.GetBytes(envelope.ToJsonString()) };
    }

    private static CloudEvent? EventOf(ReadOnlySpan<byte> body)
    {
        try
        {
            return CloudEvent.Parse(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Guid IdOf(string? failedAt, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(failedAt ?? ""));
        hash.AppendData(body);
        return new Guid(hash.GetHashAndReset().AsSpan(0, 16));
    }

    private static string? Text(IDictionary<string, object?> headers, string name) =>
        headers.TryGetValue(name, out var value) && value is byte[] text ? Encoding.UTF8.GetString(text) : null;
}

/// <summary>Which dead letters; a null member means all.</summary>
/// <param name="Exception">The name of the exception's class.</param>
/// <param name="Id">The letter's or the event's.</param>
internal sealed record DeadLetterFilter(string? Type = null, string? Exception = null, Guid? Id = null)
{
    public bool Matches(DeadLetter letter) =>
        (Type is null || Type == letter.Type) && (Exception is null || Exception == letter.Exception) && (Id is null || Id == letter.Id || Id == letter.Event?.Id);
}

namespace Kashif.Messaging.Consumers;

/// <summary>An event type that this service wants, or wanted until lately: in a rolling upgrade its replicas differ.</summary>
public sealed class Subscription
{
    public required string EventType { get; init; }

    /// <summary>When a replica with a handler for the type said so, by the database's clock. Each replica repeats it.</summary>
    public DateTimeOffset WantedAt { get; init; }
}

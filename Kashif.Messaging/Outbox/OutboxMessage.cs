namespace Kashif.Messaging.Outbox;

/// <summary>An event that has been decided and not yet been published: written with the change it reports, removed when the broker has confirmed it.</summary>
public sealed class OutboxMessage
{
    /// <summary>The event's id, from <see cref="TimeOrderedId"/>: the relay publishes in this order.</summary>
    public Guid Id { get; init; }
    public required string Type { get; init; }
    public required string Subject { get; init; }

    /// <summary>The W3C trace context of the request or message that caused the event.</summary>
    public string? TraceParent { get; init; }
    public string? CorrelationId { get; init; }

    /// <summary>The event as JSON: the CloudEvents <c>data</c>.</summary>
    public required string Payload { get; init; }
    public DateTimeOffset OccurredAt { get; init; }
}

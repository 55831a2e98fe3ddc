namespace Kashif.Messaging.Consumers;

/// <summary>Says that a handler's effect of an event is committed; written in the effect's own transaction, so that a redelivery changes nothing.</summary>
public sealed class InboxEntry
{
    public Guid EventId { get; init; }
    public required string Handler { get; init; }
    public DateTimeOffset ProcessedAt { get; init; }
}

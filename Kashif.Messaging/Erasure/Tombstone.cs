namespace Kashif.Messaging.Erasure;

/// <summary>
/// Says that a user's data has been erased in this service: a late or replayed event of the user is not handled. It stays, and holds only
/// an id that no longer leads to a person.
/// </summary>
internal sealed class Tombstone
{
    public Guid UserId { get; init; }

    /// <summary>When the first erasure was.</summary>
    public DateTimeOffset ErasedAt { get; init; }
}

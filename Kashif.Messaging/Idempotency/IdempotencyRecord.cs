namespace Kashif.Messaging.Idempotency;

/// <summary>A client's <c>Idempotency-Key</c>: claimed while its request runs, then holding the answer that a replay gets.</summary>
public sealed class IdempotencyRecord
{
    /// <summary>The user, or the empty id for an anonymous request.</summary>
    public Guid UserId { get; init; }

    /// <summary>Method and path (<see cref="CanonicalRoute"/>).</summary>
    public required string Route { get; init; }
    public required string Key { get; init; }

    /// <summary>HMAC-SHA-256 of the request's body.</summary>
    public required byte[] Fingerprint { get; init; }

    /// <summary>The attempt that holds the key; another may take it over when <see cref="ClaimedUntil"/> has passed without an answer.</summary>
    public Guid Claim { get; init; }
    public DateTimeOffset ClaimedUntil { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The answer's HTTP status; null while the request is running.</summary>
    public int? Status { get; init; }
    public string? ContentType { get; init; }
    public string? Location { get; init; }
    public byte[]? Body { get; init; }
}

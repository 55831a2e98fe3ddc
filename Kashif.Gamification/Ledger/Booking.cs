using Kashif.Messaging.Events;

namespace Kashif.Gamification.Ledger;

/// <summary>A change of a user's points that <see cref="PointsLedger"/> is to book.</summary>
/// <param name="Points">Negative to take points. Where a reversal takes more than the balance has, the rest is owed.</param>
/// <param name="Reason">A stable code, for programs.</param>
/// <param name="Cause">The deduplication key: booked once.</param>
internal sealed record Booking(Guid UserId, int Points, EntryKind Kind, string Reason, string Cause)
{
    /// <inheritdoc cref="PointTransaction.Rule"/>
    public string? Rule { get; init; }

    /// <inheritdoc cref="PointTransaction.RuleVersion"/>
    public int? RuleVersion { get; init; }

    /// <inheritdoc cref="PointTransaction.Reference"/>
    public string? Reference { get; init; }

    /// <inheritdoc cref="PointTransaction.Category"/>
    public string? Category { get; init; }

    /// <inheritdoc cref="PointTransaction.Area"/>
    public string? Area { get; init; }

    /// <inheritdoc cref="PointTransaction.LimitDay"/>
    public DateOnly? LimitDay { get; init; }

    /// <inheritdoc cref="PointTransaction.ExpiresAt"/>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <inheritdoc cref="PointTransaction.Reverses"/>
    public Guid? Reverses { get; init; }

    /// <inheritdoc cref="PointTransaction.Note"/>
    public string? Note { get; init; }

    /// <inheritdoc cref="PointTransaction.Actor"/>
    public Guid? Actor { get; init; }

    /// <summary>Points that leaderboards count without a change of the balance: its entry owes as many less. Another booking beside it counts the opposite.</summary>
    public int Counted { get; init; }

    /// <summary>The event that caused it; null for a request.</summary>
    public EventCause? Event { get; init; }
}

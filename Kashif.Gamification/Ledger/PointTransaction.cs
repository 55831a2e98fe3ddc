using Kashif.Gamification.Rules;
using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Ledger;

/// <summary>
/// An entry of the ledger; the user's balance is the sum of the entries. Append-only: a trigger of the database refuses changes but those of
/// an erasure, and chains each entry to the one before by its hash (the migration LedgerChains).
/// </summary>
internal sealed class PointTransaction
{
    public const string Redeemed = "redeemed";
    public const string Refunded = "refunded";

    /// <summary>The reason of an entry that pays a debt.</summary>
    public const string OwedPoints = "owed";
    public const string ExpiredPoints = "expired";
    public const string Adjusted = "adjusted";

    /// <summary>Before an award's id: the cause of the entry that takes it off the leaderboards of its category and its area.</summary>
    public const string UnnamedCause = "unnamed:";

    /// <summary>An administrator has undone an entry.</summary>
    public const string ReversedPoints = "reversed";
    public const int CauseLength = 100;

    /// <summary>In characters as people count them; the column has no limit.</summary>
    public const int NoteLength = 500;

    public static string WireName(EntryKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>From <see cref="TimeOrderedId"/> with <see cref="CreatedAt"/>: sorts by the order of the ledger.</summary>
    public Guid Id { get; init; }
    public Guid UserId { get; init; }

    public EntryKind Kind { get; init; }

    /// <summary>Positive if awarded or given back, otherwise negative; zero only for a reversal of which all is owed, and where an award leaves the leaderboards of its category and its area.</summary>
    public int Points { get; init; }

    /// <summary>What this reversal could not take; negative where the entry pays a debt. Leaderboards count <see cref="Points"/> less this.</summary>
    public int Owed { get; init; }

    public long BalanceAfter { get; init; }

    /// <summary>The rule's code, <see cref="Redeemed"/>, <see cref="Refunded"/> or another code; stable, for programs.</summary>
    public required string Reason { get; init; }

    /// <summary>The rule that awarded the points, also of their reversal.</summary>
    public string? Rule { get; init; }

    /// <summary>The version of the rules; null for the rules before there were versions.</summary>
    public int? RuleVersion { get; init; }

    /// <summary>The deduplication key: a rule and a report, a redemption, or an order. Unique.</summary>
    public required string Cause { get; init; }

    /// <summary>The id of the report or coupon, or <c>order:</c> and the order's id, for the user.</summary>
    public string? Reference { get; init; }

    /// <summary>The category of the report.</summary>
    public string? Category { get; init; }

    /// <summary>The code of the area in which the report lies.</summary>
    public string? Area { get; init; }

    /// <summary>The UTC day whose limit the entry counts towards; null if its rule has no limit.</summary>
    public DateOnly? LimitDay { get; init; }

    /// <summary>When points that are not spent by then expire; null means never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The entry that this one undoes; of points that have expired, the entry with which they were credited.</summary>
    public Guid? Reverses { get; init; }

    /// <summary>Why, in an administrator's words. Deleted with the account.</summary>
    public string? Note { get; init; }

    /// <summary>The administrator who booked it.</summary>
    public Guid? Actor { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The account's chain; stays when the account is erased. Set by the database, like the next three.</summary>
    public Guid Chain { get; init; }

    /// <summary>The place in the chain, from 1.</summary>
    public long Sequence { get; init; }

    /// <summary>The hash of the entry before; null for the first.</summary>
    public byte[]? PreviousHash { get; init; }

    /// <summary>SHA-256 of the entry and of <see cref="PreviousHash"/>.</summary>
    public byte[] Hash { get; init; } = [];
}

internal sealed class PointTransactionConfiguration : IEntityTypeConfiguration<PointTransaction>
{
    public void Configure(EntityTypeBuilder<PointTransaction> transaction)
    {
        transaction.ToTable("point_transactions", table =>
        {
            table.HasCheckConstraint("ck_point_transactions_points", "points <> 0 OR owed <> 0");
            table.HasCheckConstraint("ck_point_transactions_balance_after", "balance_after >= 0");
        });
        transaction.Property(entry => entry.Id).ValueGeneratedNever();
        transaction.Property(entry => entry.Kind).HasMaxLength(10).HasConversion(
            kind => PointTransaction.WireName(kind), text => Enum.Parse<EntryKind>(text, ignoreCase: true));
        transaction.Property(entry => entry.Owed).HasDefaultValue(0); // for inserts of the version before
        transaction.Property(entry => entry.Reason).HasMaxLength(RuleLine.CodeLength);
        transaction.Property(entry => entry.Rule).HasMaxLength(RuleLine.CodeLength);
        transaction.Property(entry => entry.Cause).HasMaxLength(PointTransaction.CauseLength);
        transaction.Property(entry => entry.Reference).HasMaxLength(PointTransaction.CauseLength);
        transaction.Property(entry => entry.Category).HasMaxLength(50);
        transaction.Property(entry => entry.Area).HasMaxLength(Areas.Area.CodeLength);
        foreach (var set in new[] { nameof(PointTransaction.Chain), nameof(PointTransaction.Sequence), nameof(PointTransaction.PreviousHash), nameof(PointTransaction.Hash) })
        {
            transaction.Property(set).Metadata.SetBeforeSaveBehavior(PropertySaveBehavior.Ignore);
        }

        transaction.HasIndex(entry => entry.Cause).IsUnique();
        transaction.HasIndex(entry => new { entry.UserId, entry.Id });
        transaction.HasIndex(entry => new { entry.UserId, entry.LimitDay }).HasFilter("limit_day IS NOT NULL");
        transaction.HasIndex(entry => new { entry.Chain, entry.Sequence }).IsUnique();
        transaction.HasIndex(entry => entry.Actor).HasFilter("actor IS NOT NULL"); // an erasure reads it
        transaction.HasIndex(entry => entry.Reference).HasFilter("rule IS NOT NULL");
        transaction.HasIndex(entry => entry.Reverses).HasFilter("reverses IS NOT NULL");
    }
}

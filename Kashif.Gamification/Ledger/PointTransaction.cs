using Kashif.Gamification.Points;
using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Ledger;

/// <summary>An entry of the ledger. Append-only; the user's balance is the sum of the entries.</summary>
internal sealed class PointTransaction
{
    public const string Redeemed = "redeemed";
    public const string Refunded = "refunded";
    public const int CauseLength = 100;

    /// <summary>From <see cref="TimeOrderedId"/> with <see cref="CreatedAt"/>: sorts by the order of the ledger.</summary>
    public Guid Id { get; init; }
    public Guid UserId { get; init; }

    /// <summary>Positive if awarded or refunded, negative if spent; never zero.</summary>
    public int Points { get; init; }

    public long BalanceAfter { get; init; }

    /// <summary>The rule's code, <see cref="Redeemed"/> or <see cref="Refunded"/>; stable, for programs.</summary>
    public required string Reason { get; init; }

    /// <summary>The rule that awarded the points.</summary>
    public string? Rule { get; init; }

    /// <summary>The deduplication key: a rule and a report, a redemption, or an order. Unique.</summary>
    public required string Cause { get; init; }

    /// <summary>The id of the report or coupon, or <c>order:</c> and the order's id, for the user.</summary>
    public string? Reference { get; init; }

    /// <summary>The UTC day whose limit the entry counts towards; null if its rule has no limit.</summary>
    public DateOnly? LimitDay { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class PointTransactionConfiguration : IEntityTypeConfiguration<PointTransaction>
{
    public void Configure(EntityTypeBuilder<PointTransaction> transaction)
    {
        transaction.ToTable("point_transactions", table =>
        {
            table.HasCheckConstraint("ck_point_transactions_points", "points <> 0");
            table.HasCheckConstraint("ck_point_transactions_balance_after", "balance_after >= 0");
        });
        transaction.Property(entry => entry.Id).ValueGeneratedNever();
        transaction.Property(entry => entry.Reason).HasMaxLength(Rule.CodeLength);
        transaction.Property(entry => entry.Rule).HasMaxLength(Rule.CodeLength);
        transaction.Property(entry => entry.Cause).HasMaxLength(PointTransaction.CauseLength);
        transaction.Property(entry => entry.Reference).HasMaxLength(PointTransaction.CauseLength);
        transaction.HasIndex(entry => entry.Cause).IsUnique();
        transaction.HasIndex(entry => new { entry.UserId, entry.Id });
        transaction.HasIndex(entry => new { entry.UserId, entry.LimitDay }).HasFilter("limit_day IS NOT NULL");
    }
}

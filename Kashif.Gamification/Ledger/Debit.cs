using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Ledger;

/// <summary>
/// A debit that another service requested: debited if the ledger has an entry with its <see cref="Cause"/> or <see cref="OrderCause"/>, given back if it has one
/// with its <see cref="RefundCause"/> too, otherwise refused.
/// Refusals are stored too: if a retry arrived after the caller had given up, and the user had earned enough points by then, it
/// would take them for nothing.
/// </summary>
internal sealed class Debit
{
    /// <summary>The redemption's or the order's id, from the caller.</summary>
    public Guid Id { get; init; }
    public Guid UserId { get; init; }
    public int Points { get; init; }

    /// <summary>The coupon of a redemption; null for an order.</summary>
    public int? CouponId { get; init; }

    /// <summary>The order; null for a redemption.</summary>
    public Guid? OrderId { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    public static string Cause(Guid id) => $"redemption:{id}";

    /// <summary>Also the reference of the ledger entry.</summary>
    public static string OrderCause(Guid id) => $"order:{id}";

    public static string RefundCause(Guid id) => $"refund:{id}";
}

internal sealed class DebitConfiguration : IEntityTypeConfiguration<Debit>
{
    public void Configure(EntityTypeBuilder<Debit> debit)
    {
        debit.ToTable("debits", table => table.HasCheckConstraint("ck_debits_purchase", "(coupon_id IS NULL) <> (order_id IS NULL)"));
        debit.Property(row => row.Id).ValueGeneratedNever();
        debit.HasIndex(row => row.UserId); // an erasure reads it
    }
}

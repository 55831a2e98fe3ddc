using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Ledger;

/// <summary>
/// A debit that another service requested: debited if the ledger has an entry with its <see cref="Cause"/>, given back if it has one
/// with its <see cref="RefundCause"/> too, otherwise refused.
/// Refusals are stored too: if a retry arrived after the caller had given up, and the user had earned enough points by then, it
/// would take them for nothing.
/// </summary>
internal sealed class Debit
{
    /// <summary>The redemption's id, from the caller.</summary>
    public Guid Id { get; init; }
    public Guid UserId { get; init; }
    public int Points { get; init; }
    public int CouponId { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    public static string Cause(Guid id) => $"redemption:{id}";

    public static string RefundCause(Guid id) => $"refund:{id}";
}

internal sealed class DebitConfiguration : IEntityTypeConfiguration<Debit>
{
    public void Configure(EntityTypeBuilder<Debit> debit)
    {
        debit.ToTable("debits");
        debit.Property(row => row.Id).ValueGeneratedNever();
        debit.HasIndex(row => row.UserId); // an erasure reads it
    }
}

using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Points;

/// <summary>
/// A debit that another service asked for, and its answer: debited if the ledger has an entry of its <see cref="Cause"/>,
/// else refused. A refusal is kept too: were the question asked again after the caller has given up on it, the user's points
/// could suffice by then and be taken for nothing.
/// </summary>
internal sealed class Debit
{
    /// <summary>The redemption's id, given by the caller.</summary>
    public Guid Id { get; init; }
    public Guid UserId { get; init; }
    public int Points { get; init; }
    public int CouponId { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    public static string Cause(Guid id) => $"redemption:{id}";
}

internal sealed class DebitConfiguration : IEntityTypeConfiguration<Debit>
{
    public void Configure(EntityTypeBuilder<Debit> debit)
    {
        debit.ToTable("debits");
        debit.Property(row => row.Id).ValueGeneratedNever();
    }
}

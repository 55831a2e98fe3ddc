using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Ledger;

/// <summary>The sum of a user's ledger, updated in the same transaction as the ledger.</summary>
internal sealed class Balance
{
    public Guid UserId { get; init; }
    public long Points { get; init; }
    public long Earned { get; init; }
    public long Spent { get; init; }

    /// <summary>Incremented at each change; tells which of two balances is newer.</summary>
    public long Version { get; init; }

    /// <summary>
    /// The time of the newest entry. Each entry of a user has a later time than the one before, whatever the clocks say and however many
    /// are booked at once: lists and notifications sort by it, and it must be the order of the ledger.
    /// </summary>
    public DateTimeOffset ChangedAt { get; init; }
}

internal sealed class BalanceConfiguration : IEntityTypeConfiguration<Balance>
{
    public void Configure(EntityTypeBuilder<Balance> balance)
    {
        balance.ToTable("balances", table =>
        {
            table.HasCheckConstraint("ck_balances_points", "points >= 0");
            table.HasCheckConstraint("ck_balances_sum", "points = earned - spent");
        });
        balance.HasKey(row => row.UserId);
        balance.Property(row => row.UserId).ValueGeneratedNever();
        balance.HasIndex(row => new { row.Points, row.UserId }).IsDescending(true, false);
    }
}

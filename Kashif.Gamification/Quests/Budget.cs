using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Quests;

/// <summary>Points that a sponsor pays for quests. Changed only by single statements, which keep <see cref="Reserved"/> + <see cref="Spent"/> ≤ <see cref="Points"/>.</summary>
internal sealed class Budget
{
    public const int NameLength = 100;
    public const int MaxPoints = 1_000_000_000;

    public int Id { get; init; }
    public required string Name { get; init; }

    /// <summary>Who pays, for people.</summary>
    public string? Sponsor { get; init; }

    /// <summary>The company in Coupons.</summary>
    public int? CompanyId { get; init; }

    /// <summary>All points granted.</summary>
    public long Points { get; init; }

    /// <summary>The rewards of users who have joined a quest and may still complete it.</summary>
    public long Reserved { get; init; }

    /// <summary>What was paid.</summary>
    public long Spent { get; init; }

    public DateTimeOffset StartsAt { get; init; }
    public DateTimeOffset EndsAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class BudgetConfiguration : IEntityTypeConfiguration<Budget>
{
    public void Configure(EntityTypeBuilder<Budget> budget)
    {
        budget.ToTable("budgets", table =>
        {
            table.HasCheckConstraint("ck_budgets_points", "reserved >= 0 AND spent >= 0 AND reserved + spent <= points");
            table.HasCheckConstraint("ck_budgets_window", "ends_at > starts_at");
        });
        budget.Property(row => row.Name).HasMaxLength(Budget.NameLength);
        budget.HasIndex(row => row.Name).IsUnique();
    }
}

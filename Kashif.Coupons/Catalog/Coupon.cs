using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Catalog;

/// <summary>A company's offer that users buy with points.</summary>
/// <remarks>Invariant: completed + reserved redemptions + <see cref="Stock"/> = <see cref="InitialStock"/> + <see cref="Restocked"/>.</remarks>
internal sealed class Coupon
{
    public const int TitleLength = 200;
    public const int TextLength = 4000;
    public const int MaxPointsCost = 1_000_000;

    public int Id { get; init; }
    public int CompanyId { get; init; }
    public int CategoryId { get; init; }
    public required string Title { get; init; }
    public required string Description { get; init; }
    public int PointsCost { get; init; }

    /// <summary>How many are left. Changed only by <see cref="Redemptions.RedemptionSaga"/>.</summary>
    public int Stock { get; init; }
    public int InitialStock { get; init; }
    public int Restocked { get; init; }

    /// <summary>The most one user may redeem; null means no limit.</summary>
    public int? PerUserLimit { get; init; }
    public DateTimeOffset StartsAt { get; init; }

    /// <summary>When the offer and its codes expire; null means never.</summary>
    public DateTimeOffset? EndsAt { get; init; }
    public string? Terms { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>1 when created, incremented at each change of the stock: the order of the coupon's events.</summary>
    public int Version { get; init; } = 1;

    public CouponUpdated ToEvent() => new(Id, Title, Stock, StartsAt, EndsAt, CompanyId, Version);
}

internal sealed class CouponConfiguration : IEntityTypeConfiguration<Coupon>
{
    public void Configure(EntityTypeBuilder<Coupon> coupon)
    {
        coupon.ToTable("coupons", table =>
        {
            table.HasCheckConstraint("ck_coupons_stock", "stock >= 0 AND stock <= initial_stock + restocked");
            table.HasCheckConstraint("ck_coupons_points_cost", "points_cost > 0");
            table.HasCheckConstraint("ck_coupons_per_user_limit", "per_user_limit > 0");
            table.HasCheckConstraint("ck_coupons_window", "ends_at > starts_at");
        });
        coupon.Property(row => row.Version).HasDefaultValue(1); // for inserts of the version before
        coupon.HasOne<Company>().WithMany().HasForeignKey(row => row.CompanyId).OnDelete(DeleteBehavior.Restrict);
        coupon.HasOne<Category>().WithMany().HasForeignKey(row => row.CategoryId).OnDelete(DeleteBehavior.Restrict);
    }
}

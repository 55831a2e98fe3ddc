using Kashif.Coupons.Points;
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
    public const int AreaLength = 50;
    public const int MaxPointsCost = 1_000_000;
    public const int MaxStock = 1_000_000;
    public const int MaxLevel = 1000;

    /// <summary>The most that restocking adds over time. Keeps the sum within an integer.</summary>
    private const int MaxRestocked = 1_000_000_000;

    public int Id { get; init; }
    public int CompanyId { get; init; }
    public int CategoryId { get; set; }
    public required string Title { get; set; }
    public required string Description { get; set; }
    public int PointsCost { get; set; }

    /// <summary>How many are left.</summary>
    public int Stock { get; set; }
    public int InitialStock { get; init; }
    public int Restocked { get; set; }

    /// <summary>The most one user may redeem; null means no limit.</summary>
    public int? PerUserLimit { get; set; }
    public DateTimeOffset StartsAt { get; set; }

    /// <summary>When the offer and its codes expire; null means never.</summary>
    public DateTimeOffset? EndsAt { get; set; }
    public string? Terms { get; set; }

    /// <summary>The lowest level of users who may redeem it; null for all.</summary>
    public int? MinLevel { get; set; }

    /// <summary>The area from which users must have points to redeem it; null for all.</summary>
    public string? Area { get; set; }

    /// <summary>Where its codes come from; never changes.</summary>
    public CodeMode CodeMode { get; init; }

    /// <summary>The code of all redemptions, if it is <see cref="CodeMode.Shared"/>.</summary>
    public string? SharedCode { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>From then on it is not on offer. Codes that were issued before stay valid.</summary>
    public DateTimeOffset? WithdrawnAt { get; private set; }

    /// <summary>1 when created, incremented at each change of the coupon or its stock: the order of the coupon's events.</summary>
    public int Version { get; set; } = 1;

    /// <summary>1 when created, incremented by each change of the coupon, not of its stock.</summary>
    public int Revision { get; private set; } = 1;

    public CouponUpdated ToEvent() => new(Id, Title, WithdrawnAt is null ? Stock : 0, StartsAt, EndsAt, CompanyId, Version);

    /// <returns>Whether the user's level and areas suffice; null if the account does not say.</returns>
    public bool? IsFor(BalanceResponse account) =>
        (MinLevel is not null && account.Level is null) || (Area is not null && account.Areas is null) ? null
        : (MinLevel is not { } level || account.Level >= level) && (Area is not { } area || account.Areas?.Contains(area) == true);

    /// <summary>Call it after a change. The coupon's row is locked.</summary>
    public void Changed()
    {
        Version++;
        Revision++;
    }

    public void Withdraw(DateTimeOffset now)
    {
        WithdrawnAt = now;
        Changed();
    }

    /// <returns>Whether the stock is not too large.</returns>
    public bool TryRestock(int quantity)
    {
        if (Stock > MaxStock - quantity || Restocked > MaxRestocked - quantity)
        {
            return false;
        }

        Stock += quantity;
        Restocked += quantity;
        Changed();
        return true;
    }
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
            table.HasCheckConstraint("ck_coupons_shared_code", "(shared_code IS NOT NULL) = (code_mode = 'shared')");
        });
        coupon.Property(row => row.CodeMode).HasMaxLength(20).HasDefaultValue(CodeMode.Generated).HasSentinel(CodeMode.Generated)
            .HasConversion(mode => mode.ToString().ToLowerInvariant(), text => Enum.Parse<CodeMode>(text, ignoreCase: true));
        coupon.Property(row => row.SharedCode).HasMaxLength(CodeFormat.MaxLength);
        coupon.Property(row => row.Area).HasMaxLength(Coupon.AreaLength);
        coupon.Property(row => row.Revision).HasDefaultValue(1); // for inserts of the version before
        coupon.Property(row => row.Version).HasDefaultValue(1); // for inserts of the version before
        coupon.HasOne<Company>().WithMany().HasForeignKey(row => row.CompanyId).OnDelete(DeleteBehavior.Restrict);
        coupon.HasOne<Category>().WithMany().HasForeignKey(row => row.CategoryId).OnDelete(DeleteBehavior.Restrict);
    }
}

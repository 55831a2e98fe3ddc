using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Catalog;

internal enum StockMovementKind
{
    /// <summary>The stock of a new coupon.</summary>
    Initial,

    /// <summary>Added by the company or an admin.</summary>
    Restocked,

    /// <summary>Taken by a redemption.</summary>
    Reserved,

    /// <summary>Given back by a cancelled redemption.</summary>
    Released,

    /// <summary>Taken out of the offer: a code that its user has seen is not given again.</summary>
    Voided,

    /// <summary>A difference from before the ledger.</summary>
    Corrected,
}

/// <summary>An entry of the stock ledger. Written in the transaction of the change: a coupon's stock is the sum of its movements.</summary>
internal sealed class StockMovement
{
    public long Id { get; init; }
    public int CouponId { get; init; }
    public StockMovementKind Kind { get; init; }

    /// <summary>Positive if added to the stock; never zero.</summary>
    public int Quantity { get; init; }
    public Guid? RedemptionId { get; init; }

    /// <summary>The partner or admin; null for a redemption.</summary>
    public Guid? ActorId { get; init; }
    public DateTimeOffset At { get; init; }

    public static StockMovement Of(Coupon coupon, StockMovementKind kind, int quantity, Guid actor, DateTimeOffset now) =>
        new() { CouponId = coupon.Id, Kind = kind, Quantity = quantity, ActorId = actor, At = now };
}

internal sealed class StockMovementConfiguration : IEntityTypeConfiguration<StockMovement>
{
    public void Configure(EntityTypeBuilder<StockMovement> movement)
    {
        movement.ToTable("stock_movements", table => table.HasCheckConstraint("ck_stock_movements_quantity", "quantity <> 0"));
        movement.Property(row => row.Kind).HasMaxLength(20).HasConversion(
            kind => kind.ToString().ToLowerInvariant(), text => Enum.Parse<StockMovementKind>(text, ignoreCase: true));
        movement.HasOne<Coupon>().WithMany().HasForeignKey(row => row.CouponId).OnDelete(DeleteBehavior.Restrict);
        movement.HasIndex(row => new { row.CouponId, row.Id });

        // A redemption takes one and gives it back once.
        movement.HasIndex(row => new { row.RedemptionId, row.Kind }).IsUnique().HasFilter("redemption_id IS NOT NULL");
        movement.HasIndex(row => row.ActorId).HasFilter("actor_id IS NOT NULL");
    }
}

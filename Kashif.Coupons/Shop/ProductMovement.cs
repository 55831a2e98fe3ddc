using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Shop;

/// <summary>Why a stock changed.</summary>
internal enum MovementKind
{
    /// <summary>New items arrived.</summary>
    Received,

    /// <summary>An order holds the items until it is paid.</summary>
    Reserved,

    /// <summary>An order was cancelled before it was paid.</summary>
    Released,

    /// <summary>An order was paid; the items are its buyer's.</summary>
    Sold,

    /// <summary>A paid order was cancelled.</summary>
    Returned,

    /// <summary>Counted, lost, damaged: a correction up or down.</summary>
    Adjusted,
}

/// <summary>A change of a product's stock. Append-only.</summary>
internal sealed class ProductMovement
{
    public const int ReasonLength = 200;

    public int ProductId { get; init; }

    /// <summary>Of the product's stock after the movement.</summary>
    public int Version { get; init; }
    public MovementKind Kind { get; init; }

    /// <summary>Positive; an adjustment may be negative.</summary>
    public int Quantity { get; init; }

    /// <summary>After the movement, as is <see cref="Reserved"/>.</summary>
    public int OnHand { get; init; }
    public int Reserved { get; init; }

    /// <summary>The order that caused it.</summary>
    public Guid? OrderId { get; init; }

    /// <summary>The reason given for an adjustment.</summary>
    public string? Reason { get; init; }

    /// <summary>The partner or admin; null for a movement of an order.</summary>
    public Guid? ActorId { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class ProductMovementConfiguration : IEntityTypeConfiguration<ProductMovement>
{
    public void Configure(EntityTypeBuilder<ProductMovement> movement)
    {
        movement.ToTable("product_movements", table =>
            table.HasCheckConstraint("ck_product_movements_quantity", "quantity > 0 OR kind = 'adjusted' AND quantity <> 0"));
        movement.HasKey(row => new { row.ProductId, row.Version });
        movement.Property(row => row.Kind).HasMaxLength(20).HasConversion(
            kind => kind.ToString().ToLowerInvariant(), text => Enum.Parse<MovementKind>(text, ignoreCase: true));
        movement.HasOne<Product>().WithMany().HasForeignKey(row => row.ProductId).OnDelete(DeleteBehavior.Restrict);
        movement.HasOne<Order>().WithMany().HasForeignKey(row => row.OrderId).OnDelete(DeleteBehavior.Restrict);
        movement.HasIndex(row => row.ActorId).HasFilter("actor_id IS NOT NULL");
    }
}

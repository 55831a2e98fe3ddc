using System.Diagnostics;
using Kashif.Coupons.Catalog;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Shop;

/// <summary>A physical reward that users order with points, and its stock.</summary>
/// <remarks>
/// Changed only under the lock of <see cref="Stock.LockAsync"/>. Invariant: <see cref="OnHand"/> and <see cref="Reserved"/> are the sums
/// of the product's movements.
/// </remarks>
internal sealed class Product
{
    public const int NameLength = 200;
    public const int TextLength = 4000;
    public const int MaxPointsCost = 1_000_000;
    public const int MaxStock = 1_000_000_000;

    public int Id { get; init; }
    public required string Sku { get; init; }
    public required string Name { get; set; }
    public required string Description { get; set; }
    public int CategoryId { get; set; }

    /// <summary>The company that offers it; null for the city's own.</summary>
    public int? CompanyId { get; init; }
    public int PointsCost { get; set; }

    /// <summary>The items in the warehouse, reserved ones included.</summary>
    public int OnHand { get; private set; }

    /// <summary>The items of orders that are not paid yet.</summary>
    public int Reserved { get; private set; }

    /// <summary>Incremented at each movement: the order of the stock's events.</summary>
    public int StockVersion { get; private set; }

    /// <summary>1 when created, incremented at each change except of the stock: the order of the product's events.</summary>
    public int Version { get; set; } = 1;
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the product was taken from the shop; it stays for its orders.</summary>
    public DateTimeOffset? WithdrawnAt { get; set; }

    public int Available => OnHand - Reserved;

    /// <summary>Changes the stock. The caller checks that enough is available; the database refuses less than nothing.</summary>
    /// <returns>The movement, for the caller to save.</returns>
    public ProductMovement Move(MovementKind kind, int quantity, DateTimeOffset now, Guid? orderId = null, Guid? actorId = null, string? reason = null)
    {
        var (onHand, reserved) = kind switch
        {
            MovementKind.Received or MovementKind.Returned or MovementKind.Adjusted => (quantity, 0),
            MovementKind.Reserved => (0, quantity),
            MovementKind.Released => (0, -quantity),
            MovementKind.Sold => (-quantity, -quantity),
            _ => throw new UnreachableException(),
        };
        OnHand += onHand;
        Reserved += reserved;
        StockVersion++;
        return new ProductMovement
        {
            ProductId = Id,
            Version = StockVersion,
            Kind = kind,
            Quantity = quantity,
            OnHand = OnHand,
            Reserved = Reserved,
            OrderId = orderId,
            Reason = reason,
            ActorId = actorId,
            CreatedAt = now,
        };
    }

    public ProductCreated ToCreated() => new(Sku, Name, CategoryId, CompanyId, PointsCost, Version);

    public ProductUpdated ToUpdated() => new(Sku, Name, CategoryId, CompanyId, PointsCost, Version);

    public InventoryUpdated ToInventory() => new(Sku, OnHand, Reserved, Available, CompanyId, StockVersion);
}

internal sealed class ProductConfiguration : IEntityTypeConfiguration<Product>
{
    public void Configure(EntityTypeBuilder<Product> product)
    {
        product.ToTable("products", table =>
        {
            table.HasCheckConstraint("ck_products_stock", "reserved >= 0 AND on_hand >= reserved");
            table.HasCheckConstraint("ck_products_points_cost", "points_cost > 0");
        });
        product.Property(row => row.Sku).HasMaxLength(Sku.MaxLength);
        product.HasIndex(row => row.Sku).IsUnique();
        product.HasOne<Company>().WithMany().HasForeignKey(row => row.CompanyId).OnDelete(DeleteBehavior.Restrict);
        product.HasOne<Category>().WithMany().HasForeignKey(row => row.CategoryId).OnDelete(DeleteBehavior.Restrict);
    }
}

using System.Text.Json;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Shop;

public enum OrderStatus
{
    /// <summary>The items are reserved; the points may or may not be debited yet.</summary>
    Placed,

    /// <summary>The points are debited and the items sold.</summary>
    Paid,

    /// <summary>The items are ready for the carrier.</summary>
    Packed,

    /// <summary>The carrier has the items.</summary>
    Shipped,

    /// <summary>The buyer has the items.</summary>
    Delivered,

    /// <summary>Cancelled; the points are given back if they are debited. No worker pays it any more.</summary>
    Cancelling,

    /// <summary>The points are not debited, or given back, and the items are available again.</summary>
    Cancelled,
}

internal static class OrderStatuses
{
    extension(OrderStatus status)
    {
        public string WireName => status.ToString().ToLowerInvariant();
    }
}

/// <summary>Why an order was cancelled.</summary>
internal static class CancelReasons
{
    public const string InsufficientPoints = "insufficient_points";
    public const string Buyer = OrderCancelled.ByBuyer;

    /// <summary>The points could not be debited in time.</summary>
    public const string ReservationExpired = "reservation_expired";
    public const string Seller = "seller";

    /// <summary>The buyer deleted the account before the items were shipped.</summary>
    public const string AccountDeleted = "account_deleted";
}

/// <summary>A user's order of products and the state of its saga, changed only by <see cref="OrderSaga"/> under a lock.</summary>
internal sealed class Order
{
    public Guid Id { get; init; }
    public Guid UserId { get; init; }
    public OrderStatus Status { get; private set; }

    /// <summary>Fixed when the order is placed.</summary>
    public int TotalPoints { get; init; }

    /// <summary>Null once the buyer's account is deleted.</summary>
    public Address? ShippingAddress { get; init; }

    /// <summary>Null if it is the shipping address.</summary>
    public Address? BillingAddress { get; init; }

    /// <summary>Of <see cref="CancelReasons"/>; null unless it is cancelled or about to be.</summary>
    public string? CancelReason { get; private set; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the order reached its status.</summary>
    public required DateTimeOffset UpdatedAt { get; set; }

    /// <summary>When the points were debited: its items are sold, no longer reserved.</summary>
    public DateTimeOffset? PaidAt { get; private set; }

    /// <summary>1 when placed, incremented at each change: the ETag, and the order of the order's events.</summary>
    public int Version { get; private set; } = 1;

    /// <summary>While placed: recovery cancels it from then on. Null for one that a former version has placed.</summary>
    public DateTimeOffset? ReservedUntil { get; init; }

    /// <summary>While open: recovery skips the order until this time, because another worker has it.</summary>
    public DateTimeOffset LeasedUntil { get; set; }

    public List<OrderItem> Items { get; init; } = [];

    /// <summary>Whether the points are still to be debited or given back.</summary>
    public bool IsOpen => Status is OrderStatus.Placed or OrderStatus.Cancelling;

    /// <param name="now">Made later than the change before, because clocks of replicas differ: payments sort by it.</param>
    public void Reach(OrderStatus status, DateTimeOffset now, string? cancelReason = null)
    {
        UpdatedAt = now > UpdatedAt ? now : UpdatedAt.AddMicroseconds(1);
        PaidAt = status == OrderStatus.Paid ? UpdatedAt : PaidAt;
        CancelReason = cancelReason ?? CancelReason;
        Status = status;
        Version++;
    }
}

/// <summary>A product of an order, as it was when the order was placed.</summary>
internal sealed class OrderItem
{
    public Guid OrderId { get; init; }
    public int ProductId { get; init; }
    public required string Sku { get; init; }
    public required string Name { get; init; }
    public int? CompanyId { get; init; }
    public int Quantity { get; init; }

    /// <summary>The price of one.</summary>
    public int PointsCost { get; init; }
}

internal sealed class OrderConfiguration : IEntityTypeConfiguration<Order>
{
    public void Configure(EntityTypeBuilder<Order> order)
    {
        order.ToTable("orders", table =>
        {
            table.HasCheckConstraint("ck_orders_total_points", "total_points > 0");
            table.HasCheckConstraint("ck_orders_cancel_reason", "(cancel_reason IS NOT NULL) = (status IN ('cancelling', 'cancelled'))");
            table.HasCheckConstraint("ck_orders_paid_at", "CASE status WHEN 'placed' THEN paid_at IS NULL WHEN 'cancelling' THEN true WHEN 'cancelled' THEN true ELSE paid_at IS NOT NULL END");
        });
        order.Property(row => row.Id).ValueGeneratedNever();
        order.Property(row => row.Status).HasMaxLength(20).HasConversion(
            status => status.ToString().ToLowerInvariant(), text => Enum.Parse<OrderStatus>(text, ignoreCase: true));
        order.Property(row => row.CancelReason).HasMaxLength(30);
        order.Property(row => row.ShippingAddress).HasColumnType("jsonb").HasConversion(address => Write(address), json => Read(json));
        order.Property(row => row.BillingAddress).HasColumnType("jsonb").HasConversion(address => Write(address), json => Read(json));
        order.HasIndex(row => new { row.UserId, row.Id });
        order.HasIndex(row => row.UserId).HasFilter("status IN ('placed', 'cancelling')");
        order.HasIndex(row => row.LeasedUntil).HasFilter("status IN ('placed', 'cancelling')");
    }

    private static string Write(Address? address) => JsonSerializer.Serialize(address, CouponsJson.Default.Address);

    private static Address? Read(string json) => JsonSerializer.Deserialize(json, CouponsJson.Default.Address);
}

internal sealed class OrderItemConfiguration : IEntityTypeConfiguration<OrderItem>
{
    public void Configure(EntityTypeBuilder<OrderItem> item)
    {
        item.ToTable("order_items", table => table.HasCheckConstraint("ck_order_items_quantity", "quantity > 0 AND points_cost > 0"));
        item.HasKey(row => new { row.OrderId, row.ProductId });
        item.Property(row => row.Sku).HasMaxLength(Sku.MaxLength);
        item.HasOne<Order>().WithMany(row => row.Items).HasForeignKey(row => row.OrderId).OnDelete(DeleteBehavior.Cascade);
        item.HasOne<Product>().WithMany().HasForeignKey(row => row.ProductId).OnDelete(DeleteBehavior.Restrict);
        item.HasIndex(row => new { row.CompanyId, row.OrderId }); // a company's orders
    }
}

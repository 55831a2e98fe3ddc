using System.Globalization;

namespace Kashif.Messaging.Events;

public sealed record CouponRedeemed(Guid RedemptionId, Guid UserId, int CouponId, string Title, string Code, int PointsSpent) : IUserEvent
{
    public static string Type => "coupon.redeemed";
    string IIntegrationEvent.Subject => RedemptionId.ToString();
}

/// <summary>A coupon is new, changed or withdrawn, has sold out, or is back in stock. Not published for a redemption that leaves some.</summary>
/// <param name="Stock">How many are left; 0 if it is withdrawn.</param>
/// <param name="EndsAt">When the offer expires; null means never.</param>
/// <param name="Version">Greater at each change of the coupon or its stock: orders the events of one coupon.</param>
public sealed record CouponUpdated(
    int CouponId, string Title, int Stock, DateTimeOffset StartsAt, DateTimeOffset? EndsAt, int? CompanyId, int Version) : IIntegrationEvent
{
    public static string Type => "coupon.updated";
    string IIntegrationEvent.Subject => CouponId.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A user is a partner of a company, or is none any more.</summary>
/// <param name="Version">Greater at each change of the company's partners: orders the events of one company. 0 for partners from before this event.</param>
public sealed record CompanyPartnerUpdated(int CompanyId, Guid UserId, bool IsPartner, int Version) : IUserEvent
{
    public static string Type => "company.partner_updated";
    string IIntegrationEvent.Subject => CompanyId.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A product is in the shop. <see cref="ProductUpdated"/> has the same fields.</summary>
/// <param name="CompanyId">Null for the city's own products.</param>
/// <param name="Version">1, greater at each change: orders the events of one product.</param>
public sealed record ProductCreated(string Sku, string Name, int CategoryId, int? CompanyId, int PointsCost, int Version) : IIntegrationEvent
{
    public static string Type => "product.created";
    string IIntegrationEvent.Subject => Sku;
}

public sealed record ProductUpdated(string Sku, string Name, int CategoryId, int? CompanyId, int PointsCost, int Version) : IIntegrationEvent
{
    public static string Type => "product.updated";
    string IIntegrationEvent.Subject => Sku;
}

/// <summary>A product was taken from the shop. Its orders go on.</summary>
public sealed record ProductDeleted(string Sku, int? CompanyId, int Version) : IIntegrationEvent
{
    public static string Type => "product.deleted";
    string IIntegrationEvent.Subject => Sku;
}

/// <summary>The stock of a product has changed.</summary>
/// <param name="Available">On hand less reserved.</param>
/// <param name="Version">Greater at each movement: orders the events of one stock.</param>
public sealed record InventoryUpdated(string Sku, int OnHand, int Reserved, int Available, int? CompanyId, int Version) : IIntegrationEvent
{
    public static string Type => "inventory.updated";
    string IIntegrationEvent.Subject => Sku;
}

/// <summary>A user has placed an order. It is not paid yet. No event of an order has its addresses.</summary>
/// <param name="Version">1, greater at each change: orders the events of one order.</param>
public sealed record OrderCreated(Guid OrderId, Guid UserId, OrderedProduct[] Items, int TotalPoints, int Version) : IUserEvent
{
    public static string Type => "order.created";
    string IIntegrationEvent.Subject => OrderId.ToString();
}

/// <param name="PointsCost">The price of one.</param>
public sealed record OrderedProduct(string Sku, int Quantity, int PointsCost);

/// <summary>An order is paid, packed, shipped or delivered, or begins to be cancelled.</summary>
/// <param name="UserId">Whose order it is; the empty id where the person has deleted their account.</param>
public sealed record OrderUpdated(Guid OrderId, Guid UserId, string From, string To, int Version) : IUserEvent
{
    public static string Type => "order.updated";
    string IIntegrationEvent.Subject => OrderId.ToString();
}

/// <summary>An order is cancelled: its items are available again and its points given back.</summary>
/// <param name="UserId">Whose order it is; the empty id where the person has deleted their account.</param>
/// <param name="Reason"><c>insufficient_points</c>, <c>reservation_expired</c>, <see cref="ByBuyer"/>, <c>seller</c> or <c>account_deleted</c>.</param>
/// <param name="PointsRefunded">0 if it was not paid.</param>
public sealed record OrderCancelled(Guid OrderId, Guid UserId, string Reason, int PointsRefunded, int Version) : IUserEvent
{
    public const string ByBuyer = "buyer";

    public static string Type => "order.cancelled";
    string IIntegrationEvent.Subject => OrderId.ToString();
}

/// <summary>The points of an order are debited, or given back.</summary>
/// <param name="UserId">Whose order it is; the empty id where the person has deleted their account.</param>
/// <param name="Kind"><see cref="Debit"/> or <see cref="Refund"/>.</param>
public sealed record PaymentProcessed(Guid OrderId, Guid UserId, string Kind, int Points) : IUserEvent
{
    public const string Debit = "debit";
    public const string Refund = "refund";

    public static string Type => "payment.processed";
    string IIntegrationEvent.Subject => OrderId.ToString();
}

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

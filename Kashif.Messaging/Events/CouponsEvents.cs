namespace Kashif.Messaging.Events;

public sealed record CouponRedeemed(Guid RedemptionId, Guid UserId, int CouponId, string Title, string Code, int PointsSpent) : IUserEvent
{
    public static string Type => "coupon.redeemed";
    string IIntegrationEvent.Subject => RedemptionId.ToString();
}

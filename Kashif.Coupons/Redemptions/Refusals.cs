namespace Kashif.Coupons.Redemptions;

/// <summary>Why a user cannot redeem a coupon, as <c>validate</c> answers it.</summary>
internal static class Refusals
{
    public const string Withdrawn = "withdrawn";
    public const string NotStarted = "not_started";
    public const string Ended = "ended";
    public const string OutOfStock = "out_of_stock";
    public const string PerUserLimit = "per_user_limit";
    public const string Cancellations = "too_many_cancellations";
    public const string NotEligible = "not_eligible";
    public const string InsufficientPoints = "insufficient_points";
}

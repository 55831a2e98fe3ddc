namespace Kashif.Coupons.Catalog;

/// <summary>Where the codes of a coupon come from.</summary>
public enum CodeMode
{
    /// <summary>Each redemption gets a new random code.</summary>
    Generated,

    /// <summary>Each redemption gets one of the codes that the company has added. They are the stock.</summary>
    Pool,

    /// <summary>All redemptions get the same code.</summary>
    Shared,
}

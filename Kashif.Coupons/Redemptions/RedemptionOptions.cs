using System.ComponentModel.DataAnnotations;

namespace Kashif.Coupons.Redemptions;

/// <summary>Section <c>Redemptions</c>.</summary>
internal sealed class RedemptionOptions
{
    public const string Section = "Redemptions";

    /// <summary>
    /// How long a request waits for the debit before it returns 202 and leaves the redemption to the recovery pass. Before, it waits at
    /// most a quarter of this time for the balance.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "Redemptions:DebitTimeout must be from 0.1 s to one minute.")]
    public TimeSpan DebitTimeout { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>How often the recovery pass looks for open redemptions.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ErrorMessage = "Redemptions:RecoveryInterval must be from 0.1 s to one hour.")]
    public TimeSpan RecoveryInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long one worker holds a redemption. Keep it longer than <see cref="DebitTimeout"/>, or two workers do the same work (harmless).</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ErrorMessage = "Redemptions:Lease must be from 0.1 s to one hour.")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a redemption or an order keeps its items while its points are not debited. Then it is cancelled, and a debit that comes
    /// later is given back. A new value applies to new redemptions and orders.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "1.00:00:00", ErrorMessage = "Redemptions:ReserveFor must be from one minute to one day.")]
    public TimeSpan ReserveFor { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long after its completion a user can cancel a redemption. Zero: not at all.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00", ErrorMessage = "Redemptions:CancelWithin must be from zero to 30 days.")]
    public TimeSpan CancelWithin { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// How often one user may cancel redemptions of one coupon. Each cancellation of a coupon with a pool of codes costs its company a code.
    /// </summary>
    [Range(1, 1000, ErrorMessage = "Redemptions:CancelsPerCoupon must be from 1 to 1000.")]
    public int CancelsPerCoupon { get; set; } = 3;

    /// <summary>How many redemptions of one user may wait for their debit at once. Each holds an item of the stock.</summary>
    [Range(1, 1000, ErrorMessage = "Redemptions:OpenPerUser must be from 1 to 1000.")]
    public int OpenPerUser { get; set; } = 3;
}

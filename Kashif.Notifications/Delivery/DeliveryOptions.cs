using System.ComponentModel.DataAnnotations;

namespace Kashif.Notifications.Delivery;

/// <summary>Section <c>Delivery</c>: how pushes and mails are sent.</summary>
internal sealed class DeliveryOptions
{
    public const string Section = "Delivery";

    /// <summary>How many pushes are sent at once: no more than Firebase takes in one call.</summary>
    [Range(1, 500)]
    public int Batch { get; set; } = 500;

    [Range(1, 20)]
    public int MaxAttempts { get; set; } = 12;

    /// <summary>The wait after the first failure; it doubles with each further one, up to <see cref="LongestRetryDelay"/>.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(10);

    public TimeSpan LongestRetryDelay { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long an attempt may take before its delivery counts as pending again: longer than the push service or a mail server ever takes.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How often deliveries are looked for that nobody announced: another replica's, retries, those of a process that died.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(1);
}

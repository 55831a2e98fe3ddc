using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Ledger;

/// <summary>When earned points expire.</summary>
internal sealed class ExpiryPolicy(IOptions<PointsOptions> options)
{
    /// <param name="days">What the rule says; null for the default.</param>
    /// <returns>Null for never.</returns>
    public DateTimeOffset? ExpiryOf(DateTimeOffset earnedAt, int? days) =>
        earnedAt + (days is { } own ? TimeSpan.FromDays(own) : options.Value.ExpiresAfter);
}

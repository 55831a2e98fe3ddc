using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Ledger;

/// <summary>When earned points expire.</summary>
internal sealed class ExpiryPolicy(IOptions<PointsOptions> options)
{
    /// <returns>Null for never.</returns>
    public DateTimeOffset? DefaultOf(DateTimeOffset earnedAt) => earnedAt + options.Value.ExpiresAfter;
}

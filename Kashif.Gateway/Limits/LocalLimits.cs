using System.Threading.RateLimiting;

namespace Kashif.Gateway.Limits;

/// <summary>The same limits, counted by this gateway alone.</summary>
internal sealed class LocalLimits : IDisposable
{
    private readonly PartitionedRateLimiter<(LimitPolicy Policy, string Caller)> _limiter =
        PartitionedRateLimiter.Create<(LimitPolicy Policy, string Caller), string>(request =>
            RateLimitPartition.GetSlidingWindowLimiter(request.Caller, _ => new SlidingWindowRateLimiterOptions
            {
                PermitLimit = (int)request.Policy.Permits,
                Window = request.Policy.Window,
                SegmentsPerWindow = LimitPolicy.Segments,
            }));

    public Decision Take(LimitPolicy policy, string caller)
    {
        using var lease = _limiter.AttemptAcquire((policy, caller));
        return lease.IsAcquired
            ? new Decision(true, _limiter.GetStatistics((policy, caller))?.CurrentAvailablePermits ?? 0, policy.Window)
            : new Decision(false, 0, lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : policy.Segment);
    }

    public void Dispose() => _limiter.Dispose();
}

using System.Threading.RateLimiting;

namespace Kashif.Gateway.Limits;

/// <summary>The limits counted by this gateway alone.</summary>
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
        var remaining = lease.IsAcquired ? _limiter.GetStatistics((policy, caller))?.CurrentAvailablePermits ?? 0 : 0;

        // The lease has no retry time (https://github.com/dotnet/aspnetcore/issues/52411): use the whole window.
        return new Decision(lease.IsAcquired, remaining, policy.Window);
    }

    public void Dispose() => _limiter.Dispose();
}

using System.Runtime.CompilerServices;
using Kashif.Shutdown;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Kashif.Gateway.Routing;

/// <summary>
/// Sends no requests to a replica that says in a response that it drains, for <see cref="ProxyOptions.Reactivation"/>, if there are others.
/// Apart from YARP's passive health, which each successful response sets back.
/// </summary>
internal sealed class DrainingReplicas(TimeProvider time, IOptions<ProxyOptions> options)
{
    private readonly ConditionalWeakTable<DestinationState, StrongBox<long>> _drainingSince = [];
    private long _last = long.MinValue;

    /// <summary>Before the retries, which choose among the replicas that this leaves.</summary>
    public Task AvoidAsync(HttpContext context, RequestDelegate next)
    {
        var last = Volatile.Read(ref _last);
        if (last != long.MinValue && IsRecent(last))
        {
            var proxy = context.GetReverseProxyFeature();
            DestinationState[] others = [.. proxy.AvailableDestinations.Where(replica => !IsDraining(replica))];
            if (others is [])
            {
                // A replica that was down counts as failing for up to a minute after it is back, unlike in the probes.
                others = [.. proxy.AllDestinations.Where(replica => !IsDraining(replica) && replica.Health.Active is not DestinationHealth.Unhealthy)];
            }

            proxy.AvailableDestinations = others is [] ? proxy.AvailableDestinations : others;
        }

        return next(context);
    }

    public void AddTransforms(TransformBuilderContext context) => context.AddResponseTransform(response =>
    {
        if (response.ProxyResponse?.Headers.Contains(Draining.Header) == true)
        {
            response.HttpContext.Response.Headers.Remove(Draining.Header);
            if (response.HttpContext.GetReverseProxyFeature().ProxiedDestination is { } replica)
            {
                var now = time.GetTimestamp();
                Volatile.Write(ref _drainingSince.GetOrCreateValue(replica).Value, now);
                Volatile.Write(ref _last, now);
            }
        }

        return default;
    });

    private bool IsDraining(DestinationState replica) => _drainingSince.TryGetValue(replica, out var since) && IsRecent(Volatile.Read(ref since.Value));

    private bool IsRecent(long timestamp) => time.GetElapsedTime(timestamp) < options.Value.Reactivation;
}

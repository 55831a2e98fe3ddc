using Kashif.Cache;
using Microsoft.Extensions.Caching.Memory;

namespace Kashif.Gateway.Limits;

/// <summary>
/// Counts each caller's requests in Redis for all gateways together, exactly for any window. One round trip per request, none for
/// a caller over the limit. While Redis is unreachable, each gateway counts alone.
/// </summary>
internal sealed class SharedLimits(RedisCircuit redis, LocalLimits local, LimitMetrics metrics, TimeProvider time) : IDisposable
{
    private const int MaxRejectedCallers = 50_000;

    /// <summary>
    /// A hash of segments and the requests allowed in each, by Redis' clock, which all gateways share.
    /// Returns whether the request is allowed (1 or 0), how many more are, and the milliseconds until the oldest segment expires.
    /// </summary>
    private const string Script = """
        local limit, segment, segments = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local time = redis.call('TIME')
        local now = time[1] * 1000 + time[2] / 1000
        local current = math.floor(now / segment)
        local used, oldest = 0, current
        local passed = redis.call('HGETALL', KEYS[1])
        for i = 1, #passed, 2 do
            local at = tonumber(passed[i])
            if at < current - segments then
                redis.call('HDEL', KEYS[1], passed[i])
            else
                used = used + tonumber(passed[i + 1])
                if at < oldest then oldest = at end
            end
        end
        local reset = math.ceil((oldest + segments + 1) * segment - now)
        if used >= limit then return { 0, 0, reset } end
        redis.call('HINCRBY', KEYS[1], string.format('%d', current), 1)
        redis.call('PEXPIRE', KEYS[1], math.ceil(segment * (segments + 1)))
        return { 1, limit - used - 1, reset }
        """;

    /// <summary>Callers over their limit and until when. Callers beyond the size limit are checked in Redis.</summary>
    private readonly MemoryCache _rejectedUntil = new(new MemoryCacheOptions { SizeLimit = MaxRejectedCallers });

    /// <summary>Whether Redis is in use.</summary>
    public bool IsShared => redis.IsClosed;

    /// <param name="caller">The key of the limit and the caller.</param>
    public async ValueTask<Decision> TakeAsync(LimitPolicy policy, string caller)
    {
        var now = time.GetTimestamp();
        if (_rejectedUntil.TryGetValue(caller, out long until) && until > now)
        {
            return new Decision(false, 0, time.GetElapsedTime(now, until));
        }

        var result = await redis.EvaluateAsync(
            Script, [$"gateway.limits:{caller}"], [policy.Permits, policy.Segment.TotalMilliseconds, LimitPolicy.Segments], CancellationToken.None);
        if (result is null)
        {
            metrics.Local();
            return local.Take(policy, caller);
        }

        var (allowed, remaining, reset) = ((bool)result[0], (long)result[1], TimeSpan.FromMilliseconds((long)result[2]));
        if (!allowed)
        {
            until = time.GetTimestamp() + (long)(reset.TotalSeconds * time.TimestampFrequency);
            _rejectedUntil.Set(caller, until, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = reset });
        }

        return new Decision(allowed, remaining, reset);
    }

    public void Dispose() => _rejectedUntil.Dispose();
}

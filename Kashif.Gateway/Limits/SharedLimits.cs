using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Kashif.Gateway.Limits;

/// <summary>
/// Counts every caller's requests in Redis, for all gateways together: in any window there are at most so many as the limit
/// says. One round trip a request at the most. While Redis is away each gateway counts by itself, and nobody waits for it:
/// the first request that it leaves without an answer opens the circuit, and a probe in the background closes it.
/// </summary>
internal sealed partial class SharedLimits(
    Lazy<IConnectionMultiplexer> redis, LocalLimits local, LimitMetrics metrics, IOptions<RateLimitOptions> options,
    TimeProvider time, ILogger<SharedLimits> logger) : BackgroundService
{
    private const int MostKept = 50_000;
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A hash of segments and the permits taken in each. By Redis' own clock, which all gateways share.
    /// Answers what was granted (0: nothing), what is left, and the milliseconds until the oldest segment leaves.
    /// </summary>
    private const string Script = """
        local limit, segment, segments, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
        local time = redis.call('TIME')
        local now = time[1] * 1000 + time[2] / 1000
        local current = math.floor(now / segment)
        local used, oldest = 0, current
        local taken = redis.call('HGETALL', KEYS[1])
        for i = 1, #taken, 2 do
            local at = tonumber(taken[i])
            if at < current - segments then
                redis.call('HDEL', KEYS[1], taken[i])
            else
                used = used + tonumber(taken[i + 1])
                if at < oldest then oldest = at end
            end
        end
        local granted = math.max(0, math.min(wanted, limit - used))
        if granted > 0 then
            redis.call('HINCRBY', KEYS[1], string.format('%d', current), string.format('%d', granted))
            redis.call('PEXPIRE', KEYS[1], math.ceil(segment * (segments + 1)))
        end
        return { granted, limit - used - granted, math.ceil((oldest + segments + 1) * segment - now) }
        """;

    /// <summary>Whatever keeps Redis from counting, not only from answering, keeps the circuit open.</summary>
    private static readonly LimitPolicy Probe = new("probe", 1, TimeSpan.FromSeconds(1), ByAddress: false);

    private static readonly byte[] ScriptHash = SHA1.HashData(Encoding.UTF8.GetBytes(Script));

    /// <summary>What needs no question to Redis: permits that were fetched ahead, and callers who have none for a while.</summary>
    private readonly ConcurrentDictionary<string, Kept> _kept = new(StringComparer.Ordinal);

    /// <summary>Who is being asked for right now.</summary>
    private readonly ConcurrentDictionary<string, Task> _fetching = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _probed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _keptCount;
    private int _isThere;

    /// <summary>Whether Redis decides.</summary>
    public bool IsShared => Volatile.Read(ref _isThere) == 1;

    /// <param name="caller">Names the limit and who is under it.</param>
    public ValueTask<Decision> TakeAsync(LimitPolicy policy, string caller)
    {
        if (_kept.TryGetValue(caller, out var kept) && kept.TryTake(time.GetTimestamp(), time, out var decision))
        {
            return new(decision);
        }

        return !IsShared ? new(TakeAlone(policy, caller))
            : new(policy.Chunk == 1 ? AskAsync(policy, caller) : FetchAsync(policy, caller));
    }

    /// <summary>Waits a moment for the first connection: what is asked first shall be counted where all the rest is.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await Task.WhenAny(_probed.Task, Task.Delay(LongestStart, time, cancellationToken));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Connecting blocks, and waits for a server that is away.
        await Task.Run(() => redis.Value, stoppingToken);
        using var timer = new PeriodicTimer(ProbeInterval, time);
        do
        {
            if (!IsShared && await AnswersAsync())
            {
                Interlocked.Exchange(ref _isThere, 1);
                Shared(logger);
            }

            _probed.TrySetResult();
            Forget();
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>One at a time: many who fetch at once would take what they do not need.</summary>
    private async Task<Decision> FetchAsync(LimitPolicy policy, string caller)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var running = _fetching.GetOrAdd(caller, done.Task); running != done.Task; running = _fetching.GetOrAdd(caller, done.Task))
        {
            await running;
            if (_kept.TryGetValue(caller, out var kept) && kept.TryTake(time.GetTimestamp(), time, out var decision))
            {
                return decision;
            }

            if (!IsShared)
            {
                return TakeAlone(policy, caller); // not one after the other for as long as each would wait for Redis
            }
        }

        try
        {
            return await AskAsync(policy, caller);
        }
        finally
        {
            _fetching.TryRemove(caller, out _);
            done.SetResult();
        }
    }

    private async Task<Decision> AskAsync(LimitPolicy policy, string caller)
    {
        try
        {
            var answer = (long[]?)await EvaluateAsync(policy, caller).WaitAsync(options.Value.RedisTimeout, time) ?? [];
            var (granted, left, reset) = (answer[0], answer[1], TimeSpan.FromMilliseconds(answer[2]));
            switch (granted)
            {
                case 0:
                    Keep(caller, new Kept(0, 0, Later(reset)));
                    return new Decision(false, 0, reset);
                case > 1:
                    Keep(caller, new Kept(granted - 1, left, Later(policy.Segment)));
                    break;
            }

            return new Decision(true, left + granted - 1, reset);
        }
        catch (Exception exception) when (IsUnavailable(exception))
        {
            if (Interlocked.Exchange(ref _isThere, 0) == 1)
            {
                Alone(logger, exception.Message);
            }

            return TakeAlone(policy, caller);
        }
    }

    private async Task<RedisResult> EvaluateAsync(LimitPolicy policy, string caller)
    {
        var database = redis.Value.GetDatabase();
        RedisKey[] keys = [$"gateway.limits:{caller}"];
        RedisValue[] values = [policy.Permits, policy.Segment.TotalMilliseconds, LimitPolicy.Segments, policy.Chunk];
        try
        {
            return await database.ScriptEvaluateAsync(ScriptHash, keys, values);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // A server that is new or has been restarted.
            return await database.ScriptEvaluateAsync(Script, keys, values, CommandFlags.NoScriptCache);
        }
    }

    private Decision TakeAlone(LimitPolicy policy, string caller)
    {
        metrics.Local();
        return local.Take(policy, caller);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await EvaluateAsync(Probe, Probe.Name).WaitAsync(options.Value.RedisTimeout, time);
            return true;
        }
        catch (Exception exception) when (IsUnavailable(exception))
        {
            return false;
        }
    }

    private void Keep(string caller, Kept kept)
    {
        if (_kept.ContainsKey(caller))
        {
            _kept[caller] = kept;
        }
        else if (Volatile.Read(ref _keptCount) < MostKept && _kept.TryAdd(caller, kept))
        {
            Interlocked.Increment(ref _keptCount);
        }
    }

    private void Forget()
    {
        var now = time.GetTimestamp();
        foreach (var kept in _kept)
        {
            if (kept.Value.Until <= now && _kept.TryRemove(kept))
            {
                Interlocked.Decrement(ref _keptCount);
            }
        }
    }

    private long Later(TimeSpan wait) => time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency);

    private static bool IsUnavailable(Exception exception) => exception is RedisException or TimeoutException;

    [LoggerMessage(EventId = 7001, Level = LogLevel.Warning, Message = "Redis is away: this gateway counts requests alone until it is back: {Reason}")]
    private static partial void Alone(ILogger logger, string reason);

    [LoggerMessage(EventId = 7002, Level = LogLevel.Information, Message = "Requests are counted in Redis, for all gateways together")]
    private static partial void Shared(ILogger logger);

    /// <param name="left">Permits that this gateway has; none means that nobody has any.</param>
    /// <param name="beyond">Permits that Redis still had.</param>
    /// <param name="until">A timestamp.</param>
    private sealed class Kept(long left, long beyond, long until)
    {
        private readonly bool _isEmpty = left == 0;
        private long _left = left;

        public long Until => until;

        public bool TryTake(long now, TimeProvider time, out Decision decision)
        {
            decision = default;
            if (now >= until)
            {
                return false;
            }

            if (_isEmpty)
            {
                decision = new Decision(false, 0, time.GetElapsedTime(now, until));
                return true;
            }

            var rest = Interlocked.Decrement(ref _left);
            decision = new Decision(true, beyond + rest, time.GetElapsedTime(now, until));
            return rest >= 0;
        }
    }
}

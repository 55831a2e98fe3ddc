using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kashif.Http;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Kashif.Auth.Accounts;

/// <summary>
/// Bounds how many passwords anybody tries: per address, per account, and per both. Every attempt counts before its password is
/// checked, so that guesses sent at once count each other; a right password takes its own back. Whether there is such an account
/// is not asked. Counted in Redis for all replicas together; while Redis is away each replica counts alone and nobody waits for
/// it: the first attempt that it leaves without an answer opens the circuit, and a probe in the background closes it.
/// </summary>
internal sealed partial class LoginThrottle(
    Lazy<IConnectionMultiplexer> redis, IOptions<AuthOptions> options, TimeProvider time, ILogger<LoginThrottle> logger) : BackgroundService
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// A sorted set of attempts for each key, by the milliseconds of Redis' own clock, which all replicas share. An attempt counts
    /// for all keys or none. Answers 0, or the milliseconds until there is room.
    /// </summary>
    private const string Script = """
        local window, attempt = tonumber(ARGV[1]), ARGV[2]
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local wait = 0
        for i, key in ipairs(KEYS) do
            redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
            local over = redis.call('ZCARD', key) - tonumber(ARGV[2 + i])
            if over >= 0 then
                wait = math.max(wait, tonumber(redis.call('ZRANGE', key, over, over, 'WITHSCORES')[2]) + window - now)
            end
        end
        if wait > 0 then return wait end
        for _, key in ipairs(KEYS) do
            redis.call('ZADD', key, now, attempt)
            redis.call('PEXPIRE', key, window)
        end
        return 0
        """;

    private readonly byte[] _key = DerivedKey.Of(options.Value.SigningKeySecret, DerivedKey.LoginThrottle);
    private readonly LocalAttempts _local = new();
    private int _isThere;

    /// <summary>Whether Redis counts.</summary>
    public bool IsShared => Volatile.Read(ref _isThere) == 1;

    private ThrottleOptions Settings => options.Value.Throttle;

    /// <param name="email">Normalized.</param>
    /// <returns>How long to wait; null where the password may be checked.</returns>
    public async Task<(LoginAttempt Attempt, TimeSpan? Wait)> BeginAsync(string email, IPAddress? address, CancellationToken cancellationToken)
    {
        var attempt = NewAttempt(email, address);
        long[] limits = [Settings.PerAddress, Settings.PerAccount, Settings.PerAccountAndAddress];
        if (IsShared)
        {
            try
            {
                var wait = (long)await CountAsync(attempt, limits).WaitAsync(Settings.RedisTimeout, time, cancellationToken);
                return (attempt, wait == 0 ? null : TimeSpan.FromMilliseconds(wait));
            }
            catch (Exception exception) when (IsUnavailable(exception))
            {
                Open(exception);
            }
        }

        return (attempt, _local.TryAdd(attempt, limits, Settings.Window, time.GetUtcNow()));
    }

    /// <summary>The password was right: the account starts anew, and the address has one failure less, not none.</summary>
    public Task SucceedAsync(LoginAttempt attempt)
    {
        _local.Forgive(attempt);
        return TryAsync(database => Task.WhenAll(
            database.SortedSetRemoveAsync(attempt.Address, attempt.Id), database.KeyDeleteAsync([attempt.Account, attempt.Both])));
    }

    /// <summary>A new password by a link in the person's mail: what was tried before says nothing about it.</summary>
    /// <param name="email">Normalized.</param>
    public Task ForgetAsync(string email, IPAddress? address) => SucceedAsync(NewAttempt(email, address));

    /// <summary>The password was never checked: nobody has learned anything.</summary>
    public Task CancelAsync(LoginAttempt attempt)
    {
        _local.Remove(attempt);
        return TryAsync(database => Task.WhenAll(
            attempt.Keys.Select(key => database.SortedSetRemoveAsync(key, attempt.Id))));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Connecting blocks, and waits for a server that is away.
        await Task.Run(() => redis.Value, stoppingToken);
        var probe = new LoginAttempt("probe", KeyOf("probe", ""), KeyOf("probe", ""), KeyOf("probe", ""));
        using var timer = new PeriodicTimer(ProbeInterval);
        do
        {
            if (!IsShared && await TryAsync(_ => CountAsync(probe, [long.MaxValue, long.MaxValue, long.MaxValue]), evenAway: true))
            {
                Interlocked.Exchange(ref _isThere, 1);
                Shared(logger);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private LoginAttempt NewAttempt(string email, IPAddress? address)
    {
        var network = ClientNetwork.Of(address);
        return new LoginAttempt(
            Guid.CreateVersion7(time.GetUtcNow()).ToString("N"), KeyOf("address", network), KeyOf("account", email), KeyOf("both", $"{email} {network}"));
    }

    private Task<RedisResult> CountAsync(LoginAttempt attempt, long[] limits) => redis.Value.GetDatabase().ScriptEvaluateAsync(
        Script, attempt.Keys, [Math.Ceiling(Settings.Window.TotalMilliseconds), attempt.Id, .. limits.Select(limit => (RedisValue)limit)],
        CommandFlags.NoScriptCache); // a server that was restarted has no script

    private async Task<bool> TryAsync(Func<IDatabase, Task> call, bool evenAway = false)
    {
        if (!IsShared && !evenAway)
        {
            return false;
        }

        try
        {
            await call(redis.Value.GetDatabase()).WaitAsync(Settings.RedisTimeout, time);
            return true;
        }
        catch (Exception exception) when (IsUnavailable(exception))
        {
            Open(exception);
            return false;
        }
    }

    private void Open(Exception exception)
    {
        if (Interlocked.Exchange(ref _isThere, 0) == 1)
        {
            Alone(logger, exception.GetType().Name);
        }
    }

    /// <summary>Neither an address of a person nor one of a machine stands in Redis.</summary>
    private string KeyOf(string kind, string value) =>
        $"auth.throttle:{kind}:{Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(value)).AsSpan(0, 16))}";

    private static bool IsUnavailable(Exception exception) => exception is RedisException or TimeoutException;

    [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "Redis is away ({Reason}): this replica counts wrong passwords alone until it is back")]
    private static partial void Alone(ILogger logger, string reason);

    [LoggerMessage(EventId = 2005, Level = LogLevel.Information, Message = "Wrong passwords are counted in Redis, for all replicas together")]
    private static partial void Shared(ILogger logger);
}

/// <summary>One password that somebody tries, and what it counts for.</summary>
internal sealed record LoginAttempt(string Id, string Address, string Account, string Both)
{
    /// <summary>In the order of the limits.</summary>
    public RedisKey[] Keys => [Address, Account, Both];
}

/// <summary>The same counts, of this process alone.</summary>
internal sealed class LocalAttempts
{
    /// <summary>Beyond that the oldest are forgotten.</summary>
    private const int MostKept = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<Made>> _made = new(StringComparer.Ordinal);
    private readonly Queue<(string Key, DateTimeOffset At)> _oldest = new();

    /// <returns>How long to wait; null where it counts.</returns>
    public TimeSpan? TryAdd(LoginAttempt attempt, long[] limits, TimeSpan window, DateTimeOffset now)
    {
        lock (_lock)
        {
            while (_oldest.TryPeek(out var first) && (first.At <= now - window || _oldest.Count > MostKept))
            {
                _oldest.Dequeue();
                Trim(first.Key, made => made.At <= first.At);
            }

            TimeSpan? wait = null;
            foreach (var (key, limit) in attempt.Keys.Zip(limits))
            {
                if (_made.TryGetValue($"{key}", out var made) && made.Count >= limit
                    && made[(int)(made.Count - limit)].At + window - now is var room && !(room <= wait))
                {
                    wait = room;
                }
            }

            foreach (var key in wait is null ? attempt.Keys : [])
            {
                if (!_made.TryGetValue($"{key}", out var made))
                {
                    _made[$"{key}"] = made = [];
                }

                made.Add(new Made(attempt.Id, now));
                _oldest.Enqueue(($"{key}", now));
            }

            return wait;
        }
    }

    public void Forgive(LoginAttempt attempt)
    {
        lock (_lock)
        {
            _made.Remove(attempt.Account);
            _made.Remove(attempt.Both);
            Trim(attempt.Address, made => made.Id == attempt.Id);
        }
    }

    public void Remove(LoginAttempt attempt)
    {
        lock (_lock)
        {
            Array.ForEach(attempt.Keys, key => Trim($"{key}", made => made.Id == attempt.Id));
        }
    }

    private void Trim(string key, Predicate<Made> gone)
    {
        if (_made.TryGetValue(key, out var made) && made.RemoveAll(gone) > 0 && made.Count == 0)
        {
            _made.Remove(key);
        }
    }

    private readonly record struct Made(string Id, DateTimeOffset At);
}

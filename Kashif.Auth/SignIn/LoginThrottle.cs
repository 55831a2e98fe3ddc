using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kashif.Cache;
using Kashif.Http;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Kashif.Auth.SignIn;

/// <summary>
/// Limits password attempts per IP address, per account and per both; those of a known device only per device, so that guesses from
/// elsewhere do not lock it out. An attempt counts before its password is checked, so that parallel guesses count each other; a correct
/// password is taken back. E-mail addresses without an account count the same. Redis counts for all replicas; without Redis each replica
/// counts locally.
/// </summary>
internal sealed class LoginThrottle(RedisCircuit redis, IOptions<AuthOptions> options, TimeProvider time)
{
    /// <summary>
    /// A sliding window: one sorted set of attempts for each key, scored with the milliseconds of Redis' clock, which all replicas
    /// share. An attempt counts for all keys or for none. Returns 0, or the milliseconds until the next attempt is allowed.
    /// </summary>
    private const string CountScript = """
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

    /// <summary>Deletes the keys that are marked with 1, and takes the attempt back from the others.</summary>
    private const string ForgiveScript = """
        for i, key in ipairs(KEYS) do
            if ARGV[1 + i] == '1' then redis.call('DEL', key) else redis.call('ZREM', key, ARGV[1]) end
        end
        """;

    private const string CancelScript = "for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end";

    private readonly byte[] _key = DerivedKey.Of(options.Value.SigningKeySecret, DerivedKey.LoginThrottle);
    private readonly LocalAttempts _local = new();

    /// <summary>Whether Redis counts, so that all replicas share the limits.</summary>
    public bool IsShared => redis.IsClosed;

    private ThrottleOptions Settings => options.Value.Throttle;

    /// <param name="email">Normalized.</param>
    /// <param name="device">The known device that makes the attempt; null for any other.</param>
    /// <returns>How long to wait; null if the password may be checked.</returns>
    public async Task<(LoginAttempt Attempt, TimeSpan? Wait)> BeginAsync(
        string email, IPAddress? address, string? device, CancellationToken cancellationToken)
    {
        var attempt = new LoginAttempt(
            Guid.CreateVersion7(time.GetUtcNow()).ToString("N"),
            device is null ? KeysOf(email, address) : [new(KeyOf("device", device), Settings.PerDevice, ClearedBySuccess: true)]);
        var answer = await redis.EvaluateAsync(
            CountScript, attempt.RedisKeys,
            [Math.Ceiling(Settings.Window.TotalMilliseconds), attempt.Id, .. attempt.Keys.Select(key => (RedisValue)key.Limit)], cancellationToken);
        return (attempt, answer is null
            ? _local.TryAdd(attempt, Settings.Window, time.GetUtcNow())
            : (long)answer is > 0 and var wait ? TimeSpan.FromMilliseconds(wait) : null);
    }

    /// <summary>After a correct password: clears the counts of the account or the device, and takes this attempt back from the count of the address.</summary>
    public async Task SucceedAsync(LoginAttempt attempt)
    {
        _local.Forgive(attempt);
        await redis.EvaluateAsync(
            ForgiveScript, attempt.RedisKeys, [attempt.Id, .. attempt.Keys.Select(key => (RedisValue)key.ClearedBySuccess)], CancellationToken.None);
    }

    /// <summary>After a password reset: attempts at the old password no longer count.</summary>
    /// <param name="email">Normalized.</param>
    public Task ForgetAsync(string email, IPAddress? address) => SucceedAsync(new LoginAttempt("", KeysOf(email, address)));

    /// <summary>Takes an attempt back whose password was not checked.</summary>
    public async Task CancelAsync(LoginAttempt attempt)
    {
        _local.Remove(attempt);
        await redis.EvaluateAsync(CancelScript, attempt.RedisKeys, [attempt.Id], CancellationToken.None);
    }

    private AttemptKey[] KeysOf(string email, IPAddress? address)
    {
        var network = ClientNetwork.Of(address);
        return
        [
            new(KeyOf("address", network), Settings.PerAddress, ClearedBySuccess: false),
            new(KeyOf("account", email), Settings.PerAccount, ClearedBySuccess: true),
            new(KeyOf("both", $"{email} {network}"), Settings.PerAccountAndAddress, ClearedBySuccess: true),
        ];
    }

    /// <summary>Hashed: Redis must not hold e-mail or IP addresses. The braces put all keys of a script on one node of a Redis cluster.</summary>
    private string KeyOf(string kind, string value) =>
        $"{{auth.throttle}}:{kind}:{Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(value)).AsSpan(0, 16))}";
}

/// <summary>One password attempt and what it counts for.</summary>
internal sealed record LoginAttempt(string Id, IReadOnlyList<AttemptKey> Keys)
{
    public RedisKey[] RedisKeys { get; } = [.. Keys.Select(key => (RedisKey)key.Name)];
}

/// <param name="Limit">Attempts within the window.</param>
internal readonly record struct AttemptKey(string Name, long Limit, bool ClearedBySuccess);

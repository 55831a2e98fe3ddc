using Kashif.Gamification.Points;
using StackExchange.Redis;

namespace Kashif.Gamification.Leaderboard;

/// <summary>
/// The ranking in Redis: a sorted set of everybody's points, and per user the version and earnings of the balance that it
/// shows, so that a late writer never overwrites a newer one. It holds nothing of its own: where it is away, empty or known
/// to have missed a write, reads return null and their callers ask the database.
/// </summary>
internal sealed partial class RankingCache(IConnectionMultiplexer redis, RankingSignal signal, TimeProvider time, ILogger<RankingCache> logger)
{
    /// <summary>Scores are the points negated: the ranking is in ascending order then, and equals are in the order of their ids.</summary>
    private static readonly RedisKey Ranking = "{gamification.ranking}.points";

    /// <summary>User → "version earned"; the field <c>built</c> says that everybody is in it.</summary>
    private static readonly RedisKey States = "{gamification.ranking}.states";

    /// <summary>Who is building, for as long as that may take.</summary>
    private static readonly RedisKey Builder = "{gamification.ranking}.builder";

    private static readonly RedisKey[] Keys = [Ranking, States];
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private const int Chunk = 1000;

    private const string WriteScript = """
        for i = 1, #ARGV, 4 do
            local id, points, earned, version = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
            local known = redis.call('HGET', KEYS[2], id)
            if not known or tonumber(string.match(known, '^%d+')) < tonumber(version) then
                redis.call('HSET', KEYS[2], id, version .. ' ' .. earned)
                if points == '0' then
                    redis.call('ZREM', KEYS[1], id)
                else
                    redis.call('ZADD', KEYS[1], '-' .. points, id)
                end
            end
        end
        return redis.call('HEXISTS', KEYS[2], 'built')
        """;

    private const string RemoveScript = """
        for i = 1, #ARGV do
            redis.call('ZREM', KEYS[1], ARGV[i])
            redis.call('HDEL', KEYS[2], ARGV[i])
        end
        return redis.call('HEXISTS', KEYS[2], 'built')
        """;

    private const string TopScript = """
        if redis.call('HEXISTS', KEYS[2], 'built') == 0 then return false end
        local top = {}
        local ranked = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
        for i = 1, #ranked, 2 do
            top[#top + 1] = ranked[i]
            top[#top + 1] = string.sub(ranked[i + 1], 2)
            top[#top + 1] = string.match(redis.call('HGET', KEYS[2], ranked[i]) or '', '%d+$') or ranked[i + 1]
        end
        return top
        """;

    private const string AheadScript = """
        if redis.call('HEXISTS', KEYS[2], 'built') == 0 then return false end
        return redis.call('ZCOUNT', KEYS[1], '-inf', '(-' .. ARGV[1])
        """;

    private const string BeginScript = """
        if ARGV[2] == '0' and redis.call('HEXISTS', KEYS[2], 'built') == 1 then return 'done' end
        if not redis.call('SET', KEYS[3], ARGV[1], 'NX', 'EX', 60) then return 'busy' end
        redis.call('DEL', KEYS[1], KEYS[2])
        return 'begun'
        """;

    private const string EndScript = """
        if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[3])
        return redis.call('HSET', KEYS[2], 'built', ARGV[1])
        """;

    /// <summary>Counts writes that did not arrive; while it differs from the one of the last build, the ranking is not to be trusted.</summary>
    private long _missed;
    private long _missedAtBuild = -1;
    private long _pausedUntil;

    /// <summary>Shows balances that have been committed. Never throws: what cannot be written is made good by a rebuild.</summary>
    public Task WriteAsync(IReadOnlyCollection<Balance> balances, CancellationToken cancellationToken) =>
        balances.Count == 0 ? Task.CompletedTask : ShowAsync(() => WriteChunkAsync(balances, cancellationToken));

    /// <summary>Forgets users whose balances are gone. Never throws.</summary>
    public Task RemoveAsync(IReadOnlyCollection<Guid> users, CancellationToken cancellationToken) =>
        users.Count == 0
            ? Task.CompletedTask
            : ShowAsync(() => IsTrueAsync(RemoveScript, Keys, [.. users.Select(user => (RedisValue)user.ToString())], cancellationToken));

    private async Task ShowAsync(Func<Task<bool>> write)
    {
        try
        {
            if (!await write())
            {
                signal.Set();
            }
        }
        catch (Exception exception) when (IsUnavailable(exception) || exception is OperationCanceledException)
        {
            if (Interlocked.Increment(ref _missed) == Interlocked.Read(ref _missedAtBuild) + 1)
            {
                WriteMissed(logger, exception.Message);
            }

            signal.Set();
        }
    }

    /// <returns>How many users have more points than this; null where the cache cannot say.</returns>
    public async Task<long?> CountAheadAsync(long points, CancellationToken cancellationToken) =>
        await ReadAsync(AheadScript, points, cancellationToken) is { } count ? (long)count : null;

    /// <returns>The users with the most points; null where the cache cannot say.</returns>
    public async Task<List<Standing>?> TopAsync(int count, CancellationToken cancellationToken)
    {
        if (await ReadAsync(TopScript, count, cancellationToken) is not { } result)
        {
            return null;
        }

        var values = (RedisValue[]?)result ?? [];
        return [.. values.Chunk(3).Select(row => new Standing(Guid.Parse(row[0].ToString()), Number(row[1]), Number(row[2])))];

        static long Number(RedisValue value) => (long)double.Abs((double)value);
    }

    /// <summary>
    /// Writes everybody anew, unless this process has missed no write and another one has been faster. What others commit meanwhile is not lost: each balance was either committed before the
    /// reading began, which is after the old ranking was dropped, or is written to the new one by whoever commits it.
    /// </summary>
    /// <returns>False where somebody else is at it: try again in a moment.</returns>
    public async Task<bool> RebuildAsync(IAsyncEnumerable<Balance> balances, CancellationToken cancellationToken)
    {
        RedisKey[] keys = [Ranking, States, Builder];
        RedisValue token = Guid.CreateVersion7(time.GetUtcNow()).ToString();
        var missed = Interlocked.Read(ref _missed);
        var mustBuild = missed != Interlocked.Read(ref _missedAtBuild);
        var begin = (string?)await EvaluateAsync(BeginScript, keys, [token, mustBuild], cancellationToken);
        if (begin != "begun")
        {
            return begin == "done";
        }

        await foreach (var chunk in balances.Chunk(Chunk).WithCancellation(cancellationToken))
        {
            await WriteChunkAsync(chunk, cancellationToken);
        }

        if (!await IsTrueAsync(EndScript, keys, [token], cancellationToken))
        {
            return false;
        }

        Interlocked.Exchange(ref _missedAtBuild, missed);
        return true;
    }

    /// <returns>Whether the ranking holds everybody.</returns>
    private Task<bool> WriteChunkAsync(IReadOnlyCollection<Balance> balances, CancellationToken cancellationToken) =>
        IsTrueAsync(WriteScript, Keys, [.. balances.SelectMany(Values)], cancellationToken);

    private static IEnumerable<RedisValue> Values(Balance balance) =>
        [balance.UserId.ToString(), balance.Points, balance.Earned, balance.Version];

    private async Task<RedisResult?> ReadAsync(string script, RedisValue argument, CancellationToken cancellationToken)
    {
        if (!redis.IsConnected || Interlocked.Read(ref _missed) != Interlocked.Read(ref _missedAtBuild)
            || time.GetTimestamp() < Interlocked.Read(ref _pausedUntil))
        {
            return null;
        }

        try
        {
            var result = await EvaluateAsync(script, Keys, [argument], cancellationToken);
            if (!result.IsNull)
            {
                return result;
            }

            signal.Set();
        }
        catch (Exception exception) when (IsUnavailable(exception))
        {
            // Whoever comes next shall not have to find out again at once.
            Interlocked.Exchange(ref _pausedUntil, time.GetTimestamp() + (long)(Pause.TotalSeconds * time.TimestampFrequency));
            ReadMissed(logger, exception.Message);
        }

        return null;
    }

    private async Task<bool> IsTrueAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        (long)await EvaluateAsync(script, keys, values, cancellationToken) == 1;

    /// <summary>A script whole, not by its hash: a restarted server knows no hashes.</summary>
    private Task<RedisResult> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        redis.GetDatabase().ScriptEvaluateAsync(script, keys, values, CommandFlags.NoScriptCache).WaitAsync(Patience, time, cancellationToken);

    private static bool IsUnavailable(Exception exception) => exception is RedisException or TimeoutException;

    [LoggerMessage(EventId = 3001, Level = LogLevel.Warning, Message = "The ranking missed a write and will be rebuilt: {Reason}")]
    private static partial void WriteMissed(ILogger logger, string reason);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Warning, Message = "The ranking could not be read, the database answers: {Reason}")]
    private static partial void ReadMissed(ILogger logger, string reason);
}

/// <summary>A user's place is decided by this.</summary>
internal sealed record Standing(Guid UserId, long Points, long Earned);

using Kashif.Cache;
using Kashif.Gamification.Ledger;
using StackExchange.Redis;

namespace Kashif.Gamification.Leaderboard;

/// <summary>
/// The ranking in Redis: a sorted set of all users' points, and per user the balance's version and the points of the level, so that a
/// late writer never overwrites a newer balance. Users who have left the leaderboards are not in the set. The database stays the source: while Redis is unreachable, empty, or may have missed
/// a write, reads return null and callers query the database, until <see cref="RankingRebuild"/> has rebuilt the ranking.
/// </summary>
internal sealed partial class RankingCache
{
    /// <summary>How long to wait for Redis; long enough to write a thousand users at once.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500);

    /// <summary>Scores are negated points, so that the ascending order also sorts ties by id.</summary>
    private static readonly RedisKey Ranking = "{gamification.ranking.2}.points";

    /// <summary>User → "version kept". The field <c>built</c> marks a complete ranking and holds the run id of the server that it was built on.</summary>
    private static readonly RedisKey States = "{gamification.ranking.2}.states";

    /// <summary>
    /// Users who were removed, by the time of it in seconds: a write that another process sent before, or that a rebuild has read before, must not
    /// bring them back. A rebuild keeps it; each removal deletes those of more than <see cref="RemovedFor"/> ago, and the set expires so long after the
    /// last removal: an id stays for less than twice as long.
    /// </summary>
    private static readonly RedisKey Removed = "{gamification.ranking.2}.removed";

    /// <summary>In seconds: longer than any write or rebuild takes.</summary>
    private const int RemovedFor = 24 * 60 * 60;

    /// <summary>The token of the process that is rebuilding; expires after a minute.</summary>
    private static readonly RedisKey Builder = "{gamification.ranking.2}.builder";

    private static readonly RedisKey[] Keys = [Ranking, States];
    private static readonly RedisKey[] WriteKeys = [Ranking, States, Removed];
    private static readonly RedisKey[] BuildKeys = [Ranking, States, Builder];
    private const int Chunk = 1000;

    private const string WriteScript = """
        for i = 1, #ARGV, 4 do
            local id, points, kept, version = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
            local known = redis.call('HGET', KEYS[2], id)
            if redis.call('ZSCORE', KEYS[3], id) then
                known = '9007199254740991' -- newer than every balance
            end
            if not known or tonumber(string.match(known, '^%d+')) < tonumber(version) then
                redis.call('HSET', KEYS[2], id, version .. ' ' .. kept)
                if points == '0' then
                    redis.call('ZREM', KEYS[1], id)
                else
                    redis.call('ZADD', KEYS[1], '-' .. points, id)
                end
            end
        end
        return redis.call('HEXISTS', KEYS[2], 'built')
        """;

    private static readonly string RemoveScript = $"""
        local now = tonumber(redis.call('TIME')[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - {RemovedFor})
        for i = 1, #ARGV do
            redis.call('ZADD', KEYS[3], now, ARGV[i])
            redis.call('ZREM', KEYS[1], ARGV[i])
            redis.call('HDEL', KEYS[2], ARGV[i])
        end
        redis.call('EXPIRE', KEYS[3], {RemovedFor})
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

    private const string AroundScript = """
        if redis.call('HEXISTS', KEYS[2], 'built') == 0 then return false end
        local place = redis.call('ZRANK', KEYS[1], ARGV[1])
        if not place then return {} end
        local first = math.max(0, place - ARGV[2])
        local ranked = redis.call('ZRANGE', KEYS[1], first, place + ARGV[2], 'WITHSCORES')
        local around = { first, redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ranked[2]) }
        for i = 1, #ranked, 2 do
            around[#around + 1] = ranked[i]
            around[#around + 1] = string.sub(ranked[i + 1], 2)
            around[#around + 1] = string.match(redis.call('HGET', KEYS[2], ranked[i]) or '', '%d+$') or ranked[i + 1]
        end
        return around
        """;

    private const string AheadScript = """
        if redis.call('HEXISTS', KEYS[2], 'built') == 0 then return false end
        return redis.call('ZCOUNT', KEYS[1], '-inf', '(-' .. ARGV[1])
        """;

    /// <summary>If the run id differs from <c>built</c>, the server has restarted and may have loaded an old snapshot.</summary>
    private const string RunId = "local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')\n";

    private const string BeginScript = RunId + """
        if ARGV[2] == '0' and redis.call('HGET', KEYS[2], 'built') == run then return 'done' end
        local builder = redis.call('GET', KEYS[3])
        if builder and builder ~= ARGV[1] then return 'busy' end
        redis.call('SET', KEYS[3], ARGV[1], 'EX', 60)
        redis.call('DEL', KEYS[1], KEYS[2])
        return 'begun'
        """;

    private const string EndScript = RunId + """
        if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[3])
        return redis.call('HSET', KEYS[2], 'built', run)
        """;

    private readonly RedisCircuit _redis;
    private readonly RankingSignal _signal;
    private readonly ILogger<RankingCache> _logger;

    /// <summary>This process's token in <see cref="Builder"/>, so that it can restart a rebuild that failed half-way.</summary>
    private readonly RedisValue _token = Guid.CreateVersion7().ToString();

    /// <summary>Counts missed writes and reconnections, after which the server may have lost some.</summary>
    private long _invalidations;

    /// <summary>Counts missed writes; only a later rebuild makes up for them.</summary>
    private long _missedWrites;

    /// <summary>The counts at the last rebuild. While they differ, the ranking may be wrong.</summary>
    private long _invalidationsAtRebuild = -1;
    private long _missedWritesAtRebuild = -1;

    public RankingCache(RedisCircuit redis, RankingSignal signal, ILogger<RankingCache> logger)
    {
        (_redis, _signal, _logger) = (redis, signal, logger);
        redis.Restored += Invalidate;
    }

    /// <summary>Writes committed balances. Never throws: a rebuild makes up for a missed write.</summary>
    public Task WriteAsync(IReadOnlyCollection<Balance> balances, CancellationToken cancellationToken) =>
        balances.Count == 0 ? Task.CompletedTask : WriteOrInvalidateAsync(() => WriteChunkAsync(balances, cancellationToken));

    /// <summary>Removes users whose balances are deleted. Never throws.</summary>
    public Task RemoveAsync(IReadOnlyCollection<Guid> users, CancellationToken cancellationToken) =>
        users.Count == 0
            ? Task.CompletedTask
            : WriteOrInvalidateAsync(() => _redis.EvaluateAsync(RemoveScript, WriteKeys, [.. users.Select(user => (RedisValue)user.ToString())], cancellationToken));

    private async Task WriteOrInvalidateAsync(Func<ValueTask<RedisResult?>> write)
    {
        RedisResult? isBuilt = null;
        try
        {
            isBuilt = await write();
        }
        catch (OperationCanceledException)
        {
            // The write may or may not have arrived: treat it as missed.
        }

        if (isBuilt is null)
        {
            if (Interlocked.Increment(ref _missedWrites) == Interlocked.Read(ref _missedWritesAtRebuild) + 1)
            {
                WriteMissed(_logger);
            }

            Invalidate();
        }
        else if (!(bool)isBuilt)
        {
            _signal.Set();
        }
    }

    private void Invalidate()
    {
        Interlocked.Increment(ref _invalidations);
        _signal.Set();
    }

    /// <returns>The number of users with more points; null if the cache cannot tell.</returns>
    public async Task<long?> CountAheadAsync(long points, CancellationToken cancellationToken) =>
        await ReadAsync(AheadScript, [points], cancellationToken) is { } count ? (long)count : null;

    /// <returns>The users with the most points; null if the cache cannot tell.</returns>
    public async Task<List<Standing>?> TopAsync(int count, CancellationToken cancellationToken)
    {
        return await ReadAsync(TopScript, [count], cancellationToken) is { } result ? ToStandings((RedisValue[]?)result ?? []) : null;
    }

    /// <returns>The users around a user, without any if the user is not on the leaderboard; null if the cache cannot tell.</returns>
    public async Task<Neighbourhood?> AroundAsync(Guid userId, int neighbours, CancellationToken cancellationToken) =>
        await ReadAsync(AroundScript, [userId.ToString(), neighbours], cancellationToken) is not { } result ? null
            : (RedisValue[]?)result is [var first, var ahead, .. var rows] ? new Neighbourhood((long)first, (long)ahead, ToStandings(rows))
            : Neighbourhood.None;

    private static List<Standing> ToStandings(RedisValue[] values)
    {
        return [.. values.Chunk(3).Select(row => new Standing(Guid.Parse(row[0].ToString()), Number(row[1]), Number(row[2])))];

        static long Number(RedisValue value) => (long)double.Abs((double)value);
    }

    /// <summary>
    /// Rebuilds the ranking, unless this process has missed no write and another process has already built it on this run of the
    /// server. Concurrent commits are not lost: a balance is either committed before the read begins, which is after the old ranking
    /// is deleted, or the process that commits it writes it to the new ranking.
    /// </summary>
    /// <returns>False if Redis is unreachable or another process is rebuilding: retry shortly.</returns>
    public async Task<bool> RebuildAsync(IAsyncEnumerable<Balance> balances, CancellationToken cancellationToken)
    {
        var (invalidations, missedWrites) = (Interlocked.Read(ref _invalidations), Interlocked.Read(ref _missedWrites));
        var hasMissedWrites = missedWrites != Interlocked.Read(ref _missedWritesAtRebuild);
        switch ((string?)await _redis.EvaluateAsync(BeginScript, BuildKeys, [_token, hasMissedWrites], cancellationToken))
        {
            case "done":
                break;
            case "begun" when await BuildAsync(balances, cancellationToken):
                Rebuilt(_logger);
                break;
            default:
                return false;
        }

        Interlocked.Exchange(ref _missedWritesAtRebuild, missedWrites);
        Interlocked.Exchange(ref _invalidationsAtRebuild, invalidations);
        return true;
    }

    private async Task<bool> BuildAsync(IAsyncEnumerable<Balance> balances, CancellationToken cancellationToken)
    {
        await foreach (var chunk in balances.Chunk(Chunk).WithCancellation(cancellationToken))
        {
            if (await WriteChunkAsync(chunk, cancellationToken) is null)
            {
                return false;
            }
        }

        return await _redis.EvaluateAsync(EndScript, BuildKeys, [_token], cancellationToken) is { } ended && (bool)ended;
    }

    /// <returns>Whether the ranking is complete; null if the write did not arrive.</returns>
    private ValueTask<RedisResult?> WriteChunkAsync(IReadOnlyCollection<Balance> balances, CancellationToken cancellationToken) =>
        _redis.EvaluateAsync(WriteScript, WriteKeys, [.. balances.SelectMany(Values)], cancellationToken);

    private static IEnumerable<RedisValue> Values(Balance balance) =>
        [balance.UserId.ToString(), balance.Hidden ? 0 : balance.Points, Math.Max(balance.Kept, 0), balance.Version];

    private async Task<RedisResult?> ReadAsync(string script, RedisValue[] arguments, CancellationToken cancellationToken)
    {
        if (Interlocked.Read(ref _invalidations) != Interlocked.Read(ref _invalidationsAtRebuild)
            || await _redis.EvaluateAsync(script, Keys, arguments, cancellationToken) is not { } result)
        {
            return null;
        }

        if (!result.IsNull)
        {
            return result;
        }

        _signal.Set();
        return null;
    }

    [LoggerMessage(EventId = 3001, Level = LogLevel.Warning, Message = "The ranking missed a write and will be rebuilt")]
    private static partial void WriteMissed(ILogger logger);

    [LoggerMessage(EventId = 3003, Level = LogLevel.Information, Message = "Rebuilt the ranking from the database")]
    private static partial void Rebuilt(ILogger logger);
}

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Kashif.Cache;

/// <summary>
/// Runs Lua scripts in Redis without making requests wait for a Redis that is away:
/// <code>
///             a script is not answered in time, or the connection is lost
///   closed ────────────────────────────────────────────────────────────────► open
///   scripts  ◄────────────────────────────────────────────────────────────── scripts return null at once
///   run         a probe, four times a second, is answered
/// </code>
/// </summary>
/// <remarks>
/// Polly's circuit breaker does not fit: it opens after the second failure at the earliest, stays open for at least half a
/// second, and then makes a request wait as its probe.
/// </remarks>
public sealed partial class RedisCircuit(Lazy<IConnectionMultiplexer> redis, TimeSpan timeout, ILogger<RedisCircuit> logger) : BackgroundService
{
    /// <summary>A write by a script, as callers do: a Redis that is full or read-only answers a PING.</summary>
    private const string ProbeScript = "return redis.call('SET', KEYS[1], '1', 'PX', 1000)";

    private static readonly RedisKey[] ProbeKeys = ["kashif.probe"];
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource _probed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile State _state;

    private enum State
    {
        Unknown,
        Open,
        Closed,
    }

    /// <summary>
    /// Raised before the circuit closes, and when the connection is there again: what Redis holds may be gone, or older than
    /// what was written last.
    /// </summary>
    public event Action? Restored;

    /// <summary>Whether scripts run.</summary>
    public bool IsClosed => _state == State.Closed;

    /// <summary>
    /// Runs a script in one round trip. StackExchange.Redis sends its hash, and its text again to a server that does not know it
    /// (NOSCRIPT), such as one that was restarted.
    /// </summary>
    /// <returns>Null if Redis is unavailable or does not answer in time.</returns>
    public async ValueTask<RedisResult?> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        IsClosed ? await TryAsync(script, keys, values, cancellationToken) : null;

    /// <summary>Waits a moment for the first connection, so that the first requests are counted in Redis.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await Task.WhenAny(_probed.Task, Task.Delay(LongestStart, cancellationToken));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Connecting blocks, and waits for a server that is away.
        var connection = await Task.Run(() => redis.Value, stoppingToken);
        connection.ConnectionFailed += (_, lost) => OnConnection(lost, () => Open(lost.FailureType.ToString()));
        connection.ConnectionRestored += (_, restored) => OnConnection(restored, () => Restored?.Invoke());
        using var timer = new PeriodicTimer(ProbeInterval);
        do
        {
            if (!IsClosed && await TryAsync(ProbeScript, ProbeKeys, [], stoppingToken) is not null)
            {
                Restored?.Invoke();
                _state = State.Closed;
                RedisAnswers(logger);
            }

            _probed.TrySetResult();
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>The connection for commands; the one for subscriptions does not matter here.</summary>
    private static void OnConnection(ConnectionFailedEventArgs change, Action act)
    {
        if (change.ConnectionType is ConnectionType.Interactive)
        {
            act();
        }
    }

    private async Task<RedisResult?> TryAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken)
    {
        try
        {
            return await redis.Value.GetDatabase().ScriptEvaluateAsync(script, keys, values).WaitAsync(timeout, cancellationToken);
        }
        catch (Exception exception) when (exception is RedisException or RedisCommandException or TimeoutException)
        {
            Open(ReasonOf(exception));
            return null;
        }
    }

    private void Open(string reason)
    {
        if (Interlocked.Exchange(ref _state, State.Open) != State.Open)
        {
            RedisIsAway(logger, reason);
        }
    }

    /// <summary>Messages of connections and timeouts name the key, which names a user or an address.</summary>
    private static string ReasonOf(Exception exception) => exception switch
    {
        RedisConnectionException lost => lost.FailureType.ToString(),
        RedisServerException refused => refused.Message,
        TimeoutException => "no answer in time",
        _ => exception.GetType().Name,
    };

    [LoggerMessage(EventId = 1601, Level = LogLevel.Warning, Message = "Redis is unavailable ({Reason}); continuing without it")]
    private static partial void RedisIsAway(ILogger logger, string reason);

    [LoggerMessage(EventId = 1602, Level = LogLevel.Information, Message = "Redis is available")]
    private static partial void RedisAnswers(ILogger logger);
}

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Kashif.Cache;

/// <summary>
/// Runs Lua scripts in Redis. While Redis is unavailable or slow, requests go on without it:
/// <code>
///              a script fails or times out, or the connection fails
///   closed  ─────────────────────────────────────────────────────────►  open
///   scripts ◄─────────────────────────────────────────────────────────  scripts return null at once
///   run             a probe succeeds in time (one every 250 ms)
/// </code>
/// A timeout alone does not mean that Redis is unavailable: a busy process reads answers late. So "unavailable" is logged only if the
/// connection fails, Redis refuses, or a probe has no answer within <see cref="Patience"/>.
/// </summary>
/// <remarks>
/// Polly's circuit breaker does not fit: it needs at least two failures to open, stays open for at least half a second, and uses a
/// request as its probe.
/// </remarks>
public sealed partial class RedisCircuit(Lazy<IConnectionMultiplexer> redis, TimeSpan timeout, ILogger<RedisCircuit> logger) : BackgroundService
{
    /// <summary>Writes in a script, because a full or read-only Redis still responds to PING.</summary>
    private const string ProbeScript = "return redis.call('SET', KEYS[1], '1', 'PX', 1000)";

    private static readonly RedisKey[] ProbeKeys = ["kashif.probe"];
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(2);

    /// <summary>How long a probe waits, at least.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>A busy machine opens and closes the circuit often.</summary>
    private static readonly TimeSpan BusyInterval = TimeSpan.FromMinutes(1);

    private readonly TaskCompletionSource _probed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile State _state;
    private bool _unavailableLogged;
    private long? _busyLoggedAt;

    private enum State
    {
        Unknown,
        Open,
        Closed,
    }

    /// <summary>
    /// Raised before the circuit closes, and when the connection is restored: Redis may have lost its data or the latest writes.
    /// </summary>
    public event Action? Restored;

    /// <summary>Whether Redis is available.</summary>
    public bool IsClosed => _state == State.Closed;

    /// <summary>
    /// Runs a script in one round trip. StackExchange.Redis sends its hash, and the text if the server does not know the script
    /// (NOSCRIPT), such as after a restart.
    /// </summary>
    /// <returns>Null if Redis is unavailable or the script fails or times out.</returns>
    public async ValueTask<RedisResult?> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        IsClosed ? await TryAsync(script, keys, values, timeout, _ => _state = State.Open, cancellationToken) : null;

    /// <summary>Waits up to two seconds for the first connection, so that the first requests can use Redis.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await Task.WhenAny(_probed.Task, Task.Delay(LongestStart, cancellationToken));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Connecting blocks the thread while the server is unavailable.
        var connection = await Task.Run(() => redis.Value, stoppingToken);
        connection.ConnectionFailed += (_, lost) => OnConnection(lost, () => OpenUnavailable(lost.FailureType.ToString()));
        connection.ConnectionRestored += (_, restored) => OnConnection(restored, () => Restored?.Invoke());
        using var timer = new PeriodicTimer(ProbeInterval);
        do
        {
            if (!IsClosed)
            {
                await ProbeAsync(stoppingToken);
            }

            _probed.TrySetResult();
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Ignores the connection for subscriptions.</summary>
    private static void OnConnection(ConnectionFailedEventArgs change, Action act)
    {
        if (change.ConnectionType is ConnectionType.Interactive)
        {
            act();
        }
    }

    private async Task ProbeAsync(CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        var patience = timeout > Patience ? timeout : Patience;
        if (await TryAsync(ProbeScript, ProbeKeys, [], patience, OpenUnavailable, cancellationToken) is null)
        {
            return;
        }

        if (_state == State.Open && !_unavailableLogged)
        {
            LogBusy();
        }

        // Stays open after a late answer: scripts would time out too.
        if (TimeProvider.System.GetElapsedTime(start) <= timeout)
        {
            Restored?.Invoke();
            var isNew = _state == State.Unknown || Interlocked.Exchange(ref _unavailableLogged, false);
            _state = State.Closed;
            if (isNew)
            {
                RedisAvailable(logger);
            }
        }
    }

    /// <param name="onTimeout">Is told of a timeout. Every other failure means that Redis is unavailable.</param>
    private async Task<RedisResult?> TryAsync(
        string script, RedisKey[] keys, RedisValue[] values, TimeSpan longest, Action<string> onTimeout, CancellationToken cancellationToken)
    {
        try
        {
            return await redis.Value.GetDatabase().ScriptEvaluateAsync(script, keys, values).WaitAsync(longest, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            onTimeout(ReasonOf(exception));
        }
        catch (Exception exception) when (exception is RedisException or RedisCommandException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // StackExchange.Redis also cancels what waits on a connection that is lost. Unhandled in the probe, it would end the process.
            OpenUnavailable(ReasonOf(exception));
        }

        return null;
    }

    private void OpenUnavailable(string reason)
    {
        _state = State.Open;
        if (!Interlocked.Exchange(ref _unavailableLogged, true))
        {
            RedisUnavailable(logger, reason);
        }
    }

    private void LogBusy()
    {
        if (_busyLoggedAt is not { } last || TimeProvider.System.GetElapsedTime(last) >= BusyInterval)
        {
            _busyLoggedAt = TimeProvider.System.GetTimestamp();
            RedisBusy(logger, timeout.TotalMilliseconds);
        }
    }

    /// <summary>Without the messages of connection errors and timeouts: they contain the key, which names a user or an address.</summary>
    private static string ReasonOf(Exception exception) => exception switch
    {
        RedisConnectionException lost => lost.FailureType.ToString(),
        RedisServerException refused => refused.Message,
        TimeoutException => "no answer in time",
        _ => exception.GetType().Name,
    };

    [LoggerMessage(EventId = 1601, Level = LogLevel.Warning, Message = "Redis is unavailable ({Reason}); continuing without it")]
    private static partial void RedisUnavailable(ILogger logger, string reason);

    [LoggerMessage(EventId = 1602, Level = LogLevel.Information, Message = "Redis is available")]
    private static partial void RedisAvailable(ILogger logger);

    [LoggerMessage(EventId = 1603, Level = LogLevel.Warning, Message = "Redis answers, but not within {Milliseconds} ms: it or this machine is busy; continuing without it until it is faster")]
    private static partial void RedisBusy(ILogger logger, double milliseconds);
}

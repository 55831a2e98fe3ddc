using System.Collections.Concurrent;
using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Kashif.Cache;
using Kashif.Testing;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>These tests stop and block Redis: they run one after another, and no other class of the assembly uses Redis.</summary>
public sealed class RedisCircuitTests(CacheServer servers) : IAsyncLifetime
{
    private const string Increment = "return redis.call('INCR', KEYS[1])";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly RedisKey[] _keys = [$"secret.{Guid.CreateVersion7()}"];
    private readonly Messages _messages = new();
    private IConnectionMultiplexer? _redis;
    private RedisCircuit? _circuit;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IConnectionMultiplexer Redis => _redis ?? throw new InvalidOperationException("Not started.");
    private RedisCircuit Circuit => _circuit ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _redis = await ConnectionMultiplexer.ConnectAsync(servers.Real.Cache, options => options.BacklogPolicy = BacklogPolicy.FailFast);
        _circuit = new RedisCircuit(new Lazy<IConnectionMultiplexer>(_redis), Timeout, _messages);
        await _circuit.StartAsync(Cancel);
        await ClosesAsync(); // the start waits for two seconds only
    }

    public async ValueTask DisposeAsync()
    {
        await Circuit.StopAsync(CancellationToken.None);
        Circuit.Dispose();
        await Redis.DisposeAsync();
    }

    [Fact]
    public async Task Probe_ClientCancelsTheScript_IsRepeated()
    {
        var redis = DispatchProxy.Create<IConnectionMultiplexer, CancellingRedis>();
        var cancelling = (CancellingRedis)(object)redis;
        cancelling.Target = Redis;
        using var circuit = new RedisCircuit(new Lazy<IConnectionMultiplexer>(redis), Timeout, _messages);
        await circuit.StartAsync(Cancel);
        circuit.IsClosed.ShouldBeFalse();

        cancelling.Cancels = false;

        await Eventually.TrueAsync(() => circuit.IsClosed, "a later probe");
        cancelling.Cancels = true;
        (await circuit.EvaluateAsync(Increment, _keys, [], Cancel)).ShouldBeNull();
        await circuit.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task EvaluateAsync_RedisStops_ReturnsNullAtOnceUntilItRestarts()
    {
        var restored = new ConcurrentQueue<bool>();
        Circuit.Restored += () => restored.Enqueue(Circuit.IsClosed);
        (await CountAsync()).ShouldBe(1);

        await RunAsync(KnownResourceCommands.StopCommand);
        try
        {
            await Eventually.TrueAsync(() => !Circuit.IsClosed, "the lost connection to open the circuit");
            var running = EvaluateAsync();
            running.IsCompletedSuccessfully.ShouldBeTrue("scripts return at once while Redis is unavailable");
            (await running).ShouldBeNull();
            restored.ShouldBeEmpty();
        }
        finally
        {
            await RunAsync(KnownResourceCommands.StartCommand);
        }

        await ClosesAsync();
        restored.ShouldContain(false, "Restored is raised before the circuit closes");
        (await CountAsync()).ShouldNotBeNull();
        _messages.ShouldContain(message => message.StartsWith("Redis is unavailable (Socket", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EvaluateAsync_RedisHangs_WaitsOnceForTheTimeout()
    {
        await Redis.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "10000", "ALL");
        var start = TimeProvider.System.GetTimestamp();

        (await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => EvaluateAsync().AsTask()))).ShouldAllBe(answer => answer == null);
        var waited = TimeProvider.System.GetElapsedTime(start);
        var next = EvaluateAsync();
        next.IsCompletedSuccessfully.ShouldBeTrue("scripts return at once after the first timeout");
        (await next).ShouldBeNull();

        waited.ShouldBeGreaterThanOrEqualTo(Timeout - TimeSpan.FromMilliseconds(50)); // timers are coarse
        waited.ShouldBeLessThan(5 * Timeout); // 20 waits in turn would take 20 timeouts
        await ClosesAsync();
        _messages.Count(message => message == "Redis is unavailable (no answer in time); continuing without it").ShouldBe(1);
    }

    [Fact]
    public async Task EvaluateAsync_AnswersAreLate_SaysBusyInsteadOfUnavailable()
    {
        var messages = new Messages();
        using var impatient = new RedisCircuit(new Lazy<IConnectionMultiplexer>(Redis), TimeSpan.FromMilliseconds(50), messages);
        await impatient.StartAsync(Cancel);
        await Eventually.TrueAsync(() => impatient.IsClosed, "the circuit to close");

        // Longer than the circuit's timeout, shorter than its patience. Repeated, because the pause may end before the script is sent.
        await Eventually.TrueAsync(
            async () =>
            {
                await Redis.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "500", "ALL");
                return await impatient.EvaluateAsync(Increment, _keys, [], Cancel) is null;
            },
            "a late answer");
        await Eventually.TrueAsync(() => impatient.IsClosed, "the circuit to close again");

        messages.Count(message => message.StartsWith("Redis answers, but not within 50 ms", StringComparison.Ordinal)).ShouldBe(1);
        messages.ShouldNotContain(message => message.Contains("unavailable", StringComparison.Ordinal));
        await impatient.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task EvaluateAsync_RedisIsFull_StaysOpenAlthoughPingSucceeds()
    {
        await Redis.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        try
        {
            (await EvaluateAsync()).ShouldBeNull();

            // The circuit stays open for several probes.
            var ends = TimeProvider.System.GetTimestamp() + TimeProvider.System.TimestampFrequency;
            await Eventually.TrueAsync(
                async () =>
                {
                    await Redis.GetDatabase().PingAsync();
                    Circuit.IsClosed.ShouldBeFalse();
                    return TimeProvider.System.GetTimestamp() > ends;
                },
                "a second to pass");
        }
        finally
        {
            await Redis.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        }

        await ClosesAsync();
        (await CountAsync()).ShouldBe(1);
        _messages.Count(message => message.StartsWith("Redis is unavailable (OOM", StringComparison.Ordinal)).ShouldBe(1);
        _messages.ShouldNotContain(message => message.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EvaluateAsync_RedisHasNotCachedTheScript_RunsIt()
    {
        (await CountAsync()).ShouldBe(1);

        await Redis.GetDatabase().ExecuteAsync("SCRIPT", "FLUSH");

        (await CountAsync()).ShouldBe(2);
        _messages.ShouldBe(["Redis is available"]);
    }

    private async Task<long?> CountAsync() => await EvaluateAsync() is { } answer ? (long)answer : null;

    private ValueTask<RedisResult?> EvaluateAsync() => Circuit.EvaluateAsync(Increment, _keys, [], Cancel);

    private Task ClosesAsync() => Eventually.TrueAsync(() => Circuit.IsClosed, "the circuit to close");

    private async Task RunAsync(string command) =>
        (await servers.Real.Commands.ExecuteCommandAsync(ResourceNames.Cache, command, Cancel)).Success.ShouldBeTrue(command);

    private sealed class Messages : ConcurrentQueue<string>, ILogger<RedisCircuit>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Enqueue(formatter(state, exception));
    }
}

/// <summary>Cancels scripts, as the client does when their connection is lost.</summary>
public class CancellingRedis : DispatchProxy
{
    public IConnectionMultiplexer? Target { get; set; }

    public bool Cancels { get; set; } = true;

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        Cancels && targetMethod?.Name == nameof(IConnectionMultiplexer.GetDatabase) ? throw new TaskCanceledException() : targetMethod?.Invoke(Target, args);
}

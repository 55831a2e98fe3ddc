using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kashif.Health;

/// <summary>
/// Shares one run of the checks between concurrent requests, and with requests within the next second. However often <c>/health</c>
/// is requested, the dependencies are checked at most once per second.
/// </summary>
internal sealed class SharedHealth(HealthCheckService checks, TimeProvider time, Func<HealthCheckRegistration, bool> predicate)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private Task<HealthReport>? _run;
    private long _endedAt;

    public Task<HealthReport> CheckAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_run is null || (_run.IsCompleted && time.GetElapsedTime(Interlocked.Read(ref _endedAt)) >= Lifetime))
            {
                _run = RunAsync();
            }

            return _run.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Not tied to a request: the first caller may disconnect.</summary>
    private async Task<HealthReport> RunAsync()
    {
        try
        {
            return await checks.CheckHealthAsync(predicate, CancellationToken.None);
        }
        finally
        {
            Interlocked.Exchange(ref _endedAt, time.GetTimestamp());
        }
    }
}

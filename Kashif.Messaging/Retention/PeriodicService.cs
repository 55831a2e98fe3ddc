using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kashif.Messaging.Retention;

/// <summary>Runs a task at an interval, first after one interval; a failure is retried at the next.</summary>
public abstract partial class PeriodicService(IServiceScopeFactory scopes, TimeSpan interval, TimeProvider time, ILogger logger) : BackgroundService
{
    /// <summary>Runs the task now.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        await RunAsync(scope.ServiceProvider, cancellationToken);
    }

    protected abstract Task RunAsync(IServiceProvider services, CancellationToken cancellationToken);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                RunFailed(logger, exception, interval);
            }
        }
    }

    [LoggerMessage(EventId = 1301, Level = LogLevel.Warning, Message = "The periodic task failed; retrying in {Interval}")]
    private static partial void RunFailed(ILogger logger, Exception exception, TimeSpan interval);
}

/// <summary>Runs a task every hour.</summary>
public abstract class HourlyService(IServiceScopeFactory scopes, TimeProvider time, ILogger logger) : PeriodicService(scopes, TimeSpan.FromHours(1), time, logger);

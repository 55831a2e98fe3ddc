using Kashif.Coupons.Data;

namespace Kashif.Coupons.Recovery;

/// <summary>
/// Ends the sagas that a crash or a timeout left open. Leases let replicas share the work; a saga whose outcome stays unknown is
/// retried when its lease expires.
/// </summary>
/// <typeparam name="TOpen">The row of an open saga.</typeparam>
internal abstract partial class SagaRecovery<TOpen>(IServiceScopeFactory scopes, TimeProvider time, ILogger logger) : BackgroundService
{
    /// <summary>Settled in parallel, so that no lease expires while its saga waits for another.</summary>
    protected const int Batch = 4;

    /// <summary>The time from the end of a pass to the next.</summary>
    protected abstract TimeSpan Interval { get; }

    /// <summary>Leases up to <see cref="Batch"/> open sagas whose lease has expired.</summary>
    protected abstract Task<List<TOpen>> LeaseAsync(CouponsDbContext database, DateTimeOffset now, CancellationToken cancellationToken);

    protected abstract Guid IdOf(TOpen open);

    /// <returns>The status reached; null if the saga is still open.</returns>
    protected abstract Task<string?> SettleAsync(IServiceProvider services, TOpen open, CancellationToken cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                while (await RecoverAsync(stoppingToken) == Batch)
                {
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                RecoveryFailed(logger, exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <returns>The number of sagas leased.</returns>
    private async Task<int> RecoverAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var open = await LeaseAsync(scope.ServiceProvider.GetRequiredService<CouponsDbContext>(), time.GetUtcNow(), cancellationToken);
        await Task.WhenAll(open.Select(saga => SettleAsync(saga, cancellationToken)));
        return open.Count;
    }

    private async Task SettleAsync(TOpen open, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            if (await SettleAsync(scope.ServiceProvider, open, cancellationToken) is { } status)
            {
                Recovered(logger, IdOf(open), status);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // One failure must not keep the others open.
            NotRecovered(logger, IdOf(open), exception);
        }
    }

    [LoggerMessage(EventId = 4101, Level = LogLevel.Information, Message = "Recovered {SagaId}: {Status}")]
    private static partial void Recovered(ILogger logger, Guid sagaId, string status);

    [LoggerMessage(EventId = 4103, Level = LogLevel.Error, Message = "Could not recover {SagaId}; retrying when its lease expires")]
    private static partial void NotRecovered(ILogger logger, Guid sagaId, Exception exception);

    [LoggerMessage(EventId = 4102, Level = LogLevel.Warning, Message = "The recovery pass failed; retrying at the next one")]
    private static partial void RecoveryFailed(ILogger logger, Exception exception);
}

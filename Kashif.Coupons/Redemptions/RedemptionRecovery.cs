using Kashif.Coupons.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Coupons.Redemptions;

/// <summary>
/// Ends redemptions that a crash or a timeout left open. Leases let replicas share the work; a redemption whose outcome stays
/// unknown is retried when its lease expires.
/// </summary>
internal sealed partial class RedemptionRecovery(
    IServiceScopeFactory scopes, TimeProvider time, IOptions<RedemptionOptions> options, ILogger<RedemptionRecovery> logger) : BackgroundService
{
    /// <summary>Settled in parallel, so that no lease expires while its redemption waits for another.</summary>
    private const int Batch = 4;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.RecoveryInterval, time);
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

    /// <returns>The number of redemptions leased.</returns>
    private async Task<int> RecoverAsync(CancellationToken cancellationToken)
    {
        var open = await LeaseAsync(cancellationToken);
        await Task.WhenAll(open.Select(redemption => SettleAsync(redemption, cancellationToken)));
        return open.Count;
    }

    private async Task<List<Redemption>> LeaseAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<CouponsDbContext>().Redemptions
            .FromSql($"""
                UPDATE redemptions SET leased_until = {now + options.Value.Lease}
                WHERE id = ANY (ARRAY(
                    SELECT id FROM redemptions WHERE ended_at IS NULL AND leased_until <= {now}
                    ORDER BY leased_until LIMIT {Batch} FOR UPDATE SKIP LOCKED))
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
    }

    private async Task SettleAsync(Redemption open, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            var ended = await scope.ServiceProvider.GetRequiredService<RedemptionSaga>().SettleAsync(
                open, RedemptionEndpoints.ToResult, cancellationToken);
            if (ended is not null)
            {
                Recovered(logger, open.Id, ended.Redemption.Status);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // One failure must not keep the other redemptions open.
            NotRecovered(logger, open.Id, exception);
        }
    }

    [LoggerMessage(EventId = 4101, Level = LogLevel.Information, Message = "Recovered redemption {RedemptionId}: {Status}")]
    private static partial void Recovered(ILogger logger, Guid redemptionId, RedemptionStatus status);

    [LoggerMessage(EventId = 4103, Level = LogLevel.Error, Message = "Could not recover redemption {RedemptionId}; retrying when its lease expires")]
    private static partial void NotRecovered(ILogger logger, Guid redemptionId, Exception exception);

    [LoggerMessage(EventId = 4102, Level = LogLevel.Warning, Message = "The recovery pass failed; retrying at the next one")]
    private static partial void RecoveryFailed(ILogger logger, Exception exception);
}

using Kashif.Coupons.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Coupons.Redemptions;

/// <summary>
/// Brings every open redemption to its end, whatever crashed or did not answer. It leases what it works on, so that replicas
/// share the work; what stays unknown is tried again when its lease is over.
/// </summary>
internal sealed partial class RedemptionRecovery(
    IServiceScopeFactory scopes, TimeProvider time, IOptions<RedemptionOptions> options, ILogger<RedemptionRecovery> logger) : BackgroundService
{
    /// <summary>All at once, so that none waits for another while its lease runs out.</summary>
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

    /// <returns>How many it took on.</returns>
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
                    SELECT id FROM redemptions WHERE status = 'reserved' AND leased_until <= {now}
                    ORDER BY leased_until LIMIT {Batch} FOR UPDATE SKIP LOCKED))
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
    }

    private async Task SettleAsync(Redemption open, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<CouponsDbContext>();
        try
        {
            var ended = await scope.ServiceProvider.GetRequiredService<RedemptionSaga>().SettleAsync(
                open, _ => database.SaveChangesAsync(cancellationToken), cancellationToken);
            if (ended is not null)
            {
                Recovered(logger, open.Id, ended.Redemption.Status);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // One that cannot be ended must not keep the others open.
            NotRecovered(logger, open.Id, exception);
        }
    }

    [LoggerMessage(EventId = 4101, Level = LogLevel.Information, Message = "Redemption {RedemptionId} was left open and is {Status} now")]
    private static partial void Recovered(ILogger logger, Guid redemptionId, RedemptionStatus status);

    [LoggerMessage(EventId = 4103, Level = LogLevel.Error, Message = "Redemption {RedemptionId} could not be ended; tried again when its lease is over")]
    private static partial void NotRecovered(ILogger logger, Guid redemptionId, Exception exception);

    [LoggerMessage(EventId = 4102, Level = LogLevel.Warning, Message = "Open redemptions could not be recovered; tried again at the next pass")]
    private static partial void RecoveryFailed(ILogger logger, Exception exception);
}

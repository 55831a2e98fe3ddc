using Kashif.Coupons.Data;
using Kashif.Coupons.Recovery;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Coupons.Redemptions;

/// <summary>Ends redemptions that a crash or a timeout left open.</summary>
internal sealed class RedemptionRecovery(
    IServiceScopeFactory scopes, TimeProvider time, IOptions<RedemptionOptions> options, ILogger<RedemptionRecovery> logger)
    : SagaRecovery<Redemption>(scopes, time, logger)
{
    protected override TimeSpan Interval => options.Value.RecoveryInterval;

    protected override Task<List<Redemption>> LeaseAsync(CouponsDbContext database, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.Redemptions
            .FromSql($"""
                UPDATE redemptions SET leased_until = {now + options.Value.Lease}
                WHERE id = ANY (ARRAY(
                    SELECT id FROM redemptions WHERE ended_at IS NULL AND leased_until <= {now}
                    ORDER BY leased_until LIMIT {Batch} FOR UPDATE SKIP LOCKED))
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);

    protected override Guid IdOf(Redemption open) => open.Id;

    protected override async Task<string?> SettleAsync(IServiceProvider services, Redemption open, CancellationToken cancellationToken) =>
        (await services.GetRequiredService<RedemptionSaga>().SettleAsync(open, RedemptionEndpoints.ToResult, cancellationToken))?.Redemption.Status.ToString();
}

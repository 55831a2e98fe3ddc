using Kashif.Coupons.Data;
using Kashif.Coupons.Recovery;
using Kashif.Coupons.Redemptions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Coupons.Shop;

/// <summary>Pays or cancels orders that a crash or a timeout left open.</summary>
internal sealed class OrderRecovery(
    IServiceScopeFactory scopes, TimeProvider time, IOptions<RedemptionOptions> options, ILogger<OrderRecovery> logger)
    : SagaRecovery<Order>(scopes, time, logger)
{
    protected override TimeSpan Interval => options.Value.RecoveryInterval;

    protected override Task<List<Order>> LeaseAsync(CouponsDbContext database, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.Orders
            .FromSql($"""
                UPDATE orders SET leased_until = {now + options.Value.Lease}
                WHERE id = ANY (ARRAY(
                    SELECT id FROM orders WHERE status IN ('placed', 'cancelling') AND leased_until <= {now}
                    ORDER BY leased_until LIMIT {Batch} FOR UPDATE SKIP LOCKED))
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);

    protected override Guid IdOf(Order open) => open.Id;

    protected override async Task<string?> SettleAsync(IServiceProvider services, Order open, CancellationToken cancellationToken) =>
        (await services.GetRequiredService<OrderSaga>().SettleAsync(open, _ => Results.Empty, cancellationToken))?.Status.ToString();
}

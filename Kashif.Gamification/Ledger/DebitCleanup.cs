using Kashif.Gamification.Data;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Ledger;

/// <summary>
/// Deletes the results of old debits. Coupons repeats a debit only while its redemption is open, which is seconds, or as long as one of
/// the two services is down. The ledger keeps its entries, and the unique cause of an entry prevents a second debit for ever.
/// </summary>
internal sealed class DebitCleanup(
    IServiceScopeFactory scopes, IOptions<DebitOptions> options, TimeProvider time, ILogger<DebitCleanup> logger) : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        // The ids (version 7) are in time order, so the primary key finds the old ones.
        var before = _time.GetUtcNow() - options.Value.Retention;
        var first = Guid.CreateVersion7(before);
        return services.GetRequiredService<GamificationDbContext>().Debits
            .Where(debit => debit.Id < first && debit.CreatedAt < before)
            .ExecuteDeleteAsync(cancellationToken);
    }
}

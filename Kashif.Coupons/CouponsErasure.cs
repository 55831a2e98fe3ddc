using Kashif.Coupons.Data;
using Kashif.Coupons.Shop;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons;

/// <summary>
/// Keeps a deleted user's redemptions and orders, for the stock and the company, without the user's id. Issued codes stay valid. The user
/// is no partner of a company any more.
/// </summary>
internal sealed class CouponsErasure(CouponsDbContext database, ServiceIdentity service, TimeProvider time) : UserErasure(database, service, time)
{
    private readonly CouponsDbContext _database = database;
    private readonly TimeProvider _time = time;

    protected override async Task EraseAsync(Guid userId, CancellationToken cancellationToken)
    {
        // Recovery still debits an open redemption or order under the user's id.
        if (await _database.Redemptions.AnyAsync(row => row.UserId == userId && row.EndedAt == null, cancellationToken)
            || await OrderErasure.HasOpenAsync(_database, userId, cancellationToken))
        {
            throw new PurchaseStillOpenException();
        }

        await OrderErasure.EraseAsync(_database, userId, _time.GetUtcNow(), cancellationToken);

        await _database.CompanyPartners.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.StockMovements.Where(row => row.ActorId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.ActorId, ErasedUser.Id), cancellationToken);
        await _database.ProductMovements.Where(row => row.ActorId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.ActorId, ErasedUser.Id), cancellationToken);

        // One that was reserved meanwhile is still to be debited under the user's id; a later event of the deletion finds it.
        await _database.Redemptions.Where(row => row.UserId == userId && row.EndedAt != null)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.UserId, ErasedUser.Id), cancellationToken);
    }
}

/// <summary>The deletion is retried later, when the redemption or order may have ended.</summary>
internal sealed class PurchaseStillOpenException() : Exception("This user has an open redemption or order.");

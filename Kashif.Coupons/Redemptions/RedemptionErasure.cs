using Kashif.Coupons.Data;
using Kashif.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Redemptions;

/// <summary>Redemptions stay, for the stock and the company; whose they were does not. A code that was given is good for whoever has it.</summary>
internal sealed class RedemptionErasure(CouponsDbContext database, ServiceIdentity service, TimeProvider time) : UserErasure(database, service, time)
{
    private readonly CouponsDbContext _database = database;

    protected override async Task EraseAsync(Guid userId, CancellationToken cancellationToken)
    {
        // Its debit is asked for in the person's name, again and again until there is an answer.
        if (await _database.Redemptions.AnyAsync(row => row.UserId == userId && row.Status == RedemptionStatus.Reserved, cancellationToken))
        {
            throw new RedemptionStillOpenException();
        }

        await _database.Redemptions.Where(row => row.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.UserId, ErasedUser.Id), cancellationToken);
    }
}

/// <summary>The event comes again when the redemption may have ended.</summary>
internal sealed class RedemptionStillOpenException() : Exception("A redemption of this person is still open.");

using Kashif.Gamification.Data;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <summary>Debits points.</summary>
internal sealed class PointsLedger(GamificationDbContext database, TimeProvider time)
{
    /// <summary>
    /// Debits the points in the caller's transaction, and adds the ledger entry and its event for the caller to save.
    /// </summary>
    /// <returns>The entry, and the balance to write to the ranking after the commit; null if the user has too few points.</returns>
    public async Task<Debited?> DebitAsync(Guid userId, int points, int couponId, Guid id, string cause, CancellationToken cancellationToken)
    {
        var balances = await database.Balances
            .FromSql($"""
                UPDATE balances SET points = points - {points}, spent = spent + {points}, version = version + 1
                WHERE user_id = {userId} AND points >= {points}
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        if (balances is not [var balance])
        {
            return null;
        }

        var now = time.GetUtcNow();
        var transaction = new PointTransaction
        {
            Id = id,
            UserId = userId,
            Points = -points,
            BalanceAfter = balance.Points,
            Reason = PointTransaction.Redeemed,
            Cause = cause,
            Reference = $"{couponId}",
            CreatedAt = now,
        };
        database.Transactions.Add(transaction);
        database.Publish(new PointsRedeemed(id, userId, points, balance.Points, PointTransaction.Redeemed), now);
        return new Debited(transaction, balance);
    }

    public sealed record Debited(PointTransaction Transaction, Balance Balance);
}

using Kashif.Gamification.Data;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <summary>Debits points and gives them back.</summary>
internal sealed class PointsLedger(GamificationDbContext database, TimeProvider time)
{
    /// <summary>
    /// Debits the points in the caller's transaction, and adds the ledger entry and its event for the caller to save.
    /// </summary>
    /// <returns>The entry, and the balance to write to the ranking after the commit; null if the user has too few points.</returns>
    public async Task<Booked?> DebitAsync(Guid userId, int points, string reference, string cause, CancellationToken cancellationToken)
    {
        if (await MoveAsync(userId, -points, cancellationToken) is not { } balance)
        {
            return null;
        }

        var entry = Book(balance, -points, PointTransaction.Redeemed, cause, reference);
        database.Publish(new PointsRedeemed(entry.Id, userId, points, balance.Points, entry.Reason), entry.CreatedAt);
        return new Booked(entry, balance);
    }

    /// <summary>Gives a debit back, in the same way.</summary>
    /// <param name="debit">The ledger entry of the debit.</param>
    public async Task<Booked> RefundAsync(PointTransaction debit, string cause, CancellationToken cancellationToken)
    {
        var points = -debit.Points;
        var balance = await MoveAsync(debit.UserId, points, cancellationToken)
            ?? throw new InvalidOperationException("The user of a debit has no balance."); // The caller holds the debit, so the user cannot be erased meanwhile.
        var entry = Book(balance, points, PointTransaction.Refunded, cause, debit.Reference);
        database.Publish(new PointsReversed(entry.Id, entry.UserId, points, balance.Points, entry.Reason), entry.CreatedAt);
        return new Booked(entry, balance);
    }

    /// <param name="points">Negative to spend.</param>
    /// <returns>The new balance; null if there is none, or it would be negative.</returns>
    private async Task<Balance?> MoveAsync(Guid userId, int points, CancellationToken cancellationToken)
    {
        var balances = await database.Balances
            .FromSql($"""
                UPDATE balances SET points = points + {points}, spent = spent - {points}, version = version + 1,
                    changed_at = GREATEST({time.GetUtcNow()}, changed_at + interval '1 microsecond')
                WHERE user_id = {userId} AND points + {points} >= 0
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        return balances.SingleOrDefault();
    }

    private PointTransaction Book(Balance balance, int points, string reason, string cause, string? reference)
    {
        var entry = new PointTransaction
        {
            Id = TimeOrderedId.Create(balance.ChangedAt),
            UserId = balance.UserId,
            Points = points,
            BalanceAfter = balance.Points,
            Reason = reason,
            Cause = cause,
            Reference = reference,
            CreatedAt = balance.ChangedAt,
        };
        database.Transactions.Add(entry);
        return entry;
    }

    public sealed record Booked(PointTransaction Entry, Balance Balance);
}

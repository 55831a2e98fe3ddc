using System.Diagnostics;
using Kashif.Gamification.Data;
using Kashif.Messaging;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <summary>
/// The only writer of balances and entries, in the caller's transaction. After the commit the caller calls
/// <see cref="CommittedAsync"/>; for event handlers the consumer does.
/// </summary>
internal sealed class PointsLedger(GamificationDbContext database, IEnumerable<ILedgerStep> steps, ExpiryPolicy expiry, PointsMetrics metrics, TimeProvider time) : IBatchStep
{
    private readonly Dictionary<Guid, Balance> _changed = [];
    private readonly List<PointTransaction> _booked = [];

    /// <summary>Takes the <see cref="AwardLock"/>.</summary>
    /// <returns>The bookings whose cause is not in the ledger yet, each once.</returns>
    public async Task<List<Booking>> NewAsync(IEnumerable<Booking> bookings, CancellationToken cancellationToken)
    {
        await AwardLock.TakeAsync(database, cancellationToken);
        var distinct = bookings.DistinctBy(booking => booking.Cause).ToList();
        var causes = distinct.ConvertAll(booking => booking.Cause);
        if (causes.Count == 0)
        {
            return distinct;
        }

        var known = await database.Transactions.Where(entry => causes.Contains(entry.Cause)).Select(entry => entry.Cause).ToHashSetAsync(cancellationToken);
        distinct.RemoveAll(booking => known.Contains(booking.Cause));
        return distinct;
    }

    /// <summary>Books what <see cref="NewAsync"/> returned, saves it, and publishes its events through the outbox.</summary>
    /// <returns>The entries in the order of the ledger, those that pay debts included.</returns>
    /// <exception cref="DbUpdateException">A booking takes more points than the user has. Reversals never do.</exception>
    public async Task<IReadOnlyList<PointTransaction>> BookAsync(IReadOnlyCollection<Booking> bookings, CancellationToken cancellationToken)
    {
        if (bookings.Count == 0)
        {
            return [];
        }

        var now = time.GetUtcNow();
        var balances = await LockAsync([.. bookings.Select(booking => booking.UserId).Distinct().Order()], now, cancellationToken);
        var entries = new List<PointTransaction>();
        foreach (var booking in bookings)
        {
            var balance = balances[booking.UserId];
            foreach (var entry in balance.Book(WithExpiry(booking, now), now))
            {
                entries.Add(entry);
                if (booking.Counted == 0)
                {
                    Publish(entry, booking.Event);
                }
            }

            _changed[balance.UserId] = balance;
        }

        PublishExpired(entries);
        database.Transactions.AddRange(entries);
        foreach (var step in steps)
        {
            await step.BookedAsync(entries, cancellationToken);
        }

        await database.SaveChangesAsync(cancellationToken);
        foreach (var step in steps)
        {
            await step.SavedAsync(bookings, cancellationToken);
        }

        _booked.AddRange(entries);
        return entries;
    }

    /// <summary>
    /// Debits the points in the caller's transaction, and adds the ledger entry and its event for the caller to save. In one statement,
    /// without the <see cref="AwardLock"/>: a client waits for it.
    /// </summary>
    /// <returns>The entry; null if the user has too few points.</returns>
    public async Task<PointTransaction?> DebitAsync(Guid userId, int points, string reference, string cause, CancellationToken cancellationToken)
    {
        var balances = await database.Balances
            .FromSql($"""
                UPDATE balances SET points = points - {points}, spent = spent + {points}, version = version + 1,
                    changed_at = GREATEST({time.GetUtcNow()}, changed_at + interval '1 microsecond')
                WHERE user_id = {userId} AND points >= {points}
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        if (balances is not [var balance])
        {
            return null;
        }

        var entry = new PointTransaction
        {
            Id = TimeOrderedId.Create(balance.ChangedAt),
            UserId = userId,
            Kind = EntryKind.Spent,
            Points = -points,
            BalanceAfter = balance.Points,
            Reason = PointTransaction.Redeemed,
            Cause = cause,
            Reference = reference,
            CreatedAt = balance.ChangedAt,
        };
        database.Transactions.Add(entry);
        Publish(entry, cause: null);
        _changed[userId] = balance;
        _booked.Add(entry);
        return entry;
    }

    /// <summary>Gives a debit back.</summary>
    /// <param name="debit">The ledger entry of the debit.</param>
    public async Task RefundAsync(PointTransaction debit, string cause, CancellationToken cancellationToken) =>
        await BookAsync(
            await NewAsync([new Booking(debit.UserId, -debit.Points, EntryKind.Spent, PointTransaction.Refunded, cause) { Reference = debit.Reference, Reverses = debit.Id }], cancellationToken),
            cancellationToken);

    /// <summary>Counts what was booked and tells the steps.</summary>
    public async Task CommittedAsync(CancellationToken cancellationToken)
    {
        foreach (var entry in _booked)
        {
            metrics.Booked(entry);
        }

        Balance[] changed = [.. _changed.Values];
        _changed.Clear();
        _booked.Clear();
        foreach (var step in steps)
        {
            await step.CommittedAsync(changed, cancellationToken);
        }
    }

    /// <summary>Locks the balances, and creates those that are missing. They are tracked: saving writes their changes.</summary>
    private async Task<Dictionary<Guid, Balance>> LockAsync(Guid[] users, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var balances = await database.Balances
            .FromSql($"""
                INSERT INTO balances AS held (user_id, points, earned, spent, version, changed_at, hidden)
                SELECT user_id, 0, 0, 0, 0, {now}, EXISTS (SELECT FROM profiles WHERE profiles.user_id = users.user_id AND NOT on_leaderboard)
                FROM unnest({users}) AS users (user_id)
                ON CONFLICT (user_id) DO UPDATE SET version = held.version
                RETURNING *
                """)
            .ToListAsync(cancellationToken);
        return balances.ToDictionary(balance => balance.UserId);
    }

    private Booking WithExpiry(Booking booking, DateTimeOffset now) =>
        booking is { Kind: EntryKind.Earned, ExpiresAt: null } ? booking with { ExpiresAt = expiry.DefaultOf(now) } : booking;

    private void Publish(PointTransaction entry, EventCause? cause)
    {
        switch (entry.Kind)
        {
            case EntryKind.Earned:
                database.Publish(new PointsAwarded(entry.Id, entry.UserId, entry.Points, entry.BalanceAfter, entry.Reason), entry.CreatedAt, cause);
                break;
            case EntryKind.Spent when entry.Points < 0:
                database.Publish(new PointsRedeemed(entry.Id, entry.UserId, -entry.Points, entry.BalanceAfter, entry.Reason), entry.CreatedAt, cause);
                break;
            case EntryKind.Spent or EntryKind.Reversed:
                database.Publish(new PointsReversed(entry.Id, entry.UserId, entry.Points, entry.BalanceAfter, entry.Reason), entry.CreatedAt, cause);
                break;
            case EntryKind.Expired:
                break; // PublishExpired
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>One event a user: credits that expire together are one piece of news.</summary>
    private void PublishExpired(List<PointTransaction> entries)
    {
        foreach (var expired in entries.Where(entry => entry.Kind == EntryKind.Expired).GroupBy(entry => entry.UserId))
        {
            var last = expired.Last();
            database.Publish(new PointsExpired(last.Id, last.UserId, -expired.Sum(entry => entry.Points), last.BalanceAfter), last.CreatedAt);
        }
    }
}

using Kashif.Gamification.Data;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Rules;
using Kashif.Gamification.Quests;
using Kashif.Gamification.Profiles;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <summary>
/// Keeps the ledger and its sums: moves a deleted user's entries and balance to one shared account, which the leaderboard excludes.
/// </summary>
internal sealed class PointsErasure(GamificationDbContext database, RankingCache ranking, ServiceIdentity service, TimeProvider time)
    : UserErasure(database, service, time)
{
    private readonly GamificationDbContext _database = database;
    private readonly List<Guid> _erased = [];

    protected override async Task EraseAsync(Guid userId, CancellationToken cancellationToken)
    {
        // Votes and partners before the lock, like the handlers that write them.
        await _database.CompanyPartners.Where(partner => partner.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.ReportVotes.Where(vote => vote.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await AwardLock.TakeAsync(_database, cancellationToken);

        // The debits first, then the balance: debits and refunds take them in this order, and hold them until their ledger entry is committed.
        await _database.Database.ExecuteSqlAsync($"SELECT FROM debits WHERE user_id = {userId} ORDER BY id FOR UPDATE", cancellationToken);
        await _database.Database.ExecuteSqlAsync($"""
            WITH left_over AS (DELETE FROM balances WHERE user_id = {userId} RETURNING points, earned, spent, expired, reversed, changed_at)
            INSERT INTO balances AS held (user_id, points, earned, spent, expired, reversed, version, changed_at)
            SELECT {ErasedUser.Id}, points, earned, spent, expired, reversed, 1, changed_at FROM left_over
            ON CONFLICT (user_id) DO UPDATE SET
                points = held.points + excluded.points, earned = held.earned + excluded.earned,
                spent = held.spent + excluded.spent, expired = held.expired + excluded.expired, reversed = held.reversed + excluded.reversed, version = held.version + 1, changed_at = GREATEST(held.changed_at, excluded.changed_at)
            """, cancellationToken);
        await _database.Transactions.Where(entry => entry.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(entry => entry.UserId, ErasedUser.Id).SetProperty(entry => entry.Note, (string?)null), cancellationToken);
        await _database.Transactions.Where(entry => entry.Actor == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(entry => entry.Actor, ErasedUser.Id), cancellationToken);
        await _database.Chains.Where(chain => chain.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(chain => chain.UserId, (Guid?)null), cancellationToken);
        await _database.ReportEvents.Where(row => row.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.UserId, ErasedUser.Id), cancellationToken);
        await _database.Expiries.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await RuleErasure.EraseAsync(_database, userId, cancellationToken);
        await _database.PeriodTotals.Where(total => total.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.ScopedTotals.Where(total => total.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await ProfileErasure.EraseAsync(userId, _database, cancellationToken);
        await _database.Debits.Where(debit => debit.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(debit => debit.UserId, ErasedUser.Id), cancellationToken);
        await QuestRewards.EraseAsync(_database, userId, cancellationToken);
        await _database.TrustScores.Where(score => score.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        _erased.Add(userId);
    }

    public override Task CommittedAsync(CancellationToken cancellationToken) => ranking.RemoveAsync(_erased, cancellationToken);
}

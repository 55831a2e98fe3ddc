using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Quests;

/// <summary>
/// Ends the participations in quests: pays those that are complete, in the transaction that takes the reward from the budget, and releases
/// the reservations of others. All under the <see cref="AwardLock"/>, so that each ends once.
/// </summary>
internal sealed class QuestRewards(GamificationDbContext database, PointsLedger ledger, TimeProvider time)
    : IEventHandler<ReportCreated>, IEventHandler<ReportStatusUpdated>, IEventHandler<ReportVoted>, IBatchStep
{
    /// <summary>The reason of the entries in the ledger.</summary>
    public const string Reason = "quest";

    /// <summary>How late an event may arrive.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    private readonly Dictionary<Guid, EventCause> _causes = [];

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken) => AddAsync(events);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken) => AddAsync(events);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportVoted>> events, CancellationToken cancellationToken) => AddAsync(events);

    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        Guid[] users = [.. _causes.Keys];
        var joined = database.Participations.Where(row => users.Contains(row.UserId) && row.Status == ParticipationStatus.Joined);
        if (users is [] || !await joined.AnyAsync(cancellationToken))
        {
            return;
        }

        await AwardLock.TakeAsync(database, cancellationToken);
        await database.SaveChangesAsync(cancellationToken); // the history of this batch
        await SettleAsync(await joined.ToListAsync(cancellationToken), cancellationToken);
    }

    /// <summary>Ends up to <paramref name="size"/> participations whose time is over.</summary>
    /// <returns>How many.</returns>
    public async Task<int> ExpireAsync(int size, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken);
        var before = time.GetUtcNow() - Grace;
        var due = await database.Participations.Where(row => row.Status == ParticipationStatus.Joined && row.Deadline < before)
            .OrderBy(row => row.Deadline).Take(size).ToListAsync(cancellationToken);
        await SettleAsync(due, cancellationToken);
        await ReleaseAsync(due.FindAll(row => row.Status == ParticipationStatus.Joined), cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await ledger.CommittedAsync(cancellationToken);
        return due.Count;
    }

    /// <summary>Releases the reservations of all who are in a quest, in one statement. The caller holds the lock.</summary>
    public static Task CancelAsync(GamificationDbContext database, int questId, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlAsync($"""
            WITH ended AS (
                UPDATE quest_participations SET status = 'cancelled', changed_at = {now} WHERE quest_id = {questId} AND status = 'joined' RETURNING budget_id, reward)
            UPDATE budgets SET reserved = budgets.reserved - sums.points
            FROM (SELECT budget_id, sum(reward) AS points FROM ended GROUP BY budget_id) AS sums WHERE budgets.id = sums.budget_id
            """, cancellationToken);

    /// <summary>Keeps what the budgets have paid to a deleted user, and releases the rest. The caller holds the lock.</summary>
    public static async Task EraseAsync(GamificationDbContext database, Guid userId, CancellationToken cancellationToken)
    {
        await database.Database.ExecuteSqlAsync($"""
            WITH released AS (DELETE FROM quest_participations WHERE user_id = {userId} AND status <> 'completed' RETURNING budget_id, reward, status)
            UPDATE budgets SET reserved = budgets.reserved - sums.points
            FROM (SELECT budget_id, sum(reward) AS points FROM released WHERE status = 'joined' GROUP BY budget_id) AS sums WHERE budgets.id = sums.budget_id
            """, cancellationToken);
        await database.Participations.Where(row => row.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.UserId, ErasedUser.Id), cancellationToken);
    }

    /// <summary>Releases the reservations of participations whose time is over. The caller holds the lock, and saves.</summary>
    private async Task ReleaseAsync(List<Participation> participations, CancellationToken cancellationToken)
    {
        End(participations, ParticipationStatus.Expired);
        foreach (var budget in participations.GroupBy(row => row.BudgetId))
        {
            var points = budget.Sum(row => (long)row.Reward);
            await database.Budgets.Where(row => row.Id == budget.Key)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Reserved, row => row.Reserved - points), cancellationToken);
        }
    }

    /// <summary>Pays the participations that are complete. The caller holds the lock, and saves.</summary>
    private async Task SettleAsync(List<Participation> participations, CancellationToken cancellationToken)
    {
        if (participations.Count == 0)
        {
            return;
        }

        var (quests, users, first) = (participations.ConvertAll(row => row.QuestId), participations.ConvertAll(row => row.UserId), participations.Min(row => row.JoinedAt));
        var questOf = await database.Quests.AsNoTracking().Where(quest => quests.Contains(quest.Id)).ToDictionaryAsync(quest => quest.Id, cancellationToken);
        var events = (await QuestEvents.ReadAsync(database, users, first, cancellationToken)).ToLookup(row => row.UserId);
        var complete = participations.FindAll(row => questOf[row.QuestId] is var quest && quest.Progress(row, events[row.UserId]) >= quest.Count);
        if (complete.Count == 0)
        {
            return;
        }

        End(complete, ParticipationStatus.Completed);
        foreach (var budget in complete.GroupBy(row => row.BudgetId))
        {
            var points = budget.Sum(row => (long)row.Reward);
            await database.Budgets.Where(row => row.Id == budget.Key).ExecuteUpdateAsync(
                set => set.SetProperty(row => row.Reserved, row => row.Reserved - points).SetProperty(row => row.Spent, row => row.Spent + points), cancellationToken);
        }

        await ledger.BookAsync(
            await ledger.NewAsync(
                complete.Select(row => new Booking(row.UserId, row.Reward, EntryKind.Earned, Reason, row.Cause)
                {
                    Reference = $"{row.QuestId}",
                    Event = _causes.GetValueOrDefault(row.UserId),
                }),
                cancellationToken),
            cancellationToken);
        foreach (var row in complete)
        {
            var quest = questOf[row.QuestId];
            database.Publish(new QuestCompleted(row.UserId, quest.Id, quest.TitleEn, quest.TitleAr, row.Reward), row.ChangedAt, _causes.GetValueOrDefault(row.UserId));
        }
    }

    private void End(IEnumerable<Participation> participations, ParticipationStatus status)
    {
        foreach (var participation in participations)
        {
            (participation.Status, participation.ChangedAt) = (status, time.GetUtcNow());
        }
    }

    private Task AddAsync<TEvent>(IEnumerable<ReceivedEvent<TEvent>> events)
        where TEvent : IUserEvent
    {
        foreach (var received in events.Where(received => received.Data.UserId != ErasedUser.Id))
        {
            _causes[received.Data.UserId] = received.Cause;
        }

        return Task.CompletedTask;
    }
}

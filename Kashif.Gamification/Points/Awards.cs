using Kashif.Gamification.Data;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Messaging;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <summary>An event for which rules may award points.</summary>
/// <param name="Event">The event's wire name.</param>
/// <param name="Status">The report's new status; null for events without one.</param>
/// <param name="UserId">The report's owner.</param>
internal sealed record AwardTrigger(string Event, string? Status, Guid UserId, Guid ReportId, DateTimeOffset Time, EventCause Cause);

/// <summary>
/// Awards the points of a batch of events in a fixed number of statements. A rule awards once per report, in any order of events
/// and despite redelivery. An award over the rule's daily limit is reduced to the rest; if nothing is left, nothing is written.
/// </summary>
internal sealed class Awards(GamificationDbContext database, RankingCache ranking, PointsMetrics metrics, TimeProvider time)
{
    private readonly List<Balance> _changed = [];
    private readonly List<Grant> _awarded = [];

    public async Task AwardAsync(IReadOnlyList<AwardTrigger> triggers, CancellationToken cancellationToken)
    {
        triggers = [.. triggers.Where(trigger => trigger.UserId != ErasedUser.Id)];

        // One batch at a time: a batch has several handlers and so no single lock order, and two batches with the same users or
        // causes could deadlock. A batch is a few statements, so the wait is short.
        await AwardLock.TakeAsync(database, cancellationToken);

        var grants = await FindGrantsAsync(triggers, cancellationToken);
        if (grants.Count == 0)
        {
            return;
        }

        var balances = await AddToBalancesAsync(grants, cancellationToken);
        await PeriodTotal.AddAsync(database, AddToLedger(grants, balances), cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        _changed.AddRange(balances.Values);
        _awarded.AddRange(grants);
    }

    /// <summary>Counts the awards and writes the changed balances to the ranking once, although each handler of a batch calls this.</summary>
    public async Task CommittedAsync(CancellationToken cancellationToken)
    {
        foreach (var grant in _awarded)
        {
            metrics.Awarded(grant.Rule.Code, grant.Points);
        }

        Balance[] changed = [.. _changed];
        _changed.Clear();
        _awarded.Clear();
        await ranking.WriteAsync(changed, cancellationToken);
    }

    private async Task<List<Grant>> FindGrantsAsync(IReadOnlyList<AwardTrigger> triggers, CancellationToken cancellationToken)
    {
        var rules = await database.Rules.AsNoTracking().ToListAsync(cancellationToken);
        var grants = (
            from trigger in triggers
            from rule in rules
            where rule.Event == trigger.Event && (rule.Status is null || rule.Status == trigger.Status)
            orderby trigger.Time
            select new Grant(trigger, rule))
            .DistinctBy(grant => grant.Cause)
            .ToList();
        if (grants.Count == 0)
        {
            return grants;
        }

        var causes = grants.ConvertAll(grant => grant.Cause);
        var known = await database.Transactions
            .Where(transaction => causes.Contains(transaction.Cause))
            .Select(transaction => transaction.Cause)
            .ToListAsync(cancellationToken);
        grants.RemoveAll(grant => known.Contains(grant.Cause));

        await LimitAsync(grants, cancellationToken);
        return grants;
    }

    private async Task LimitAsync(List<Grant> grants, CancellationToken cancellationToken)
    {
        var limited = grants.FindAll(grant => grant.LimitDay is not null);
        if (limited.Count == 0)
        {
            return;
        }

        var users = limited.Select(grant => grant.Trigger.UserId).Distinct().ToList();
        var days = limited.Select(grant => grant.LimitDay).Distinct().ToList();
        var given = await database.Transactions
            .Where(transaction => users.Contains(transaction.UserId) && transaction.LimitDay != null && days.Contains(transaction.LimitDay))
            .GroupBy(transaction => new { transaction.UserId, transaction.Rule, transaction.LimitDay })
            .Select(group => new { group.Key, Points = group.Sum(transaction => transaction.Points) })
            .ToDictionaryAsync(group => (group.Key.UserId, group.Key.Rule, group.Key.LimitDay), group => group.Points, cancellationToken);

        foreach (var grant in limited)
        {
            var key = (grant.Trigger.UserId, (string?)grant.Rule.Code, grant.LimitDay);
            var before = given.GetValueOrDefault(key);
            grant.Points = Math.Clamp((grant.Rule.DailyLimit ?? int.MaxValue) - before, 0, grant.Rule.Points);
            given[key] = before + grant.Points;
        }

        grants.RemoveAll(grant => grant.Points == 0);
    }

    private async Task<Dictionary<Guid, Balance>> AddToBalancesAsync(List<Grant> grants, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var sums = grants.GroupBy(grant => grant.Trigger.UserId).OrderBy(user => user.Key)
            .Select(user => (UserId: user.Key, Points: user.Sum(grant => (long)grant.Points), LastAt: now.AddMicroseconds(user.Count() - 1)))
            .ToList();
        var users = sums.ConvertAll(sum => sum.UserId).ToArray();
        var points = sums.ConvertAll(sum => sum.Points).ToArray();
        var times = sums.ConvertAll(sum => sum.LastAt).ToArray();
        var balances = await database.Balances
            .FromSql($"""
                INSERT INTO balances AS held (user_id, points, earned, spent, version, changed_at)
                SELECT user_id, points, points, 0, 1, last_at FROM unnest({users}, {points}, {times}) AS sums (user_id, points, last_at)
                ON CONFLICT (user_id) DO UPDATE
                SET points = held.points + excluded.points, earned = held.earned + excluded.earned, version = held.version + 1,
                    changed_at = GREATEST(excluded.changed_at, held.changed_at + (excluded.changed_at - {now}) + interval '1 microsecond')
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        return balances.ToDictionary(balance => balance.UserId);
    }

    private List<PointTransaction> AddToLedger(List<Grant> grants, Dictionary<Guid, Balance> balances)
    {
        var entries = new List<PointTransaction>(grants.Count);
        foreach (var user in grants.GroupBy(grant => grant.Trigger.UserId))
        {
            var balance = balances[user.Key];
            var sum = balance.Points - user.Sum(grant => (long)grant.Points);
            var at = balance.ChangedAt.AddMicroseconds(-user.Count());
            foreach (var grant in user)
            {
                sum += grant.Points;
                at = at.AddMicroseconds(1);
                var entry = new PointTransaction
                {
                    Id = TimeOrderedId.Create(at),
                    UserId = user.Key,
                    Points = grant.Points,
                    BalanceAfter = sum,
                    Reason = grant.Rule.Code,
                    Rule = grant.Rule.Code,
                    Cause = grant.Cause,
                    Reference = grant.Trigger.ReportId.ToString(),
                    LimitDay = grant.LimitDay,
                    CreatedAt = at,
                };
                entries.Add(entry);
                database.Publish(new PointsAwarded(entry.Id, entry.UserId, entry.Points, entry.BalanceAfter, entry.Reason), at, grant.Trigger.Cause);
            }
        }

        database.Transactions.AddRange(entries);
        return entries;
    }

    private sealed class Grant(AwardTrigger trigger, Rule rule)
    {
        public AwardTrigger Trigger { get; } = trigger;
        public Rule Rule { get; } = rule;
        public string Cause { get; } = $"{rule.Code}:{trigger.ReportId}";

        /// <summary>The day of the event, not of its arrival, so that late and reordered events award the same points.</summary>
        public DateOnly? LimitDay { get; } = rule.DailyLimit is null ? null : DateOnly.FromDateTime(trigger.Time.UtcDateTime);
        public int Points { get; set; } = rule.Points;
    }
}

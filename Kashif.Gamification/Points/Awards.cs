using Kashif.Gamification.Areas;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <summary>An event for which rules may award points.</summary>
/// <param name="Event">The event's wire name.</param>
/// <param name="Status">The report's new status; null for events without one.</param>
/// <param name="UserId">The report's owner.</param>
internal sealed record AwardTrigger(string Event, string? Status, Guid UserId, Guid ReportId, DateTimeOffset Time, EventCause Cause)
{
    /// <summary>The report's category; null if the event does not say, like the coordinates.</summary>
    public string? Category { get; init; }
    public double? Latitude { get; init; }
    public double? Longitude { get; init; }
}

/// <summary>
/// Awards the points of a batch of events in a fixed number of statements. A rule awards once per report, in any order of events
/// and despite redelivery. An award over the rule's daily limit is reduced to the rest; if nothing is left, nothing is written.
/// </summary>
internal sealed class Awards(GamificationDbContext database, PointsLedger ledger)
{
    public async Task AwardAsync(IReadOnlyList<AwardTrigger> triggers, CancellationToken cancellationToken)
    {
        var rules = await database.Rules.AsNoTracking().ToListAsync(cancellationToken);
        var areas = await database.Areas.AsNoTracking().ToListAsync(cancellationToken);
        var grants = (
            from trigger in triggers
            where trigger.UserId != ErasedUser.Id
            from rule in rules
            where rule.Event == trigger.Event && (rule.Status is null || rule.Status == trigger.Status)
            orderby trigger.Time
            select new Grant(trigger, rule, Area.Of(trigger.Latitude, trigger.Longitude, areas))).ToList();
        var fresh = (await ledger.NewAsync(grants.Select(grant => grant.Booking), cancellationToken)).ToHashSet();
        grants.RemoveAll(grant => !fresh.Contains(grant.Booking));
        await LimitAsync(grants, cancellationToken);
        await ledger.BookAsync(grants.ConvertAll(grant => grant.Booking with { Points = grant.Points }), cancellationToken);
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

    private sealed class Grant(AwardTrigger trigger, Rule rule, string? area)
    {
        public AwardTrigger Trigger { get; } = trigger;
        public Rule Rule { get; } = rule;

        /// <summary>The day of the event, not of its arrival, so that late and reordered events award the same points.</summary>
        public DateOnly? LimitDay { get; } = DayOf(trigger, rule);
        public int Points { get; set; } = rule.Points;

        public Booking Booking { get; } = new(trigger.UserId, rule.Points, EntryKind.Earned, rule.Code, $"{rule.Code}:{trigger.ReportId}")
        {
            Rule = rule.Code,
            Reference = trigger.ReportId.ToString(),
            Category = trigger.Category,
            Area = area,
            LimitDay = DayOf(trigger, rule),
            Event = trigger.Cause,
        };

        private static DateOnly? DayOf(AwardTrigger trigger, Rule rule) => rule.DailyLimit is null ? null : DateOnly.FromDateTime(trigger.Time.UtcDateTime);
    }
}

using Kashif.Gamification.History;
using Kashif.Gamification.Leaderboard;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;

namespace Kashif.Gamification.Rules;

/// <summary>
/// What the rules give for events, as pure functions: awards and dry runs use the same. The sums depend on the set of events only, not on
/// their order: a report's claims follow from all its events, and a limit that refused points gives them once a reversal makes room.
/// </summary>
internal static class RuleEngine
{
    public const string Rejected = "report_rejected";
    public const string Withdrawn = "report_withdrawn";

    /// <summary>The reason of a reversal where a late event turns out to be the first: the rule awards that one instead.</summary>
    public const string Corrected = "rule_corrected";

    /// <summary>What the rules give for a report. Reporters, also staff, earn no points for their own status changes.</summary>
    /// <param name="events">All known events of the report.</param>
    public static List<Claim> ClaimsOf(IEnumerable<ReportEvent> events, Rulebook rules)
    {
        var history = events.OrderBy(entry => entry.Version).ThenBy(entry => entry.At).ThenBy(entry => entry.Id).ToList();
        var lost = Lost(history[^1].Status);
        var isVerified = history.Exists(entry => !entry.ByOwner && entry.Status is "verified" or "in_progress" or "resolved");
        var claims = new Dictionary<string, Claim>();
        foreach (var entry in history.Where(entry => entry.UserId != ErasedUser.Id && (entry.Event == ReportCreated.Type || !entry.ByOwner)))
        {
            var area = rules.AreaOf(entry);
            foreach (var line in rules.LinesFor(entry, area))
            {
                claims.TryAdd(line.Code, new Claim(line.Code, line.Version, entry.UserId, entry.ReportId, entry.At)
                {
                    Points = line.Worth,
                    Category = entry.Category,
                    Area = area,
                    LimitDay = line.IsLimited ? DateOnly.FromDateTime(entry.At.UtcDateTime) : null,
                    DailyLimit = line.DailyLimit,
                    WeeklyLimit = line.WeeklyLimit,
                    ExpiresAfterDays = line.ExpiresAfterDays,
                    Vested = line.Vesting == Vesting.Immediate || isVerified,
                    Lost = line.Reversible ? lost : null,
                    EventId = entry.Id,
                });
            }
        }

        return [.. claims.Values];
    }

    /// <summary>The reason for which a report in this status loses its points; null if it keeps them, as duplicates do.</summary>
    public static string? Lost(string? status) => status switch
    {
        "rejected" => Rejected,
        "withdrawn" => Withdrawn,
        _ => null,
    };

    /// <summary>The weeks in whose limits reversals make room.</summary>
    public static HashSet<LimitWeek> Freed(IEnumerable<Claim> claims) =>
    [
        .. from claim in claims
           where claim.Undone is not null
           from award in claim.Held
           where award.Left > 0
           let week = LimitWeek.Of(claim, award.Version, award.LimitDay)
           where week is not null
           select week.Value,
    ];

    /// <summary>What is to be taken back and awarded: the ledger then has what the rules give.</summary>
    /// <param name="given">The points given so far, by day, where the claims have limits. Updated.</param>
    public static Settlement Settle(IReadOnlyCollection<Claim> claims, GivenPoints given)
    {
        var freed = Freed(claims);
        var reversals = new List<Reversal>();
        foreach (var claim in claims)
        {
            if (claim.Undone is { } reason)
            {
                foreach (var award in claim.Held.Where(award => award.Left > 0))
                {
                    reversals.Add(new Reversal(claim, award, reason));
                    given.Add(claim, award.Version, award.LimitDay, -award.Left);
                }
            }
        }

        var grants = new List<Grant>();
        foreach (var claim in claims.Where(claim => IsOpen(claim, freed)).OrderBy(claim => claim.At).ThenBy(claim => claim.ReportId).ThenBy(claim => claim.Code, StringComparer.Ordinal))
        {
            var points = (int)Math.Min(claim.Missing, given.Room(claim));
            if (points > 0)
            {
                given.Add(claim, claim.Version, claim.LimitDay, points);
                grants.Add(new Grant(claim, points));
            }
        }

        return new Settlement(reversals, grants);
    }

    /// <summary>Awards are not judged anew, such as after a change of areas, unless a limit reduced them and now has room.</summary>
    public static bool IsOpen(Claim claim, HashSet<LimitWeek> freed) =>
        claim.Missing > 0 && (claim.IsFresh || claim.Held.Count == 0 || claim.Undone is not null || (claim.Week is { } week && freed.Contains(week)));

    public static DateOnly WeekOf(DateOnly day) => Period.Week.StartOf(new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero));
}

/// <summary>The points that rules with limits gave, by user, rule, version and day.</summary>
internal sealed class GivenPoints
{
    private readonly Dictionary<(LimitWeek Week, DateOnly Day), long> _points = [];
    private readonly Dictionary<LimitWeek, long> _weeks = [];

    public void Add(Claim claim, int version, DateOnly? day, long points) => Add(claim.UserId, claim.Code, version, day, points);

    public void Add(Guid userId, string code, int version, DateOnly? day, long points)
    {
        if (day is { } limited)
        {
            var week = new LimitWeek(userId, code, version, RuleEngine.WeekOf(limited));
            _points[(week, limited)] = _points.GetValueOrDefault((week, limited)) + points;
            _weeks[week] = _weeks.GetValueOrDefault(week) + points;
        }
    }

    /// <summary>What the limits leave for a claim.</summary>
    public long Room(Claim claim) => claim is { LimitDay: { } day, Week: { } week }
        ? Math.Min(
            (claim.DailyLimit ?? long.MaxValue) - _points.GetValueOrDefault((week, day)),
            (claim.WeeklyLimit ?? long.MaxValue) - _weeks.GetValueOrDefault(week))
        : long.MaxValue;
}

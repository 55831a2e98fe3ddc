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

    public const string Hidden = "report_hidden";
    public const string Deleted = "report_deleted";

    /// <summary>Staff have corrected the report's category: the rules of the new one award it.</summary>
    public const string Recategorized = "report_recategorized";

    /// <summary>The status that the rule awarded was taken back, or the report is no longer the duplicate that shared an award.</summary>
    public const string TakenBack = "status_taken_back";

    /// <summary>The report has become anonymous or private: its points stay, but count on no leaderboard of a category or an area.</summary>
    public const string Unnamed = "report_unnamed";

    /// <summary>
    /// What the rules give for reports, one claim at most for a report and a code. Reporters, also staff, earn no points for their own
    /// status changes. The reporter of a duplicate shares what the statuses of its original earn.
    /// </summary>
    /// <param name="events">All known events of the reports, and of all that merges connect with them.</param>
    /// <param name="originals">All known events of the originals, where <paramref name="events"/> does not have them.</param>
    public static List<Claim> ClaimsOf(IEnumerable<ReportEvent> events, Rulebook rules, IEnumerable<ReportEvent>? originals = null)
    {
        var reports = Records(events);
        if (reports.TrueForAll(report => report.Originals.Count == 0))
        {
            return [.. reports.SelectMany(report => ClaimsOf(report, [], isSharing: false, rules))];
        }

        var known = new Dictionary<Guid, ReportRecord>();
        foreach (var record in reports.Concat(Records(originals ?? [])))
        {
            known.TryAdd(record.Id, record);
        }

        // A user with several duplicates of a report shares once, and not with themselves.
        var sharing = reports
            .Where(report => report.Original is { } id && LostFor(report) is null && known.TryGetValue(id, out var original) && original.UserId != report.UserId)
            .GroupBy(report => (report.Original, report.UserId))
            .Select(own => own.Min(report => report.Id))
            .ToHashSet();
        return [.. reports.SelectMany(report => ClaimsOf(
            report, [.. report.Originals.Distinct().Select(known.GetValueOrDefault).OfType<ReportRecord>()], sharing.Contains(report.Id), rules))];
    }

    /// <summary>The reason for which a report loses its points; null if it keeps them, as duplicates do.</summary>
    public static string? LostFor(ReportRecord report) =>
        report.IsDeleted ? Deleted
        : report.IsHidden ? Hidden
        : report.Status switch
        {
            "rejected" => Rejected,
            "withdrawn" => Withdrawn,
            _ => null,
        };

    private static List<ReportRecord> Records(IEnumerable<ReportEvent> events) =>
        [.. events.GroupBy(entry => entry.ReportId).Select(ReportRecord.Of)];

    private static IEnumerable<Claim> ClaimsOf(ReportRecord report, List<ReportRecord> originals, bool isSharing, Rulebook rules)
    {
        var claims = new Dictionary<string, Claim>();

        // In this order: what stands is awarded, also where it was taken back before.
        Add(report, report.Standing, lost: null);
        Share(originals.Where(original => isSharing && original.Id == report.Original), original => original.Standing, lost: null);
        Add(report, report.TakenBack, TakenBack);
        Share(originals, original => original.Standing, report.Original is null ? TakenBack : LostFor(report) ?? Corrected);
        Share(originals, original => original.TakenBack, TakenBack);
        return claims.Values;

        void Share(IEnumerable<ReportRecord> sources, Func<ReportRecord, IEnumerable<ReportEvent>> statuses, string? lost)
        {
            foreach (var source in sources)
            {
                Add(source, statuses(source).Where(entry => entry.Status is "verified" or "in_progress" or "resolved"), lost);
            }
        }

        void Add(ReportRecord source, IEnumerable<ReportEvent> entries, string? lost)
        {
            foreach (var entry in entries.Where(entry => entry.Event != ReportStatusUpdated.Type || !entry.ByOwner))
            {
                var owner = source == report ? entry.UserId : report.UserId;
                if (owner == ErasedUser.Id)
                {
                    continue;
                }

                var area = rules.AreaOf(entry);
                foreach (var line in rules.LinesFor(entry, source.Category, area))
                {
                    var vested = line.Vesting == Vesting.Immediate || source.IsVerified;
                    claims.TryAdd(line.Code, new Claim(line.Code, line.Version, owner, report.Id, entry.At)
                    {
                        Points = source != report && lost is not null ? 0 : line.Worth, // a share that is lost counts nowhere
                        Category = source.Category,
                        Area = area,
                        LimitDay = line.IsLimited ? DateOnly.FromDateTime(entry.At.UtcDateTime) : null,
                        DailyLimit = line.DailyLimit,
                        WeeklyLimit = line.WeeklyLimit,
                        ExpiresAfterDays = line.ExpiresAfterDays,
                        Vested = vested,
                        Lost = lost ?? (line.Reversible ? LostFor(source) : null) ?? (!vested && source.WasVerified ? TakenBack : null),
                        EventId = entry.Id,
                        IsUnnamed = report.IsUnnamed,
                    });
                }
            }
        }
    }

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
        var unnamed = claims.SelectMany(claim => claim.Named.Select(award => new Unnaming(claim, award))).ToList();
        var reversals = new List<Reversal>();
        foreach (var claim in claims)
        {
            if (claim.Undone is { } reason)
            {
                foreach (var award in claim.Held.Where(award => award.Left > 0))
                {
                    reversals.Add(new Reversal(claim, claim.IsUnnamed ? award with { Category = null, Area = null } : award, reason));
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

        return new Settlement(unnamed, reversals, grants);
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

using Kashif.Gamification.Data;
using Kashif.Gamification.History;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Rules;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <summary>
/// Makes the ledger have what the rules give for the reports of a batch, in a fixed number of statements. All that is known of a report
/// decides, not the order of its events: see <see cref="RuleEngine"/>.
/// </summary>
internal sealed class Awards(GamificationDbContext database, PointsLedger ledger, RulebookReader rulebooks, TimeProvider time)
    : IEventHandler<ReportCreated>, IEventHandler<ReportStatusUpdated>, IEventHandler<ReportUpdated>, IEventHandler<ReportDeleted>, IEventHandler<ReportMerged>,
        IEventHandler<SurveyAnswered>, IBatchStep
{
    private readonly Dictionary<Guid, EventCause> _reports = [];
    private readonly HashSet<Guid> _events = [];

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken) => AddAsync(events, created => created.ReportId);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken) => AddAsync(events, updated => updated.ReportId);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportUpdated>> events, CancellationToken cancellationToken) => AddAsync(events, updated => updated.ReportId);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportDeleted>> events, CancellationToken cancellationToken) => AddAsync(events, deleted => deleted.ReportId);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportMerged>> events, CancellationToken cancellationToken) => AddAsync(events, merged => merged.ReportId);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<SurveyAnswered>> events, CancellationToken cancellationToken) => AddAsync(events, answered => answered.ReportId);

    public void Add(Guid reportId, Guid eventId, EventCause cause)
    {
        _reports.TryAdd(reportId, cause);
        _events.Add(eventId);
    }

    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_reports.Count == 0)
        {
            return;
        }

        await AwardLock.TakeAsync(database, cancellationToken); // before the reads: what they find stays as it is until the commit
        var rules = await rulebooks.ReadAsync(database, cancellationToken);
        var claims = await ClaimsAsync([.. _reports.Keys], rules, cancellationToken);
        await AddRefusedAsync(claims, rules, cancellationToken);
        var (unnamed, reversals, grants) = RuleEngine.Settle(claims, await GivenAsync(claims, cancellationToken));
        await ledger.BookAsync([.. unnamed.SelectMany(ToBookings), .. reversals.Select(ToBooking), .. grants.Select(ToBooking)], cancellationToken);
    }

    private Task AddAsync<TEvent>(IReadOnlyList<ReceivedEvent<TEvent>> events, Func<TEvent, Guid> reportOf)
        where TEvent : IIntegrationEvent
    {
        foreach (var received in events)
        {
            Add(reportOf(received.Data), received.Id, received.Cause);
        }

        return Task.CompletedTask;
    }

    private async Task<List<Claim>> ClaimsAsync(List<Guid> reports, Rulebook rules, CancellationToken cancellationToken)
    {
        var events = await EventsAsync(reports, cancellationToken);
        var references = events.Select(entry => entry.ReportId).Union(reports).Select(report => (string?)report.ToString()).ToList();
        var entries = await (
            from award in database.Transactions.AsNoTracking()
            where award.Kind == EntryKind.Earned && award.Rule != null && award.Reference != null && award.UserId != ErasedUser.Id && references.Contains(award.Reference)
            select new Entry(
                award,
                -database.Transactions.Where(reversal => reversal.Reverses == award.Id && reversal.Kind == EntryKind.Reversed).Sum(reversal => reversal.Points - reversal.Owed),
                database.Transactions.Any(reversal => reversal.Reverses == award.Id && reversal.Kind == EntryKind.Reversed && reversal.Actor != null),
                database.Transactions.Any(move => move.Cause == PointTransaction.UnnamedCause + award.Id.ToString()),
                -database.Transactions.Where(expiry => expiry.Reverses == award.Id && expiry.Kind == EntryKind.Expired).Sum(expiry => expiry.Points))).ToListAsync(cancellationToken);

        var histories = events.ToLookup(entry => entry.ReportId);
        var ledgers = entries.ToLookup(entry => (entry.Award.Reference, entry.Award.Rule));
        var claims = RuleEngine.ClaimsOf(events, rules);
        var before = RuleEngine.ClaimsOf(events.FindAll(entry => !_events.Contains(entry.Id)), rules).ToDictionary(claim => (claim.ReportId, claim.Code));
        var known = claims.Select(claim => ((string?)claim.ReportId.ToString(), (string?)claim.Code)).ToHashSet();
        claims.AddRange(
            from awards in ledgers
            where !known.Contains(awards.Key)
            let entry = awards.OrderBy(entry => entry.Award.Id).First()
            let report = Guid.Parse(entry.Award.Reference ?? "")
            let claim = OfFormerVersion(entry.Award, report, histories.Contains(report) ? ReportRecord.Of(histories[report]) : null, rules)
            where claim is not null
            select claim);
        return claims.ConvertAll(claim =>
        {
            var own = ledgers[(claim.ReportId.ToString(), claim.Code)].ToList();
            return claim with
            {
                IsFresh = claim.EventId is { } id
                    && (_events.Contains(id) || !before.TryGetValue((claim.ReportId, claim.Code), out var former) || former.EventId != id || former.Category != claim.Category),
                Held = [.. from entry in own where !entry.IsReversed select entry.ToAward()],
                Reversed = [.. from entry in own where entry.IsReversed select entry.ToAward()],
                IsClosed = own.Exists(entry => entry.IsClosed),
            };
        });
    }

    /// <summary>The events of the reports, and of all that merges connect with them: what one earns depends on the others.</summary>
    private async Task<List<ReportEvent>> EventsAsync(List<Guid> reports, CancellationToken cancellationToken)
    {
        var local = database.ReportEvents.Local.ToList(); // not saved yet
        var (events, known, next) = (new List<ReportEvent>(), new HashSet<Guid>(), reports);
        while (next.Count > 0)
        {
            var ids = next;
            known.UnionWith(ids);
            var found = await database.ReportEvents.AsNoTracking().Where(entry => ids.Contains(entry.ReportId)).ToListAsync(cancellationToken);
            found.AddRange(local.Where(entry => ids.Contains(entry.ReportId)));
            var duplicates = await database.ReportEvents.Where(merge => merge.OriginalId != null && ids.Contains(merge.OriginalId.Value))
                .Select(merge => merge.ReportId).ToListAsync(cancellationToken);
            duplicates.AddRange(local.Where(merge => merge.OriginalId is { } original && ids.Contains(original)).Select(merge => merge.ReportId));
            events.AddRange(found);
            next = [.. found.Select(entry => entry.OriginalId).OfType<Guid>().Concat(duplicates).Distinct().Where(report => !known.Contains(report))];
        }

        return events;
    }

    /// <summary>The claim of an award whose event is not known, because the version before kept none, or whose line no longer applies, because an area is gone.</summary>
    private static Claim? OfFormerVersion(PointTransaction award, Guid report, ReportRecord? record, Rulebook rules)
    {
        var lost = record is null ? null : RuleEngine.LostFor(record);
        var recategorized = record is { Originals: [], Category: { } category } && award.Category is { } former && former != category ? RuleEngine.Recategorized : null;
        var version = VersionOf(award.RuleVersion);
        var lines = rules.Find(version)?.Lines.FindAll(line => line.Code == award.Rule) ?? [];
        var line = lines.Count == 0 ? null : Rulebook.MostSpecific(lines.FindAll(line => Rulebook.Covers(line, award.Category, award.Area)) is { Count: > 0 } covering ? covering : lines);
        return line is null ? null : new Claim(line.Code, version, award.UserId, report, award.CreatedAt)
        {
            Points = award.Points,
            Category = award.Category,
            Area = award.Area,
            LimitDay = award.LimitDay,
            DailyLimit = line.DailyLimit,
            WeeklyLimit = line.WeeklyLimit,
            ExpiresAfterDays = line.ExpiresAfterDays,
            Vested = true,
            Lost = (line.Reversible ? lost : null) ?? recategorized,
            IsUnnamed = record?.IsUnnamed ?? false,
        };
    }

    /// <summary>Adds the claims that limits have reduced, where a reversal makes room.</summary>
    private async Task AddRefusedAsync(List<Claim> claims, Rulebook rules, CancellationToken cancellationToken)
    {
        var freed = RuleEngine.Freed(claims);
        if (freed.Count == 0)
        {
            return;
        }

        var weeks = freed.Select(week => (week.UserId, From: new DateTimeOffset(week.Monday, TimeOnly.MinValue, TimeSpan.Zero))).Distinct().ToList();
        var known = claims.Select(claim => claim.ReportId).Distinct().ToList();
        var reports = await database.Database.SqlQuery<Guid>($"""
            SELECT DISTINCT report_id AS "Value"
            FROM unnest({weeks.ConvertAll(week => week.UserId)}, {weeks.ConvertAll(week => week.From)}, {weeks.ConvertAll(week => week.From.AddDays(7))}) AS week (user_id, since, until)
            JOIN report_events entry ON entry.user_id = week.user_id AND entry.at >= week.since AND entry.at < week.until
            WHERE report_id <> ALL ({known})
            UNION
            SELECT merge.report_id
            FROM unnest({weeks.ConvertAll(week => week.UserId)}, {weeks.ConvertAll(week => week.From)}, {weeks.ConvertAll(week => week.From.AddDays(7))}) AS week (user_id, since, until)
            JOIN report_events merge ON merge.user_id = week.user_id AND merge.original_id IS NOT NULL
            JOIN report_events entry ON entry.report_id = merge.original_id AND entry.at >= week.since AND entry.at < week.until
            WHERE merge.report_id <> ALL ({known})
            """).ToListAsync(cancellationToken);
        claims.AddRange((await ClaimsAsync(reports, rules, cancellationToken))
            .Where(claim => !known.Contains(claim.ReportId) && claim.Week is { } week && freed.Contains(week)));
    }

    private async Task<GivenPoints> GivenAsync(List<Claim> claims, CancellationToken cancellationToken)
    {
        var given = new GivenPoints();
        var freed = RuleEngine.Freed(claims);
        var limited = claims.FindAll(claim => claim.LimitDay is not null && RuleEngine.IsOpen(claim, freed));
        if (limited.Count == 0)
        {
            return given;
        }

        var users = limited.Select(claim => claim.UserId).Distinct().ToList();
        var days = limited.Select(claim => claim.Week?.Monday).OfType<DateOnly>().Distinct()
            .SelectMany(monday => Enumerable.Range(0, 7).Select(day => (DateOnly?)monday.AddDays(day))).ToList();
        foreach (var sum in await database.Transactions
            .Where(entry => users.Contains(entry.UserId) && entry.LimitDay != null && days.Contains(entry.LimitDay))
            .GroupBy(entry => new { entry.UserId, entry.Rule, entry.RuleVersion, entry.LimitDay })
            .Select(group => new { group.Key, Points = group.Sum(entry => (long)entry.Points - entry.Owed) })
            .ToListAsync(cancellationToken))
        {
            given.Add(sum.Key.UserId, sum.Key.Rule ?? "", VersionOf(sum.Key.RuleVersion), sum.Key.LimitDay, sum.Points);
        }

        return given;
    }

    private Booking ToBooking(Grant grant)
    {
        var claim = grant.Claim;
        var awards = claim.Held.Count + claim.Reversed.Count;
        return new Booking(claim.UserId, grant.Points, EntryKind.Earned, claim.Code, awards == 0 ? $"{claim.Code}:{claim.ReportId}" : $"{claim.Code}:{claim.ReportId}:{awards + 1}")
        {
            Rule = claim.Code,
            RuleVersion = claim.Version,
            Reference = claim.ReportId.ToString(),
            Category = claim.IsUnnamed ? null : claim.Category,
            Area = claim.IsUnnamed ? null : claim.Area,
            LimitDay = claim.LimitDay,
            ExpiresAt = claim.ExpiresAfterDays is { } days ? time.GetUtcNow().AddDays(days) : null,
            Event = _reports.GetValueOrDefault(claim.ReportId),
        };
    }

    /// <summary>Two entries whose sum is nothing: one takes the points off the leaderboards of the category and the area, one counts them for the whole city.</summary>
    private IEnumerable<Booking> ToBookings(Unnaming unnamed)
    {
        var (claim, award) = unnamed;
        var cause = PointTransaction.UnnamedCause + award.Id;
        var counted = new Booking(claim.UserId, 0, EntryKind.Reversed, RuleEngine.Unnamed, $"{cause}:counted")
        {
            Rule = claim.Code,
            RuleVersion = award.Version,
            Reference = claim.ReportId.ToString(),
            Counted = award.Counted,
            Event = _reports.GetValueOrDefault(claim.ReportId),
        };
        return [counted with { Cause = cause, Category = award.Category, Area = award.Area, Counted = -award.Counted }, counted];
    }

    private Booking ToBooking(Reversal reversal) =>
        new(reversal.Claim.UserId, -reversal.Award.Left, EntryKind.Reversed, reversal.Reason, $"reversal:{reversal.Award.Id}")
        {
            Rule = reversal.Claim.Code,
            RuleVersion = reversal.Award.Version,
            Reference = reversal.Claim.ReportId.ToString(),
            Category = reversal.Award.Category, // of the award, because areas may have changed since
            Area = reversal.Award.Area,
            LimitDay = reversal.Award.LimitDay,
            Reverses = reversal.Award.Id,
            Event = _reports.GetValueOrDefault(reversal.Claim.ReportId),
        };

    /// <summary>Entries from before there were versions have the rules that are now version 1.</summary>
    private static int VersionOf(int? version) => version ?? 1;

    private sealed record Entry(PointTransaction Award, int TakenBack, bool IsClosed, bool IsUnnamed, int Expired)
    {
        public bool IsReversed => TakenBack > 0;

        public Award ToAward() => new(
            Award.Id, Award.Points, Expired, TakenBack, VersionOf(Award.RuleVersion), Award.LimitDay, IsUnnamed ? null : Award.Category, IsUnnamed ? null : Award.Area);
    }
}

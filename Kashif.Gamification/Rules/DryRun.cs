using Kashif.Gamification.Data;
using Kashif.Gamification.History;
using Kashif.Http;
using Kashif.Messaging.Erasure;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Rules;

/// <summary>A past period.</summary>
/// <param name="From" example="2026-10-01T00:00:00Z">Its first instant.</param>
/// <param name="To" example="2026-11-01T00:00:00Z">Its end, at most a year later.</param>
public sealed record DryRunRequest(DateTimeOffset From, DateTimeOffset To);

/// <summary>What rules would have awarded.</summary>
/// <param name="Awards" example="1200">How many awards.</param>
/// <param name="Points" example="9800">Their points: what the period would have cost, without what is reversed.</param>
/// <param name="PerRule">The same for each rule.</param>
/// <param name="Reversed" example="310">The points that reports lost because they were rejected, withdrawn, hidden or deleted, or because a status was taken back.</param>
internal sealed record DryRunResponse(long Awards, long Points, IReadOnlyList<RuleTotal> PerRule, long Reversed);

/// <summary>What a rule would have awarded.</summary>
/// <param name="Code" example="report_created">The rule's code.</param>
/// <param name="Awards" example="900">How many awards.</param>
/// <param name="Points" example="8100">Their points.</param>
internal sealed record RuleTotal(string Code, long Awards, long Points);

internal static class DryRun
{
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromDays(366);
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    /// <param name="version" example="2">The version, also a draft.</param>
    public static async Task<Results<Ok<DryRunResponse>, ValidationProblem, ProblemHttpResult>> RunAsync(
        int version, DryRunRequest request, GamificationDbContext database, RulebookReader rulebooks, CancellationToken cancellationToken)
    {
        if (request.To <= request.From)
        {
            return Error.Field("to", "Must be after the start.");
        }

        if (request.To - request.From > LongestPeriod)
        {
            return Error.Field("to", "At most a year after the start.");
        }

        if (await RuleEndpoints.FindAsync(version, database, cancellationToken) is not { } rules)
        {
            return Error.NotFound("Rules not found.").ToProblem();
        }

        database.Database.SetCommandTimeout(Timeout);
        var rulebook = await rulebooks.ReadAsync(rules, database, cancellationToken);
        return TypedResults.Ok(await SumAsync(database.ReportEvents, database.ReportEvents, rulebook, request.From, request.To, cancellationToken));
    }

    /// <summary>Reads the events of one user at a time: limits are per user. Of reports with an event in the period it reads the earlier ones too.</summary>
    /// <param name="events">The events of the users to sum.</param>
    /// <param name="all">The events of all users: a duplicate shares with an original of another user.</param>
    public static async Task<DryRunResponse> SumAsync(
        IQueryable<ReportEvent> events, IQueryable<ReportEvent> all, Rulebook rules, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        // Few reports are originals of others.
        var merged = all.Where(original => all.Any(merge => merge.OriginalId == original.ReportId) && original.At < to);
        var originals = (await merged.AsNoTracking().ToListAsync(cancellationToken)).ToLookup(entry => entry.ReportId);
        var inPeriod = merged.Where(original => original.At >= from).Select(original => original.ReportId);

        var totals = new SortedDictionary<string, (long Awards, long Points)>(StringComparer.Ordinal);
        var reversed = 0L;
        var ofUser = new List<ReportEvent>();
        var stream = events.AsNoTracking()
            .Where(entry => entry.At < to && entry.UserId != ErasedUser.Id
                && events.Any(other => other.ReportId == entry.ReportId
                    && ((other.At >= from && other.At < to) || (other.OriginalId != null && inPeriod.Contains(other.OriginalId.Value)))))
            .OrderBy(entry => entry.UserId).AsAsyncEnumerable();
        await foreach (var entry in stream.WithCancellation(cancellationToken))
        {
            if (ofUser.Count > 0 && ofUser[0].UserId != entry.UserId)
            {
                Add();
            }

            ofUser.Add(entry);
        }

        Add();
        return new DryRunResponse(
            totals.Values.Sum(total => total.Awards), totals.Values.Sum(total => total.Points),
            [.. totals.Select(total => new RuleTotal(total.Key, total.Value.Awards, total.Value.Points))], reversed);

        void Add()
        {
            var sources = ofUser.Select(entry => entry.OriginalId).OfType<Guid>().Distinct().SelectMany(original => originals[original]);
            var claims = RuleEngine.ClaimsOf(ofUser, rules, sources)
                .Where(claim => claim.At >= from && claim.Vested).ToList();
            ofUser.Clear();
            reversed += claims.Where(claim => claim.Lost is not null).Sum(claim => (long)claim.Points);
            foreach (var grant in RuleEngine.Settle(claims, new GivenPoints()).Grants)
            {
                var (awards, points) = totals.GetValueOrDefault(grant.Claim.Code);
                totals[grant.Claim.Code] = (awards + 1, points + grant.Points);
            }
        }
    }
}

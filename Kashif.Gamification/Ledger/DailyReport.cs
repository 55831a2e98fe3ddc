using Kashif.Gamification.Data;
using Kashif.Http;
using Kashif.Messaging.Erasure;
using Kashif.Messaging;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <summary>The points of a rule, or of another reason.</summary>
/// <param name="Code" example="report_created">The rule, or the reason of entries without one.</param>
/// <param name="Entries" example="12">The number of awards.</param>
/// <param name="Points" example="120">The points issued.</param>
/// <param name="Reversed" example="10">The points taken back, without what is still owed.</param>
internal sealed record RulePoints(string Code, long Entries, long Points, long Reversed);

/// <summary>The points of a day.</summary>
/// <param name="Date" example="2026-11-28">The day, in UTC.</param>
/// <param name="Entries" example="31">The entries of the ledger.</param>
/// <param name="Issued" example="480">Points earned, adjustments included.</param>
/// <param name="Spent" example="150">Points spent.</param>
/// <param name="Refunded" example="50">Points given back of what was spent.</param>
/// <param name="Expired" example="20">Points that have expired.</param>
/// <param name="Reversed" example="10">Points taken back, less those given back by undoing it.</param>
/// <param name="Outstanding" example="90210">The sum of the balances at the end of the day: what users may still spend. Without accounts that are deleted by now.</param>
/// <param name="Owed" example="35">What users owe at the end of the day.</param>
/// <param name="PerRule">The points by rule.</param>
/// <param name="Digest" example="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08">SHA-256 of the hashes of the day's entries in the order of their ids, in hexadecimal. Final some minutes after the day has ended: a booking of its last second may commit later.</param>
internal sealed record DailyPointsResponse(
    DateOnly Date, long Entries, long Issued, long Spent, long Refunded, long Expired, long Reversed, long Outstanding, long Owed, IReadOnlyList<RulePoints> PerRule, string Digest);

internal static class DailyReport
{
    public static void MapDailyReport(this IEndpointRouteBuilder endpoints) => endpoints
        .MapGet("/api/v1/gamification/reports/daily", GetAsync).WithTags("Daily reports").RequireAuthorization(Policies.Admin)
        .WithName("GetDailyPoints").WithSummary("Get the points of a day: issued, spent, expired, outstanding");

    /// <param name="date" example="2026-11-28">The day, in UTC. Without it: today.</param>
    private static async Task<Results<Ok<DailyPointsResponse>, ValidationProblem>> GetAsync(
        [FromQuery(Name = "date")] DateOnly? date, GamificationDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var day = date ?? today;
        if (day > today)
        {
            return Error.Field("date", "Must not be in the future.");
        }

        var from = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero);
        var to = from.AddDays(1);
        var (first, next) = (TimeOrderedId.Before(from), TimeOrderedId.Before(to));
        var groups = await database.Transactions.Where(entry => entry.Id > first && entry.CreatedAt >= from && entry.CreatedAt < to)
            .GroupBy(entry => new { entry.Kind, Code = entry.Rule ?? entry.Reason, IsCredit = entry.Points > 0 })
            .Select(group => new { group.Key.Kind, group.Key.Code, group.Key.IsCredit, Entries = group.LongCount(), Points = group.Sum(entry => (long)entry.Points) })
            .ToListAsync(cancellationToken);

        // The balances of now, less what came after the day: in one statement, so as of one moment.
        var end = await database.Database.SqlQuery<DayEnd>($"""
            SELECT
                (coalesce((SELECT sum(points) FROM balances WHERE user_id <> {ErasedUser.Id}), 0)
                    - coalesce(sum(points) FILTER (WHERE user_id <> {ErasedUser.Id}), 0))::bigint AS outstanding,
                (coalesce((SELECT sum(owed) FROM balances), 0) - coalesce(sum(owed) FILTER (WHERE user_id <> {ErasedUser.Id}), 0))::bigint AS owed,
                (SELECT sha256(coalesce(string_agg(hash, '' ORDER BY id), '')) FROM point_transactions WHERE id > {first} AND created_at >= {from} AND created_at < {to}) AS digest
            FROM point_transactions WHERE id > {next} AND created_at >= {to}
            """).SingleAsync(cancellationToken);
        var rules =
            from entry in groups
            where entry.Kind is EntryKind.Earned or EntryKind.Reversed
            group entry by entry.Code into rule
            orderby rule.Key
            select new RulePoints(
                rule.Key,
                rule.Where(entry => entry.Kind == EntryKind.Earned).Sum(entry => entry.Entries),
                rule.Where(entry => entry.Kind == EntryKind.Earned).Sum(entry => entry.Points),
                -rule.Where(entry => entry.Kind == EntryKind.Reversed).Sum(entry => entry.Points));
        return TypedResults.Ok(new DailyPointsResponse(
            day, groups.Sum(entry => entry.Entries), Of(EntryKind.Earned, true), -Of(EntryKind.Spent, false), Of(EntryKind.Spent, true), -Of(EntryKind.Expired, false),
            -Of(EntryKind.Reversed, false) - Of(EntryKind.Reversed, true), end.Outstanding, end.Owed, [.. rules], Convert.ToHexStringLower(end.Digest)));

        long Of(EntryKind kind, bool isCredit) => groups.Where(entry => entry.Kind == kind && entry.IsCredit == isCredit).Sum(entry => entry.Points);
    }

    private sealed record DayEnd(long Outstanding, long Owed, byte[] Digest);
}

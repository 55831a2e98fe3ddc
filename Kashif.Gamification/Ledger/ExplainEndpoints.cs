using System.Security.Claims;
using Kashif.Gamification.Data;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <summary>An entry of the ledger, with all that its hash covers.</summary>
/// <param name="Id">The transaction's id.</param>
/// <param name="Kind" example="earned">Which sum it changes.</param>
/// <param name="Points" example="10">The change of the balance; 0 if all is owed, and of <c>report_unnamed</c>.</param>
/// <param name="Owed" example="0">What this reversal could not take, because it was spent; negative where the entry pays a debt. Two entries <c>report_unnamed</c> cancel each other out.</param>
/// <param name="BalanceAfter" example="65">The balance after this entry.</param>
/// <param name="Reason" example="report_created">The code of a rule, <c>redeemed</c>, <c>refunded</c>, <c>expired</c>, <c>adjusted</c>, <c>reversed</c>, <c>quest</c>; <c>report_rejected</c>, <c>report_withdrawn</c>, <c>report_hidden</c>, <c>report_deleted</c>, <c>report_recategorized</c>, <c>status_taken_back</c> or <c>rule_corrected</c> where an award is taken back; <c>report_unnamed</c> where a report has become anonymous or private; <c>owed</c> for the payment of a debt.</param>
/// <param name="Rule" example="report_created">The rule that awarded the points, also of their reversal; null without one.</param>
/// <param name="RuleVersion" example="3">The version of the rules; null for the rules before there were versions.</param>
/// <param name="Cause" example="report_created:0198f0a0-1111-7000-8000-000000000002">What caused it. Only one entry has this cause.</param>
/// <param name="Reference" example="0198f0a0-1111-7000-8000-000000000002">The id of the report or coupon.</param>
/// <param name="Category" example="pothole">The category of the report.</param>
/// <param name="Area" example="old_town">The area in which the report lies.</param>
/// <param name="Reverses">The entry that this one undoes; of points that have expired, the one that credited them.</param>
/// <param name="ExpiresAt">When points that are not spent by then expire; null for never.</param>
/// <param name="Note" example="Reported twice.">Why an administrator booked it.</param>
/// <param name="Chain">The account's chain of entries.</param>
/// <param name="Sequence" example="4">The place in the chain, from 1.</param>
/// <param name="Hash" example="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08">SHA-256 of the entry and of <c>previous_hash</c>, in hexadecimal.</param>
/// <param name="PreviousHash" example="60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752">The hash of the entry before; null for the first.</param>
/// <param name="CreatedAt">When the points were booked.</param>
internal sealed record LedgerEntryResponse(
    Guid Id, [property: Values(typeof(EntryKind))] string Kind, int Points, int Owed, long BalanceAfter, string Reason, string? Rule, int? RuleVersion, string Cause,
    string? Reference, string? Category, string? Area, Guid? Reverses, DateTimeOffset? ExpiresAt, string? Note,
    Guid Chain, long Sequence, string Hash, string? PreviousHash, DateTimeOffset CreatedAt)
{
    public static LedgerEntryResponse Of(PointTransaction entry) => new(
        entry.Id, PointTransaction.WireName(entry.Kind), entry.Points, entry.Owed, entry.BalanceAfter, entry.Reason, entry.Rule, entry.RuleVersion, entry.Cause,
        entry.Reference, entry.Category, entry.Area, entry.Reverses, entry.ExpiresAt, entry.Note,
        entry.Chain, entry.Sequence, Convert.ToHexStringLower(entry.Hash), entry.PreviousHash is { } previous ? Convert.ToHexStringLower(previous) : null, entry.CreatedAt);
}

internal static class ExplainEndpoints
{
    public static void MapExplain(this IEndpointRouteBuilder endpoints) => endpoints
        .MapGet("/api/v1/gamification/points/explain", ExplainAsync).WithTags("Points").RequireAuthorization()
        .WithName("ExplainMyPoints").WithSummary("Explain my points: each entry of the ledger with its rule, cause and hash, newest first");

    private static async Task<Results<Ok<Page<LedgerEntryResponse>>, ValidationProblem>> ExplainAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.AllBitsSet;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var userId = user.UserId;
        var rows = await database.Transactions.AsNoTracking().Where(entry => entry.UserId == userId && entry.Id < before)
            .OrderByDescending(entry => entry.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, LedgerEntryResponse.Of, last => Cursor.Encode(last.Id)));
    }
}

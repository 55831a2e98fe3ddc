using System.Security.Claims;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Profiles;
using Kashif.Gamification.Rules;
using Kashif.Http;
using Kashif.Messaging.Erasure;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <summary>A user's points.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="DisplayName" example="Amal H.">The name that the user has chosen; null without one.</param>
/// <param name="Points" example="65">The balance: earned less spent, expired and taken back.</param>
/// <param name="Earned" example="80">All points ever earned.</param>
/// <param name="Spent" example="15">All points ever spent and not given back.</param>
/// <param name="Rank" example="4">One more than the number of users with more points, so ties share a rank; null without points, or if the user has left the leaderboards.</param>
/// <param name="Level" example="2">The level, from the points earned.</param>
internal sealed record PointsResponse(Guid UserId, string? DisplayName, long Points, long Earned, long Spent, long? Rank, int Level);

/// <summary>Points that are not spent in time.</summary>
/// <param name="Points" example="20">The points that expire on the UTC day of <c>at</c>.</param>
/// <param name="At">When the first of them expire.</param>
internal sealed record ExpiringPoints(long Points, DateTimeOffset At);

/// <summary>My points.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="DisplayName" example="Amal H.">The name that the user has chosen; null without one.</param>
/// <param name="Points" example="60">The balance: earned less spent, expired and reversed.</param>
/// <param name="Earned" example="100">All points ever earned.</param>
/// <param name="Spent" example="15">All points ever spent and not given back.</param>
/// <param name="Expired" example="5">All points that have expired.</param>
/// <param name="Reversed" example="20">All points taken back.</param>
/// <param name="Owed" example="0">What could not be taken back, because it was spent. The next points pay it.</param>
/// <param name="Expiring">The points that expire next; null if none do.</param>
/// <param name="Rank" example="4">One more than the number of users with more points, so ties share a rank; null without points.</param>
/// <param name="Level" example="2">The level, from the points earned and not taken back.</param>
internal sealed record MyPointsResponse(
    Guid UserId, string? DisplayName, long Points, long Earned, long Spent, long Expired, long Reversed, long Owed, ExpiringPoints? Expiring, long? Rank, int Level);

/// <summary>A change of a balance.</summary>
/// <param name="Id">The transaction's id.</param>
/// <param name="Kind" example="earned">Which sum it changes.</param>
/// <param name="Points" example="10">Points earned or given back; negative if they were spent, have expired or were taken back.</param>
/// <param name="BalanceAfter" example="65">The balance after this transaction.</param>
/// <param name="Reason" example="report_created">Why: the code of a rule, <c>redeemed</c>, <c>refunded</c>, <c>expired</c>, <c>adjusted</c>, <c>reversed</c>, <c>quest</c> for a completed quest; <c>report_rejected</c>, <c>report_withdrawn</c>, <c>report_hidden</c> or <c>report_deleted</c> where the points of a report are taken back; <c>report_recategorized</c> where its category was corrected; <c>status_taken_back</c> where a status was taken back; <c>rule_corrected</c> where a late event changes an award; <c>owed</c> for the payment of a debt.</param>
/// <param name="Rule" example="report_created">The code of the rule that awarded the points, also where they are taken back; null if they were spent or given back.</param>
/// <param name="RuleVersion" example="2">The version of the rules; null for entries from before there were versions.</param>
/// <param name="Reference" example="0198f0a0-1111-7000-8000-000000000002">The id of the report or coupon, or <c>order:</c> and the id of the order.</param>
/// <param name="CreatedAt">When the points were booked.</param>
internal sealed record TransactionResponse(
    Guid Id, [property: Values(typeof(EntryKind))] string Kind, int Points, long BalanceAfter, string Reason, string? Rule, int? RuleVersion, string? Reference,
    DateTimeOffset CreatedAt)
{
    public static TransactionResponse Of(PointTransaction entry) =>
        new(entry.Id, PointTransaction.WireName(entry.Kind), entry.Points, entry.BalanceAfter, entry.Reason, entry.Rule, entry.RuleVersion, entry.Reference, entry.CreatedAt);
}

internal static class PointsEndpoints
{
    private static readonly Func<GamificationDbContext, Guid, CancellationToken, Task<Balance?>> FindBalance =
        EF.CompileAsyncQuery((GamificationDbContext database, Guid userId, CancellationToken _) =>
            database.Balances.AsNoTracking().SingleOrDefault(balance => balance.UserId == userId));

    private static readonly Func<GamificationDbContext, Guid, CancellationToken, Task<OwnBalance?>> FindOwnBalance =
        EF.CompileAsyncQuery((GamificationDbContext database, Guid userId, CancellationToken _) =>
            database.Balances.AsNoTracking().Where(balance => balance.UserId == userId)
                .Select(balance => new OwnBalance(balance, database.Expiries.Any(row => row.UserId == userId))).SingleOrDefault());

    public static IEndpointRouteBuilder MapPoints(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/api/v1/gamification").WithTags("Points").RequireAuthorization();
        group.MapGet("/points/me", GetMineAsync).WithName("GetMyPoints").WithSummary("Get my points, rank and level");
        group.MapGet("/points/{userId:guid}", GetAsync)
            .AllowAnonymous()
            .WithPublicCache(TimeSpan.FromSeconds(1))
            .WithName("GetPoints")
            .WithSummary("Get a user's points, rank and level")
            .WithDescription("Returns 404 for a user who has never earned points.");
        group.MapGet("/transactions/me", ListMineAsync).WithName("ListMyTransactions").WithSummary("List my point transactions, newest first");
        return group;
    }

    private static async Task<Ok<MyPointsResponse>> GetMineAsync(
        ClaimsPrincipal user, GamificationDbContext database, ExpiringCache expiring, RankingCache ranking, DisplayNames names, LevelCache levels,
        CancellationToken cancellationToken)
    {
        var (balance, expires) = await FindOwnBalance(database, user.UserId, cancellationToken) ?? new OwnBalance(new Balance { UserId = user.UserId }, Expires: false);
        return TypedResults.Ok(new MyPointsResponse(
            balance.UserId, (await names.OfAsync(database, [balance.UserId], cancellationToken)).GetValueOrDefault(balance.UserId), balance.Points, balance.Earned, balance.Spent, balance.Expired, balance.Reversed, balance.Owed,
            expires ? await expiring.GetAsync(balance, database, cancellationToken) : null,
            balance.Hidden ? null : await RankAsync(balance.Points, database, ranking, cancellationToken), (await levels.GetAsync(cancellationToken)).Of(balance.Kept)));
    }

    /// <summary>404 until the first award: this service does not know users without points.</summary>
    /// <param name="userId">The user's id.</param>
    private static async Task<Results<Ok<PointsResponse>, ProblemHttpResult>> GetAsync(
        Guid userId, GamificationDbContext database, RankingCache ranking, DisplayNames names, LevelCache levels, CancellationToken cancellationToken) =>
        userId != ErasedUser.Id && await FindBalance(database, userId, cancellationToken) is { } balance
            ? TypedResults.Ok(await ToResponseAsync(balance, database, ranking, names, levels, cancellationToken))
            : Error.NotFound("No points found for this user.").ToProblem();

    private static async Task<PointsResponse> ToResponseAsync(
        Balance balance, GamificationDbContext database, RankingCache ranking, DisplayNames names, LevelCache levels, CancellationToken cancellationToken) => new(
        balance.UserId, (await names.OfAsync(database, [balance.UserId], cancellationToken)).GetValueOrDefault(balance.UserId), balance.Points, balance.Earned,
        balance.Spent, balance.Hidden ? null : await RankAsync(balance.Points, database, ranking, cancellationToken),
        (await levels.GetAsync(cancellationToken)).Of(balance.Kept));

    private static async Task<long?> RankAsync(
        long points, GamificationDbContext database, RankingCache ranking, CancellationToken cancellationToken)
    {
        if (points == 0)
        {
            return null;
        }

        var ahead = await ranking.CountAheadAsync(points, cancellationToken)
            ?? await database.Balances.LongCountAsync(other => other.Points > points && !other.Hidden && other.UserId != ErasedUser.Id, cancellationToken);
        return ahead + 1;
    }

    private static async Task<Results<Ok<Page<TransactionResponse>>, ValidationProblem>> ListMineAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var userId = user.UserId;
        var entries = database.Transactions.AsNoTracking().Where(entry => entry.UserId == userId && entry.Reason != RuleEngine.Unnamed); // no change of the balance
        if (page.Cursor is { } cursor)
        {
            if (!Cursor.TryDecode(cursor, out Guid before))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            entries = entries.Where(entry => entry.Id < before);
        }

        var rows = await entries.OrderByDescending(entry => entry.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, TransactionResponse.Of, last => Cursor.Encode(last.Id)));
    }

    private sealed record OwnBalance(Balance Balance, bool Expires);
}

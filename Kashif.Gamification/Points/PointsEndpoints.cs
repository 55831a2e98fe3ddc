using System.Security.Claims;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Profiles;
using Kashif.Http;
using Kashif.Messaging.Erasure;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <summary>A user's points.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="DisplayName" example="Amal H.">The name that the user has chosen; null without one.</param>
/// <param name="Points" example="65">The balance: earned less spent.</param>
/// <param name="Earned" example="80">All points ever earned.</param>
/// <param name="Spent" example="15">All points ever spent and not given back.</param>
/// <param name="Rank" example="4">One more than the number of users with more points, so ties share a rank; null without points, or if the user has left the leaderboards.</param>
/// <param name="Level" example="2">The level, from the points earned.</param>
internal sealed record PointsResponse(Guid UserId, string? DisplayName, long Points, long Earned, long Spent, long? Rank, int Level);

/// <summary>A change of a balance.</summary>
/// <param name="Id">The transaction's id.</param>
/// <param name="Points" example="10">Points earned; negative if they were spent.</param>
/// <param name="BalanceAfter" example="65">The balance after this transaction.</param>
/// <param name="Reason" example="report_created">Why: the code of a rule, <c>redeemed</c>, or <c>refunded</c> for a redemption whose offer had ended.</param>
/// <param name="Rule" example="report_created">The code of the rule that awarded the points; null if they were spent or given back.</param>
/// <param name="Reference" example="0198f0a0-1111-7000-8000-000000000002">The id of the report or coupon.</param>
/// <param name="CreatedAt">When the points were booked.</param>
internal sealed record TransactionResponse(
    Guid Id, int Points, long BalanceAfter, string Reason, string? Rule, string? Reference, DateTimeOffset CreatedAt)
{
    public static TransactionResponse Of(PointTransaction entry) =>
        new(entry.Id, entry.Points, entry.BalanceAfter, entry.Reason, entry.Rule, entry.Reference, entry.CreatedAt);
}

internal static class PointsEndpoints
{
    private static readonly Func<GamificationDbContext, Guid, CancellationToken, Task<Balance?>> FindBalance =
        EF.CompileAsyncQuery((GamificationDbContext database, Guid userId, CancellationToken _) =>
            database.Balances.AsNoTracking().SingleOrDefault(balance => balance.UserId == userId));

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

    private static async Task<Ok<PointsResponse>> GetMineAsync(
        ClaimsPrincipal user, GamificationDbContext database, RankingCache ranking, DisplayNames names, LevelCache levels, CancellationToken cancellationToken)
    {
        var balance = await FindBalance(database, user.UserId, cancellationToken) ?? new Balance { UserId = user.UserId };
        return TypedResults.Ok(await ToResponseAsync(balance, database, ranking, names, levels, cancellationToken));
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
        var entries = database.Transactions.AsNoTracking().Where(entry => entry.UserId == userId);
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
}

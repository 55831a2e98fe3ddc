using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.Profiles;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Gamification.Leaderboard;

/// <summary>A user's place on the leaderboard.</summary>
/// <param name="Rank" example="1">One more than the number of users with more points. Ties share a rank (1, 2, 2, 4) and are sorted by id.</param>
/// <param name="UserId">The user's id.</param>
/// <param name="DisplayName" example="Amal H.">The name that the user has chosen; null without one.</param>
/// <param name="Points" example="120">The balance, or the points earned in the period, area and category.</param>
/// <param name="Level" example="2">The user's level.</param>
internal sealed record LeaderboardItem(long Rank, Guid UserId, string? DisplayName, long Points, int Level);

/// <summary>The caller's place on a leaderboard, and the users around.</summary>
/// <param name="Rank" example="120">The caller's rank; null without points, or if the caller has left the leaderboards.</param>
/// <param name="Items">The users around the caller and the caller, best first; empty without a rank.</param>
internal sealed record OwnPlace(long? Rank, IReadOnlyList<LeaderboardItem> Items);

/// <summary>Which leaderboard. Bind with <c>[AsParameters]</c>.</summary>
public sealed class BoardRequest
{
    private const string Periods = "all|month|week";

    /// <summary>`all`: the balances. `month`, `week`: the points earned in this calendar month or ISO week, in UTC.</summary>
    /// <example>week</example>
    [FromQuery(Name = "period"), RegularExpression(Periods, ErrorMessage = "Must be one of all, month, week."), DefaultValue("all")]
    public string? Period { get; set; }

    /// <summary>Only the points earned for reports in this area, also for `all`. An unknown area has an empty leaderboard.</summary>
    /// <example>old_town</example>
    [FromQuery(Name = "area"), Text(Areas.Area.CodeLength)]
    public string? Area { get; set; }

    /// <summary>Only the points earned for reports of this category, also for `all`. An unknown category has an empty leaderboard.</summary>
    /// <example>pothole</example>
    [FromQuery(Name = "category"), Text(Achievement.CategoryLength)]
    public string? Category { get; set; }

    internal Board ToBoard() => new(
        Period switch
        {
            "month" => Leaderboard.Period.Month,
            "week" => Leaderboard.Period.Week,
            _ => Leaderboard.Period.All,
        },
        string.IsNullOrWhiteSpace(Area) ? null : Area.Trim(),
        string.IsNullOrWhiteSpace(Category) ? null : Category.Trim());
}

internal static class LeaderboardEndpoints
{
    private const int MostNeighbours = 25;

    public static IEndpointRouteBuilder MapLeaderboard(this IEndpointRouteBuilder endpoints)
    {
        var leaderboard = endpoints.MapGroup("/api/v1/gamification/leaderboard").WithTags("Leaderboard");
        leaderboard.MapGet("", GetAsync)
            .AllowAnonymous()
            .Produces<Page<LeaderboardItem>>()
            .ProducesValidationProblem()
            .WithName("GetLeaderboard")
            .WithSummary("Get the leaderboard of all time, this calendar month or this ISO week (UTC)")
            .WithDescription("Of the whole city, or of an area, a category, or both. It has the first 1000 users, without those who have left it.");
        leaderboard.MapGet("/me", GetMineAsync)
            .RequireAuthorization()
            .WithName("GetMyPlace")
            .WithSummary("Get my place on a leaderboard and the users around me");
        return endpoints;
    }

    /// <param name="limit" example="100">The size of a page.</param>
    /// <param name="cursor" example="MTAw">The <c>next_cursor</c> of the previous page. Opaque. Leave it out for the first page.</param>
    private static async Task<IResult> GetAsync(
        LeaderboardSnapshots snapshots,
        [FromQuery(Name = "limit"), Between(1, PageRequest.MaxLimit), DefaultValue(PageRequest.MaxLimit)] int? limit,
        [FromQuery(Name = "cursor"), Text(200)] string? cursor,
        [AsParameters] BoardRequest board,
        CancellationToken cancellationToken)
    {
        var offset = 0;
        if (cursor is not null && (!Cursor.TryDecode(cursor, out offset) || offset < 0))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var snapshot = await snapshots.GetAsync(board.ToBoard(), cancellationToken);
        return snapshot.PageOf(offset, limit ?? PageRequest.MaxLimit);
    }

    /// <param name="neighbours" example="5">How many users to show before and after the caller.</param>
    private static async Task<Ok<OwnPlace>> GetMineAsync(
        [AsParameters] BoardRequest request,
        [FromQuery(Name = "neighbours"), Between(0, MostNeighbours), DefaultValue(5)] int? neighbours,
        ClaimsPrincipal user, GamificationDbContext database, RankingCache ranking, DisplayNames names, LevelCache levels, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var (userId, count, board) = (user.UserId, neighbours ?? 5, request.ToBoard());
        var around = (board.IsRanking ? await ranking.AroundAsync(userId, count, cancellationToken) : null)
            ?? await board.AroundAsync(database, time.GetUtcNow(), userId, count, cancellationToken);
        var items = around.ToItems(
            await names.OfAsync(database, around.Standings.ConvertAll(standing => standing.UserId), cancellationToken), await levels.GetAsync(cancellationToken));
        return TypedResults.Ok(new OwnPlace(items.FirstOrDefault(item => item.UserId == userId)?.Rank, items));
    }
}

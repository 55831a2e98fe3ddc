using System.ComponentModel.DataAnnotations;
using System.ComponentModel;
using Kashif.Http;
using Kashif.Validation;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Gamification.Leaderboard;

/// <summary>A user's place on the leaderboard.</summary>
/// <param name="Rank" example="1">One more than the number of users with more points. Ties share a rank (1, 2, 2, 4) and are sorted by id.</param>
/// <param name="UserId">The user's id.</param>
/// <param name="Points" example="120">The balance, or the points earned in the month or week.</param>
/// <param name="Level" example="2">The user's level.</param>
internal sealed record LeaderboardItem(int Rank, Guid UserId, long Points, int Level);

internal static class LeaderboardEndpoints
{
    private const string Periods = "all|month|week";

    public static IEndpointRouteBuilder MapLeaderboard(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/api/v1/gamification/leaderboard", GetAsync)
            .AllowAnonymous()
            .Produces<Page<LeaderboardItem>>()
            .ProducesValidationProblem()
            .WithTags("Leaderboard")
            .WithName("GetLeaderboard")
            .WithSummary("Get the leaderboard of all time, this calendar month or this ISO week (UTC)");
        return endpoints;
    }

    /// <param name="limit" example="100">The size of a page.</param>
    /// <param name="cursor" example="MTAw">The <c>next_cursor</c> of the previous page. Opaque. Leave it out for the first page.</param>
    /// <param name="period" example="week">`all`: the balances. `month`, `week`: the points earned in this calendar month or ISO week, in UTC.</param>
    private static async Task<IResult> GetAsync(
        LeaderboardSnapshots snapshots,
        [FromQuery(Name = "limit"), Between(1, PageRequest.MaxLimit), DefaultValue(PageRequest.MaxLimit)] int? limit,
        [FromQuery(Name = "cursor"), Text(200)] string? cursor,
        [FromQuery(Name = "period"), RegularExpression(Periods, ErrorMessage = "Must be one of all, month, week."), DefaultValue("all")] string? period,
        CancellationToken cancellationToken)
    {
        var offset = 0;
        if (cursor is not null && (!Cursor.TryDecode(cursor, out offset) || offset < 0))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var snapshot = await snapshots.GetAsync(Parse(period), cancellationToken);
        return snapshot.PageOf(offset, limit ?? PageRequest.MaxLimit);
    }

    private static Period Parse(string? period) => period switch
    {
        "month" => Period.Month,
        "week" => Period.Week,
        _ => Period.All,
    };
}

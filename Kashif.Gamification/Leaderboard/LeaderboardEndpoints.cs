using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Kashif.Http;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Gamification.Leaderboard;

/// <param name="Rank">How many users have more points, plus one, so equals share a rank (1, 2, 2, 4) and stand in the order of their ids.</param>
/// <param name="Points">The balance, or what the month or week has given.</param>
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
            .WithSummary("Who has the most points; or was given the most in this calendar month or ISO week (UTC).");
        return endpoints;
    }

    private static async Task<IResult> GetAsync(
        LeaderboardSnapshots snapshots,
        [FromQuery(Name = "limit"), Range(1, PageRequest.MaxLimit), DefaultValue(PageRequest.MaxLimit)] int? limit,
        [FromQuery(Name = "cursor"), StringLength(200)] string? cursor,
        [FromQuery(Name = "period"), RegularExpression(Periods, ErrorMessage = "One of all, month, week."), DefaultValue("all")] string? period,
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

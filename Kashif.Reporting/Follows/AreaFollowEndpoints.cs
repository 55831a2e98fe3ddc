using Kashif.Http;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Data;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Follows;

/// <summary>An area that the caller follows.</summary>
/// <param name="Id">The area's id.</param>
/// <param name="Name">The area's name.</param>
/// <param name="FollowedAt">Since when the caller follows it.</param>
internal sealed record FollowedArea(Guid Id, Name Name, DateTimeOffset FollowedAt);

internal static class AreaFollowEndpoints
{
    private static Error NoArea { get; } = Error.NotFound("Area not found.");

    private static Error NotFollowed { get; } = Error.NotFound("You do not follow this area.");

    public static void MapAreaFollows(this IEndpointRouteBuilder endpoints)
    {
        var areas = endpoints.MapGroup(AreaEndpoints.Path).WithTags("Community").RequireAuthorization();
        areas.MapGet("/follows", ListAsync).WithName("ListFollowedAreas").WithSummary("List the areas that I follow, the last followed first");
        areas.MapGet("/{id:guid}/follow", GetAsync).WithName("GetAreaFollow").WithSummary("Get whether I follow an area");
        areas.MapPut("/{id:guid}/follow", FollowAsync).WithName("FollowArea").WithSummary("Follow an area")
            .WithDescription("The follower is notified of each new public report there, and of each that is resolved. Following it again changes nothing.")
            .WithProblems(404, "not_found");
        areas.MapDelete("/{id:guid}/follow", UnfollowAsync).WithName("UnfollowArea").WithSummary("Stop following an area").WithProblems(404, "not_found");
    }

    private static async Task<Results<Ok<Page<FollowedArea>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var (at, id) = (DateTimeOffset.MinValue, Guid.Empty);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out at, out id))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        at = at.ToUniversalTime();
        var user = http.User.UserId;
        var follows = database.AreaFollows.AsNoTracking().Where(follow => follow.UserId == user);
        if (page.Cursor is not null)
        {
            follows = follows.Where(follow => follow.At < at || (follow.At == at && follow.AreaId < id));
        }

        var rows = await follows
            .Join(database.Areas, follow => follow.AreaId, area => area.Id, (follow, area) => new { follow.At, area.Id, area.NameEn, area.NameAr })
            .OrderByDescending(row => row.At).ThenByDescending(row => row.Id)
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => new FollowedArea(row.Id, new Name(row.NameEn, row.NameAr), row.At), last => Cursor.Encode(last.At, last.Id)));
    }

    /// <param name="id">The area's id.</param>
    private static async Task<Results<Ok<FollowResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        return await database.Areas.AnyAsync(area => area.Id == id, cancellationToken)
            ? TypedResults.Ok(new FollowResponse(await database.AreaFollows.AnyAsync(follow => follow.AreaId == id && follow.UserId == user, cancellationToken)))
            : NoArea.ToProblem();
    }

    /// <param name="id">The area's id.</param>
    private static async Task<Results<Ok<FollowResponse>, ProblemHttpResult>> FollowAsync(
        Guid id, HttpContext http, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var (user, now) = (http.User.UserId, time.GetUtcNow());

        // The lock waits for a deletion in progress, after which there is no area.
        var followed = await database.Database.ExecuteSqlAsync(
            $"INSERT INTO area_follows (area_id, user_id, at) SELECT id, {user}, {now} FROM areas WHERE id = {id} FOR KEY SHARE ON CONFLICT DO NOTHING", cancellationToken);
        return followed > 0 || await database.Areas.AnyAsync(area => area.Id == id, cancellationToken)
            ? TypedResults.Ok(new FollowResponse(Following: true))
            : NoArea.ToProblem();
    }

    /// <param name="id">The area's id.</param>
    private static async Task<Results<Ok<FollowResponse>, ProblemHttpResult>> UnfollowAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        return await database.AreaFollows.Where(follow => follow.AreaId == id && follow.UserId == user).ExecuteDeleteAsync(cancellationToken) > 0
            ? TypedResults.Ok(new FollowResponse(Following: false))
            : NotFollowed.ToProblem();
    }
}

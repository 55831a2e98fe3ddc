using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Follows;

/// <summary>Whether the caller follows a report.</summary>
/// <param name="Following" example="true">True: the caller is told of its changes and comments.</param>
internal sealed record FollowResponse(bool Following);

/// <summary>A report that the caller follows.</summary>
/// <param name="Report">The report as the public sees it.</param>
/// <param name="FollowedAt">Since when the caller follows it.</param>
internal sealed record FollowedReport(ReportResponse Report, DateTimeOffset FollowedAt);

internal static class FollowEndpoints
{
    private static Error OwnReport { get; } = Error.Rule("own_report", "You are told of your own reports anyway.");

    private static Error NotFollowed { get; } = Error.NotFound("You do not follow this report.");

    public static void MapFollows(this IEndpointRouteBuilder endpoints)
    {
        var reports = endpoints.MapGroup("/api/v1/reports").WithTags("Community").RequireAuthorization();
        reports.MapGet("/follows", ListAsync).WithName("ListFollowedReports").WithSummary("List the reports that I follow, the last followed first");
        reports.MapGet("/{id:guid}/follow", GetAsync).WithName("GetFollow").WithSummary("Get whether I follow a report");
        reports.MapPost("/{id:guid}/follow", FollowAsync).WithIdempotency().WithName("FollowReport").WithSummary("Follow a report")
            .WithDescription("The follower is notified of its changes of status and its comments. Following it again changes nothing. For the new reports of an area, follow the area.")
            .WithProblems(422, "own_report");
        reports.MapDelete("/{id:guid}/follow", UnfollowAsync).WithName("UnfollowReport").WithSummary("Stop following a report").WithProblems(404, "not_found");
    }

    /// <summary>Without reports that are not public any more; they are back if they become public again.</summary>
    private static async Task<Results<Ok<Page<FollowedReport>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var (at, id) = (DateTimeOffset.MinValue, Guid.Empty);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out at, out id))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        at = at.ToUniversalTime();
        var user = http.User.UserId;
        var follows = database.Follows.AsNoTracking().Where(follow => follow.UserId == user);
        if (page.Cursor is not null)
        {
            follows = follows.Where(follow => follow.At < at || (follow.At == at && follow.ReportId < id));
        }

        var rows = await follows
            .Join(database.Reports.Public(), follow => follow.ReportId, report => report.Id, (follow, report) => new { follow.At, Report = report })
            .OrderByDescending(row => row.At).ThenByDescending(row => row.Report.Id)
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows, page.Size, row => new FollowedReport(ReportResponse.From(row.Report, View.Public), row.At), last => Cursor.Encode(last.At, last.Report.Id)));
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<FollowResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        return await database.FindVisibleAsync(id, http.User, cancellationToken) is null
            ? ReportErrors.NotFound.ToProblem()
            : TypedResults.Ok(new FollowResponse(await database.Follows.AnyAsync(follow => follow.ReportId == id && follow.UserId == user, cancellationToken)));
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<FollowResponse>, ProblemHttpResult>> FollowAsync(
        Guid id, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisibleAsync(id, http.User, cancellationToken) is not var (report, _))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (report.UserId == http.User.UserId)
        {
            return OwnReport.ToProblem();
        }

        // No one but the owner is told of a report that is not public, so staff cannot follow it.
        if (report.Private || report.Hidden)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        await ReportFollows.AddAsync(database, id, http.User.UserId, time.GetUtcNow(), cancellationToken);
        return await work.CommitAsync(TypedResults.Ok(new FollowResponse(Following: true)), cancellationToken);
    }

    /// <summary>Also of a report that the caller may not see any more, and of a duplicate whose followers a merge has moved to the original.</summary>
    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<FollowResponse>, ProblemHttpResult>> UnfollowAsync(
        Guid id, HttpContext http, ReportingDbContext database, UnitOfWork work, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        await database.LockAsync(id, cancellationToken); // after a merge in progress, which moves the follow
        var user = http.User.UserId;
        var ended = await database.Follows.Where(follow => follow.UserId == user && (follow.ReportId == id || follow.MovedFrom == id)).ExecuteDeleteAsync(cancellationToken);
        return ended > 0 ? await work.CommitAsync(TypedResults.Ok(new FollowResponse(Following: false)), cancellationToken) : NotFollowed.ToProblem();
    }
}

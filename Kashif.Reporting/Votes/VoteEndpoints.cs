using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.Data;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Votes;

/// <summary>The votes of a report.</summary>
/// <param name="Votes" example="3">How many users have voted "me too".</param>
/// <param name="Voted" example="true">Whether the caller is one of them.</param>
internal sealed record VoteResponse(int Votes, bool Voted);

internal static class VoteEndpoints
{
    private static Error OwnReport { get; } = Error.Rule("own_report", "You cannot vote for your own report.");

    private static Error Closed { get; } = Error.Rule("report_closed", "Only open reports can be voted for.");

    private static Error NotVoted { get; } = Error.NotFound("You have not voted for this report.");

    public static void MapVotes(this IEndpointRouteBuilder endpoints)
    {
        var votes = endpoints.MapGroup("/api/v1/reports/{id:guid}/votes").WithTags("Community").RequireAuthorization();
        votes.MapGet("/", GetAsync).WithName("GetMyVote").WithSummary("Get a report's votes, and whether I have voted");
        votes.MapPost("/", VoteAsync).WithIdempotency().WithName("VoteForReport").WithSummary("Vote \"me too\" for a report")
            .WithDescription("For open reports of others. A second vote changes nothing. The voter follows the report; `DELETE …/follow` undoes that.")
            .WithProblems(422, "own_report", "report_closed");
        votes.MapDelete("/", WithdrawAsync).WithName("WithdrawVote").WithSummary("Withdraw my vote for a report").WithProblems(404, "not_found");
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<VoteResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        return await database.FindVisibleAsync(id, http.User, cancellationToken) is var (report, _)
            ? TypedResults.Ok(new VoteResponse(report.Votes, await ReportVotes.VotedAsync(database, id, http.User.UserId, cancellationToken)))
            : ReportErrors.NotFound.ToProblem();
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<VoteResponse>, ProblemHttpResult>> VoteAsync(
        Guid id, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisibleAsync(id, http.User, cancellationToken) is not var (report, _))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (report.UserId == user)
        {
            return OwnReport.ToProblem();
        }

        // Staff see reports that are not public, but a vote is a public thing.
        if (report.Private || report.Hidden)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var now = time.GetUtcNow();
        if (!report.Status.IsOpen())
        {
            return Closed.ToProblem();
        }

        var added = await database.Database.ExecuteSqlAsync(
            $"INSERT INTO votes (report_id, user_id, at) VALUES ({id}, {user}, {now}) ON CONFLICT DO NOTHING", cancellationToken);
        if (added == 1)
        {
            await database.CountAsync(id, votes: 1, cancellationToken: cancellationToken);
            await ReportFollows.AddAsync(database, id, user, now, cancellationToken);
            Publish(database, report, user, withdrawn: false, now);
        }

        return await work.CommitAsync(TypedResults.Ok(new VoteResponse(report.Votes + added, Voted: true)), cancellationToken);
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<VoteResponse>, ProblemHttpResult>> WithdrawAsync(
        Guid id, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        await using var transaction = await work.BeginAsync(cancellationToken);
        var report = await database.LockAsync(id, cancellationToken);
        if (report is null)
        {
            return NotVoted.ToProblem(); // a vote can be withdrawn also when the report is not public any more
        }

        if (await database.Votes.Where(vote => vote.ReportId == id && vote.UserId == user).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return NotVoted.ToProblem();
        }

        await database.CountAsync(id, votes: -1, cancellationToken: cancellationToken);
        Publish(database, report, user, withdrawn: true, time.GetUtcNow());
        return await work.CommitAsync(TypedResults.Ok(new VoteResponse(report.Votes - 1, Voted: false)), cancellationToken);
    }

    /// <param name="report">As it was before the vote, locked: its next activity orders the votes.</param>
    private static void Publish(ReportingDbContext database, Report report, Guid user, bool withdrawn, DateTimeOffset now) => database.Publish(
        new ReportVoted(report.Id, user, report.UserId, report.Category, report.Latitude, report.Longitude, withdrawn, report.Activity + 1), now);
}

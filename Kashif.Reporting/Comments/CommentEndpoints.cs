using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Comments;

/// <summary>A new comment.</summary>
/// <param name="Text" example="It is deeper since the rain.">The text. Leading and trailing white space is removed.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record AddCommentRequest([property: Text(1, Comment.TextMax)] string Text);

/// <summary>A change of a comment. Fields that are left out do not change.</summary>
/// <param name="Text" example="It is deeper since the rain.">The new text, by its author.</param>
/// <param name="Hidden" example="true">Whether only its author and staff see it, by a moderator.</param>
/// <param name="Reason" example="Insulting">Why it is hidden; required to hide it.</param>
public sealed record ChangeCommentRequest(
    [property: Text(1, Comment.TextMax)] string? Text = null,
    bool? Hidden = null,
    [property: Text(1, Comment.ReasonMax)] string? Reason = null);

internal static class CommentEndpoints
{
    /// <summary>From the highest to the lowest.</summary>
    private static readonly string[] CityRoles = [Roles.Admin, Roles.Moderator, Roles.Staff];

    private static Error NotFound { get; } = Error.NotFound("Comment not found.");

    private static Error NotAuthor { get; } = Error.Forbidden("forbidden", "Only its author can change a comment's text.");

    private static Error NotModerator { get; } = Error.Forbidden("forbidden", "Only moderators can hide and show comments.");

    private static Error TooLate { get; } = Error.Rule("edit_window_over", "A comment can be changed within 15 minutes.");

    private static Error OverQuota { get; } = Error.TooMany("comment_quota_exceeded", "You have reached the hourly limit of comments.");

    public static void MapComments(this IEndpointRouteBuilder endpoints)
    {
        var comments = endpoints.MapGroup("/api/v1/reports/{id:guid}/comments").WithTags("Community").RequireAuthorization();
        comments.MapGet("/", ListAsync).AllowAnonymous().WithPublicCache(TimeSpan.Zero)
            .WithName("ListComments").WithSummary("List a report's comments, oldest first");
        comments.MapPost("/", AddAsync).WithIdempotency()
            .WithName("AddComment").WithSummary("Comment on a report").WithProblems(429, "comment_quota_exceeded");
        comments.MapPatch("/{comment_id:guid}", ChangeAsync)
            .WithName("ChangeComment").WithSummary("Change my comment, or hide a comment (moderators)")
            .WithDescription("Its author may change the text for 15 minutes. Moderators and admins may hide it with a reason, and show it again: a hidden comment is for its author and staff.")
            .WithProblems(403, "forbidden").WithProblems(422, "edit_window_over");
        comments.MapDelete("/{comment_id:guid}", DeleteAsync)
            .WithName("DeleteComment").WithSummary("Delete my comment").WithProblems(404, "not_found");
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<Page<CommentResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var after = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (await database.FindVisibleAsync(id, http.User, cancellationToken) is not var (report, view))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        // Authors see their hidden comments, so only what an anonymous reader gets is for all.
        if (http.User.UserIdOrNull is not null)
        {
            http.Response.Headers.CacheControl = "private, no-cache";
        }

        var rows = await database.Comments.AsNoTracking()
            .Where(CommentVisibility.VisibleTo(http.User.UserIdOrNull, http.User.WorksOn(report)))
            .Where(comment => comment.ReportId == id && comment.Id > after)
            .OrderBy(comment => comment.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => CommentResponse.From(row, report, view), last => Cursor.Encode(last.Id)));
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Created<CommentResponse>, ProblemHttpResult>> AddAsync(
        Guid id,
        AddCommentRequest request,
        HttpContext http,
        ReportingDbContext database,
        UnitOfWork work,
        IOptions<ReportingOptions> options,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisibleAsync(id, http.User, cancellationToken) is not var (report, view))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        // After the report's lock, like an erasure. A request that waits here holds no other user's row.
        var user = http.User.UserId;
        var now = time.GetUtcNow();
        if (!await CommentQuota.TryUseAsync(database, user, options.Value.CommentsPerHour, now, cancellationToken))
        {
            http.Response.Headers.RetryAfter = await CommentQuota.RetryAfterAsync(database, user, now, cancellationToken);
            return OverQuota.ToProblem();
        }

        var comment = new Comment
        {
            Id = TimeOrderedId.Create(now),
            ReportId = id,
            UserId = user,
            Text = request.Text.Trim(),
            Role = user == report.UserId || !http.User.WorksOn(report) ? null : CityRoles.FirstOrDefault(http.User.IsInRole),
            CreatedAt = now,
        };
        database.Comments.Add(comment);
        database.Publish(
            new ReportCommented(id, comment.Id, user, report.UserId, report.Title, report.Category, comment.ByStaff, !(report.Private || report.Hidden), report.Anonymous), now);
        await database.CountAsync(id, comments: 1, cancellationToken: cancellationToken);
        return await work.CommitAsync(TypedResults.Created($"/api/v1/reports/{id}/comments", CommentResponse.From(comment, report, view)), cancellationToken);
    }

    /// <param name="id">The report's id.</param>
    /// <param name="commentId">The comment's id.</param>
    private static async Task<Results<Ok<CommentResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, [FromRoute(Name = "comment_id")] Guid commentId, ChangeCommentRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisibleAsync(id, http.User, cancellationToken) is not var (report, view))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var user = http.User.UserId;
        var comment = await database.Comments.Where(CommentVisibility.VisibleTo(user, http.User.WorksOn(report)))
            .SingleOrDefaultAsync(row => row.ReportId == id && row.Id == commentId, cancellationToken);
        if (comment is null)
        {
            return NotFound.ToProblem();
        }

        var now = time.GetUtcNow();
        if (request.Text is { } text)
        {
            if (comment.UserId != user)
            {
                return NotAuthor.ToProblem();
            }

            if (now - comment.CreatedAt > Comment.EditWindow)
            {
                return TooLate.ToProblem();
            }

            (comment.Text, comment.EditedAt) = (text.Trim(), now);
        }

        if (request.Hidden is { } hidden)
        {
            if (!http.User.IsModerator)
            {
                return NotModerator.ToProblem();
            }

            if (hidden && request.Reason is null)
            {
                return Error.Field("reason", "Required to hide a comment.");
            }

            if (hidden != comment.IsHidden)
            {
                await database.CountAsync(id, comments: hidden ? -1 : 1, cancellationToken: cancellationToken);
                database.AuditValues(
                    user, hidden ? "hidden" : "shown", "comment", commentId, report.AgencyId,
                    new() { ["report_id"] = id, ["reason"] = hidden ? request.Reason?.Trim() : null }, now);
            }

            (comment.HiddenAt, comment.HiddenBy, comment.HiddenReason) = hidden ? (now, user, request.Reason?.Trim()) : default((DateTimeOffset?, Guid?, string?));
        }

        return await work.CommitAsync(TypedResults.Ok(CommentResponse.From(comment, report, view)), cancellationToken);
    }

    /// <param name="id">The report's id.</param>
    /// <param name="commentId">The comment's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromRoute(Name = "comment_id")] Guid commentId, HttpContext http, ReportingDbContext database, UnitOfWork work, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockAsync(id, cancellationToken) is null)
        {
            return NotFound.ToProblem(); // as for a comment that does not exist: the report may be one that the author must not know of any more
        }

        var user = http.User.UserId;
        var comment = await database.Comments.SingleOrDefaultAsync(row => row.ReportId == id && row.Id == commentId && row.UserId == user, cancellationToken);
        if (comment is null)
        {
            return NotFound.ToProblem();
        }

        database.Comments.Remove(comment);
        if (!comment.IsHidden)
        {
            await database.CountAsync(id, comments: -1, cancellationToken: cancellationToken);
        }

        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }
}

using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Comments;

/// <summary>What happened to a report, or was said about it.</summary>
/// <param name="At">When.</param>
/// <param name="Change">The new status, from the history: the first is the creation. Null for a comment.</param>
/// <param name="Comment">The comment; null for a change.</param>
internal sealed record TimelineEntry(DateTimeOffset At, HistoryEntry? Change, CommentResponse? Comment);

internal static class ReportTimeline
{
    public static void MapTimeline(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/api/v1/reports/{id:guid}/timeline", ListAsync).WithTags("Community").AllowAnonymous().WithPublicCache(TimeSpan.Zero)
            .WithName("GetReportTimeline").WithSummary("Get a report's changes and comments in one list, oldest first");

    /// <summary>The cursor is the time and the id of a comment, or the time and the empty id of a change, which comes before a comment of the same time.</summary>
    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<Page<TimelineEntry>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var (at, after) = (DateTimeOffset.MinValue, Guid.Empty);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out at, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        at = at.ToUniversalTime();
        if (await database.FindVisibleAsync(id, http.User, cancellationToken) is not var (report, view))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (http.User.UserIdOrNull is not null)
        {
            http.Response.Headers.CacheControl = "private, no-cache";
        }

        var changes = await ReportHistory.ChangesOf(database, report, view).Where(change => change.At > at).Take(page.Size + 1).ToListAsync(cancellationToken);
        var history = changes.ConvertAll(change => ReportHistory.EntryOf(change, report, view));
        if (page.Cursor is null)
        {
            history.Insert(0, ReportHistory.CreationOf(report, view));
        }

        var comments = await database.Comments.AsNoTracking()
            .Where(CommentVisibility.VisibleTo(http.User.UserIdOrNull, http.User.WorksOn(report)))
            .Where(comment => comment.ReportId == id && (comment.CreatedAt > at || (comment.CreatedAt == at && comment.Id > after)))
            .OrderBy(comment => comment.CreatedAt).ThenBy(comment => comment.Id).Take(page.Size + 1)
            .ToListAsync(cancellationToken);
        var entries = history.Select(entry => new TimelineEntry(entry.At, entry, null))
            .Concat(comments.Select(comment => new TimelineEntry(comment.CreatedAt, null, CommentResponse.From(comment, report, view))))
            .OrderBy(entry => entry.At).ThenBy(entry => entry.Comment?.Id ?? Guid.Empty)
            .Take(page.Size + 1).ToList();
        return TypedResults.Ok(Page.Of(entries, page.Size, last => Cursor.Encode(last.At, last.Comment?.Id ?? Guid.Empty)));
    }
}

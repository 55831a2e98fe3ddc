using System.Linq.Expressions;
using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Comments;

/// <summary>Who wrote a comment.</summary>
internal enum CommentAuthor
{
    /// <summary>Another user.</summary>
    User,

    /// <summary>The user who created the report.</summary>
    Reporter,

    /// <summary>The city.</summary>
    Staff,
}

/// <summary>A comment on a report.</summary>
/// <param name="Id">The comment's id.</param>
/// <param name="Author" example="staff">Who wrote it.</param>
/// <param name="UserId">The author; null for the public if it is the reporter of an anonymous report.</param>
/// <param name="ByStaff" example="true">Whether the city speaks.</param>
/// <param name="Role" example="staff">The author's role in the city when they wrote it; null for others.</param>
/// <param name="Text" example="A crew is on its way.">The text.</param>
/// <param name="CreatedAt">When it was written.</param>
/// <param name="EditedAt">When its author last changed it; null if never.</param>
/// <param name="Hidden" example="false">Whether a moderator has hidden it: then only its author and staff see it.</param>
/// <param name="HiddenReason" example="null">Why; null if it is not hidden.</param>
internal sealed record CommentResponse(
    Guid Id,
    CommentAuthor Author,
    Guid? UserId,
    bool ByStaff,
    string? Role,
    string Text,
    DateTimeOffset CreatedAt,
    DateTimeOffset? EditedAt,
    bool Hidden,
    string? HiddenReason)
{
    /// <param name="view">What the reader may see of the report.</param>
    public static CommentResponse From(Comment comment, Report report, View view)
    {
        var isReporter = comment.UserId == report.UserId && !comment.ByStaff;
        return new(
            comment.Id,
            comment.ByStaff ? CommentAuthor.Staff : isReporter ? CommentAuthor.Reporter : CommentAuthor.User,
            isReporter && report.Anonymous && view is not View.Full ? null : comment.UserId,
            comment.ByStaff,
            comment.Role,
            comment.Text,
            comment.CreatedAt,
            comment.EditedAt,
            comment.IsHidden,
            comment.HiddenReason);
    }
}

internal static class CommentVisibility
{
    /// <summary>Hidden comments are for their author and for staff.</summary>
    /// <param name="userId">The reader; null for an anonymous one.</param>
    public static Expression<Func<Comment, bool>> VisibleTo(Guid? userId, bool isStaff) =>
        comment => comment.HiddenAt == null || isStaff || comment.UserId == userId;
}

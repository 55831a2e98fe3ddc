using Kashif.Messaging.Erasure;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Comments;

/// <summary>What other features may ask of comments.</summary>
internal static class ReportComments
{
    /// <summary>
    /// Deletes a user's comments, because their text may be personal. What the city has said stays, without the person who wrote it.
    /// The caller has locked their reports.
    /// </summary>
    public static async Task EraseAsync(ReportingDbContext database, Guid userId, CancellationToken cancellationToken)
    {
        await database.Database.ExecuteSqlAsync($"""
            WITH gone AS (
                DELETE FROM comments WHERE user_id = {userId} AND role IS NULL RETURNING report_id, hidden_at
            ), counts AS (
                SELECT report_id, count(*) FILTER (WHERE hidden_at IS NULL) AS public FROM gone GROUP BY report_id
            )
            UPDATE reports SET comments = reports.comments - counts.public, activity = activity + 1
            FROM counts WHERE reports.id = counts.report_id AND reports.id = ANY (ARRAY(SELECT report_id FROM counts))
            """, cancellationToken);
        await database.Comments.Where(comment => comment.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(comment => comment.UserId, ErasedUser.Id), cancellationToken);
        await database.Comments.Where(comment => comment.HiddenBy == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(comment => comment.HiddenBy, ErasedUser.Id), cancellationToken);
        await database.CommentQuotas.Where(quota => quota.UserId == userId).ExecuteDeleteAsync(cancellationToken);
    }
}

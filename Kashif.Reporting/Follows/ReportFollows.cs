using Kashif.Messaging.Erasure;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Follows;

/// <summary>What other features may ask of follows.</summary>
internal static class ReportFollows
{
    /// <summary>Lets a user follow a report. Following twice changes nothing.</summary>
    public static Task AddAsync(ReportingDbContext database, Guid reportId, Guid userId, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlAsync(
            $"INSERT INTO follows (report_id, user_id, at) VALUES ({reportId}, {userId}, {now}) ON CONFLICT DO NOTHING", cancellationToken);

    /// <summary>
    /// Moves the followers of a duplicate to its original, in the caller's transaction, and lets its reporter follow the original: each user once,
    /// and none their own report. Set the duplicate's status in the same transaction.
    /// </summary>
    public static async Task MoveAsync(ReportingDbContext database, Guid duplicate, Guid original, CancellationToken cancellationToken)
    {
        await database.LockAsync([duplicate, original], cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            WITH gone AS (
                DELETE FROM follows WHERE report_id = {duplicate} RETURNING user_id, at
            ), follower AS (
                SELECT user_id, at FROM gone
                UNION ALL
                SELECT user_id, created_at FROM reports WHERE id = {duplicate} AND user_id <> {ErasedUser.Id}
            )
            INSERT INTO follows AS held (report_id, user_id, at, moved_from)
            SELECT DISTINCT ON (follower.user_id) reports.id, follower.user_id, follower.at, {duplicate}
            FROM follower JOIN reports ON reports.id = {original} WHERE follower.user_id <> reports.user_id
            ORDER BY follower.user_id, follower.at
            ON CONFLICT (report_id, user_id) DO UPDATE SET at = least(held.at, excluded.at), moved_from = excluded.moved_from
            """, cancellationToken);
    }

    public static async Task EraseAsync(ReportingDbContext database, Guid userId, CancellationToken cancellationToken)
    {
        await database.Follows.Where(follow => follow.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await database.AreaFollows.Where(follow => follow.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await database.FollowerNotices.Where(notice => notice.ActorId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(notice => notice.ActorId, ErasedUser.Id), cancellationToken);
    }
}

/// <summary>The followers of a duplicate follow its original.</summary>
internal sealed class FollowMerge(ReportingDbContext database) : IReportMerge
{
    public Task MergedAsync(Guid duplicate, Guid original, CancellationToken cancellationToken) =>
        ReportFollows.MoveAsync(database, duplicate, original, cancellationToken);
}

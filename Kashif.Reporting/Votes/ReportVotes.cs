using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Votes;

/// <summary>What other features may ask of votes.</summary>
internal static class ReportVotes
{
    public static Task<bool> VotedAsync(ReportingDbContext database, Guid reportId, Guid userId, CancellationToken cancellationToken) =>
        database.Votes.AnyAsync(vote => vote.ReportId == reportId && vote.UserId == userId, cancellationToken);

    /// <summary>
    /// Moves the votes of a duplicate to its original, in the caller's transaction: each user once, and none for their own report. It locks both
    /// reports, so set the duplicate's status in the same transaction: a vote that waits for the lock then finds it closed.
    /// </summary>
    public static async Task MoveAsync(ReportingDbContext database, Guid duplicate, Guid original, CancellationToken cancellationToken)
    {
        await database.LockAsync([duplicate, original], cancellationToken);
        var moved = (await database.Database.SqlQuery<Moved>($"""
            WITH gone AS (
                DELETE FROM votes WHERE report_id = {duplicate} RETURNING user_id, at
            ), added AS (
                INSERT INTO votes (report_id, user_id, at)
                SELECT reports.id, gone.user_id, gone.at FROM gone JOIN reports ON reports.id = {original} WHERE gone.user_id <> reports.user_id
                ON CONFLICT DO NOTHING
                RETURNING user_id
            )
            SELECT (SELECT count(*) FROM gone)::int AS gone, (SELECT count(*) FROM added)::int AS added
            """).ToListAsync(cancellationToken))[0];
        if (moved.Gone > 0)
        {
            await database.CountAsync(duplicate, votes: -moved.Gone, cancellationToken: cancellationToken);
            await database.CountAsync(original, votes: moved.Added, cancellationToken: cancellationToken);
        }
    }

    /// <summary>Deletes a user's votes. The caller has locked their reports.</summary>
    public static Task EraseAsync(ReportingDbContext database, Guid userId, CancellationToken cancellationToken) => database.Database.ExecuteSqlAsync($"""
        WITH gone AS (DELETE FROM votes WHERE user_id = {userId} RETURNING report_id)
        UPDATE reports SET votes = votes - 1, activity = activity + 1 WHERE id = ANY (ARRAY(SELECT report_id FROM gone))
        """, cancellationToken);

    private sealed record Moved(int Gone, int Added);
}

/// <summary>The voters of a duplicate become voters of its original.</summary>
internal sealed class VoteMerge(ReportingDbContext database) : IReportMerge
{
    public Task MergedAsync(Guid duplicate, Guid original, CancellationToken cancellationToken) =>
        ReportVotes.MoveAsync(database, duplicate, original, cancellationToken);
}

/// <summary>Voters may reopen a report that is said to be fixed and is not.</summary>
internal sealed class VoterReopening(ReportingDbContext database) : IReopenRight
{
    public Task<bool> MayReopenAsync(Guid userId, Guid reportId, CancellationToken cancellationToken) =>
        ReportVotes.VotedAsync(database, reportId, userId, cancellationToken);
}

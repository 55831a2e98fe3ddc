using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Sync;

internal static class FeedIdentities
{
    /// <summary>
    /// The identity of the feed, and the server's timeline. After a restore on another server, all changes are numbered anew first: the numbers of the old server could
    /// lie in the future.
    /// </summary>
    public static async Task<string> CurrentAsync(ReportingDbContext database, CancellationToken cancellationToken)
    {
        var (current, timeline) = await ReadAsync();
        if (await IsKnownAsync())
        {
            return current + timeline;
        }

        // Millions of rows may take longer than a request: not less than all of it is of use, also if the client has gone.
        database.Database.SetCommandTimeout(TimeSpan.FromMinutes(30));
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"LOCK TABLE feed_identities IN EXCLUSIVE MODE", cancellationToken);
        if (!await IsKnownAsync())
        {
            await database.Database.ExecuteSqlAsync($"UPDATE report_changes SET changed_in = pg_current_xact_id()", CancellationToken.None);
            await database.FeedIdentities.ExecuteDeleteAsync(CancellationToken.None);
            await database.Database.ExecuteSqlAsync($"INSERT INTO feed_identities (identity) VALUES ({current})", CancellationToken.None);
        }

        await transaction.CommitAsync(CancellationToken.None);
        return current + timeline;

        Task<Feed> ReadAsync() => database.Database.SqlQueryRaw<Feed>(
            $"SELECT {ReportChangeConfiguration.IdentitySql} AS identity, {ReportChangeConfiguration.TimelineSql} AS timeline").SingleAsync(cancellationToken);

        Task<bool> IsKnownAsync() => database.FeedIdentities.AnyAsync(row => row.Identity == current, cancellationToken);
    }

    private sealed record Feed(string Identity, string Timeline);
}

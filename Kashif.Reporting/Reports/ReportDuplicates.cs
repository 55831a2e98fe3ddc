using System.Security.Claims;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Keeps what a duplicate says of its original in step with who may see the original. Each duplicate has the answer itself, so that lists and feeds need no
/// second read.
/// </summary>
internal static class ReportDuplicates
{
    /// <summary>For the migration: the duplicates that there are.</summary>
    public const string LinkSql = """
        UPDATE reports SET original_hidden = true, activity = reports.activity + 1
        FROM reports AS original WHERE original.id = reports.duplicate_of AND (original.private OR original.hidden)
        """;

    /// <summary>Notes whether the original is public. Call it with both locked.</summary>
    public static Task LinkAsync(this ReportingDbContext database, Guid duplicate, Guid original, CancellationToken cancellationToken) =>
        database.Reports.Where(row => row.Id == duplicate && database.Reports.Any(other => other.Id == original && (other.Private || other.Hidden)))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.OriginalHidden, true), cancellationToken);

    /// <summary>Notes whether an original is public now: entity tags and the feed change with it. Call it after <see cref="LockWithDuplicatesAsync"/>.</summary>
    public static Task ShowOriginalAsync(this ReportingDbContext database, Report original, CancellationToken cancellationToken)
    {
        var isHidden = original.Private || original.Hidden;
        return database.Reports.Where(row => row.DuplicateOf == original.Id && row.OriginalHidden != isHidden).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.OriginalHidden, isHidden).SetProperty(row => row.Activity, row => row.Activity + 1), cancellationToken);
    }

    /// <returns>Whether the user may learn the original of a duplicate.</returns>
    public static async Task<bool> MaySeeOriginalAsync(this ReportingDbContext database, Report duplicate, ClaimsPrincipal user, CancellationToken cancellationToken) =>
        !duplicate.OriginalHidden || (duplicate.DuplicateOf is { } original && await database.FindVisibleAsync(original, user, cancellationToken) is not null);

    /// <summary>
    /// Begins a transaction with the report and its duplicates locked, in the order of a merge. If a merge has added a duplicate meanwhile, begins again: to lock
    /// that one after the others could deadlock.
    /// </summary>
    public static async Task<IAsyncDisposable> LockWithDuplicatesAsync(this ReportingDbContext database, Guid id, UnitOfWork work, CancellationToken cancellationToken)
    {
        while (true)
        {
            var transaction = await work.BeginAsync(cancellationToken);
            var isLocked = false;
            try
            {
                var locked = await database.Database.SqlQuery<Guid>($"SELECT id FROM reports WHERE id = {id} OR duplicate_of = {id} ORDER BY id FOR UPDATE").ToListAsync(cancellationToken);
                isLocked = !await database.Reports.AnyAsync(report => report.DuplicateOf == id && !locked.Contains(report.Id), cancellationToken);
                if (isLocked)
                {
                    return transaction;
                }
            }
            finally
            {
                if (!isLocked)
                {
                    await transaction.DisposeAsync();
                }
            }
        }
    }
}

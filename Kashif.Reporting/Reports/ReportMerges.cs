using System.Security.Claims;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>Moves what hangs on a duplicate, such as votes, to its original. A feature registers one for its own tables.</summary>
internal interface IReportMerge
{
    /// <summary>Runs in the transaction of the merge, after the status is saved. Both reports are locked until the commit.</summary>
    Task MergedAsync(Guid duplicate, Guid original, CancellationToken cancellationToken);
}

/// <summary>Makes a report a duplicate of another: votes and followers move, and the reporter shares what the original earns.</summary>
internal sealed class ReportMerges(ReportingDbContext database, IEnumerable<IReportMerge> merges)
{
    /// <summary>The error of an original for another status.</summary>
    public const string NotAllowed = "Only allowed with the status duplicate.";

    /// <summary>Locks both reports in the order of their ids, so that two merges never wait for each other.</summary>
    public static Task LockAsync(ReportingDbContext database, Guid duplicate, Guid? original, CancellationToken cancellationToken) =>
        database.LockAsync([duplicate, original ?? duplicate], cancellationToken);

    /// <summary>Checks the original. Call it with both reports locked.</summary>
    /// <returns>The error; null if the merge is allowed, or the request is none.</returns>
    public async Task<string?> ValidateAsync(Report duplicate, ChangeStatusRequest request, ClaimsPrincipal user, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (request.Status is not ReportStatus.Duplicate)
        {
            return request.DuplicateOf is null ? null : NotAllowed;
        }

        if (request.DuplicateOf is not { } id)
        {
            return "Required with the status duplicate.";
        }

        if (id == duplicate.Id)
        {
            return "A report cannot be a duplicate of itself.";
        }

        var original = await database.Reports.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancellationToken);
        return original switch
        {
            null => "Report not found.",
            _ when user.ViewOf(original) is View.None => "Report not found.",
            { Status: ReportStatus.Duplicate } => "This report is a duplicate itself. Use its original.",
            { UserId: var owner } and ({ Private: true } or { Hidden: true }) when owner != duplicate.UserId || !(duplicate.Private || duplicate.Hidden)
                => "The original must be public.",
            _ => await database.Reports.AnyAsync(row => row.DuplicateOf == duplicate.Id, cancellationToken)
                ? "The report has duplicates itself. Take them back first."
                : null,
        };
    }

    /// <summary>Saves the new status, publishes the merge, and moves what hangs on the duplicate.</summary>
    public async Task MergeAsync(Report duplicate, Guid original, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var owner = await database.Reports.Where(row => row.Id == original).Select(row => row.UserId).SingleAsync(cancellationToken);
        database.Publish(new ReportMerged(duplicate.Id, original, duplicate.UserId, owner, duplicate.Version), duplicate.UpdatedAt);
        await database.SaveChangesAsync(cancellationToken);
        await MoveAsync(duplicate.Id, original, cancellationToken);
        await database.Entry(duplicate).ReloadAsync(cancellationToken); // its counts
    }

    /// <summary>Moves what hangs on a duplicate. Both reports are locked or new, and the status is saved.</summary>
    public async Task MoveAsync(Guid duplicate, Guid original, CancellationToken cancellationToken)
    {
        await database.LinkAsync(duplicate, original, cancellationToken);
        foreach (var merge in merges)
        {
            await merge.MergedAsync(duplicate, original, cancellationToken);
        }
    }
}

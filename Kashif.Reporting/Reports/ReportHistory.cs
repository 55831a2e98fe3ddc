using Kashif.Http;
using Kashif.Reporting.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>A change of a report's status.</summary>
/// <param name="Version" example="2">The report's version after this change.</param>
/// <param name="From">The status before; null for the report's creation.</param>
/// <param name="To">The status after.</param>
/// <param name="Comment" example="We have seen it.">What staff wrote about the change; null if nothing.</param>
/// <param name="ChangedBy">The user who changed it.</param>
/// <param name="At">When it changed.</param>
internal sealed record HistoryEntry(int Version, ReportStatus? From, ReportStatus To, string? Comment, Guid ChangedBy, DateTimeOffset At);

internal static class ReportHistory
{
    /// <summary>Oldest first. The first entry is the creation, which comes from the report itself.</summary>
    /// <param name="id">The report's id.</param>
    public static async Task<Results<Ok<Page<HistoryEntry>>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id, [AsParameters] PageRequest page, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var after = 0;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var created = await database.Reports
            .Where(report => report.Id == id)
            .Select(report => new HistoryEntry(1, null, ReportStatus.Submitted, null, report.UserId, report.CreatedAt))
            .FirstOrDefaultAsync(cancellationToken);
        if (created is null)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var changes = await database.StatusChanges
            .Where(change => change.ReportId == id && change.Version > after)
            .OrderBy(change => change.Version)
            .Take(page.Size + 1)
            .Select(change => new HistoryEntry(change.Version, change.From, change.To, change.Comment, change.ChangedBy, change.At))
            .ToListAsync(cancellationToken);
        List<HistoryEntry> entries = after < created.Version ? [created, .. changes] : changes;
        return TypedResults.Ok(Page.Of(entries, page.Size, entry => Cursor.Encode(entry.Version)));
    }
}

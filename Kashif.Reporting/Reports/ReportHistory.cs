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
/// <param name="ChangedBy">The user who changed it; null for the public where it was the reporter of an anonymous report.</param>
/// <param name="At">When it changed.</param>
internal sealed record HistoryEntry(int Version, ReportStatus? From, ReportStatus To, string? Comment, Guid? ChangedBy, DateTimeOffset At);

internal static class ReportHistory
{
    /// <summary>Oldest first. The first entry is the creation, which comes from the report itself.</summary>
    /// <param name="id">The report's id.</param>
    public static async Task<Results<Ok<Page<HistoryEntry>>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var after = 0;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var report = await database.Reports.AsNoTracking().FirstOrDefaultAsync(report => report.Id == id, cancellationToken);
        var view = report is null ? View.None : http.User.ViewOf(report);
        if (report is null || view is View.None)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (view.IsPersonal(report))
        {
            http.Response.Headers.CacheControl = "private, no-cache";
        }

        Guid? reporter = report.Anonymous && view is View.Public ? report.UserId : null;
        var created = new HistoryEntry(1, null, ReportStatus.Submitted, null, reporter is null ? report.UserId : null, report.CreatedAt);
        var changes = await database.StatusChanges
            .Where(change => change.ReportId == id && change.Version > after)
            .OrderBy(change => change.Version)
            .Take(page.Size + 1)
            .Select(change => new HistoryEntry(
                change.Version, change.From, change.To, change.Comment, change.ChangedBy == reporter ? null : change.ChangedBy, change.At))
            .ToListAsync(cancellationToken);
        List<HistoryEntry> entries = after < created.Version ? [created, .. changes] : changes;
        return TypedResults.Ok(Page.Of(entries, page.Size, entry => Cursor.Encode(entry.Version)));
    }
}

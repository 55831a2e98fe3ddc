using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>A change of a report.</summary>
/// <param name="Version" example="2">The report's version after this change.</param>
/// <param name="From">The status before; null for the report's creation.</param>
/// <param name="To">The status after; the same as before for an edit.</param>
/// <param name="Comment" example="We have seen it.">What was written about the change; null if nothing.</param>
/// <param name="ChangedBy">The user who changed it; null for the public where it was the reporter of an anonymous report.</param>
/// <param name="At">When it changed.</param>
/// <param name="Kind">What happened: a step of the status, a status taken back, the report reopened, edited, assigned to an employee or routed to an agency, a work order or a visit.</param>
/// <param name="Fields" example='["category"]'>What an edit has changed; the public sees `title`, `description`, `category` and `answers`. `reporter`: the account was deleted. Absent for others.</param>
/// <param name="FormerCategory" example="sidewalk">The category before an edit; absent if it has not changed.</param>
/// <param name="Category" example="pothole">The category after an edit; absent if it has not changed.</param>
/// <param name="FormerTitle" example="Pothole at Sami's, call 0123">The title before an edit by staff, for the reporter and staff; absent for others.</param>
/// <param name="FormerDescription" example="Call me at 0123.">The same of the description.</param>
/// <param name="Details" example='{"starts_at": "2026-11-30T08:00:00Z", "ends_at": "2026-11-30T10:00:00Z"}'>More of a visit or a work order; absent for others.</param>
internal sealed record HistoryEntry(
    int Version,
    ReportStatus? From,
    ReportStatus To,
    string? Comment,
    Guid? ChangedBy,
    DateTimeOffset At,
    ChangeKind Kind,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Fields = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? FormerCategory = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Category = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? FormerTitle = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? FormerDescription = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Details = null);

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

        if (await database.FindVisibleAsync(id, http.User, cancellationToken) is not var (report, view))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (view is View.Full) // with what only some may see, also of a report that is public now
        {
            http.Response.Headers.CacheControl = "private, no-cache";
        }

        var changes = await ChangesOf(database, report, view).Where(change => change.Version > after).Take(page.Size + 1).ToListAsync(cancellationToken);
        List<HistoryEntry> entries = [.. after < 1 ? [CreationOf(report, view)] : Array.Empty<HistoryEntry>(), .. changes.Select(change => EntryOf(change, report, view))];
        return TypedResults.Ok(Page.Of(entries, page.Size, entry => Cursor.Encode(entry.Version)));
    }

    /// <summary>The changes that the reader may see, oldest first.</summary>
    internal static IQueryable<StatusChange> ChangesOf(ReportingDbContext database, Report report, View view) => database.StatusChanges.AsNoTracking()
        .Where(change => change.ReportId == report.Id && (change.IsPublic || view == View.Full))
        .OrderBy(change => change.Version);

    /// <summary>The first entry.</summary>
    internal static HistoryEntry CreationOf(Report report, View view) => new(
        1, null, ReportStatus.Submitted, null, report.FiledBy ?? (report.Anonymous && view is View.Public ? null : report.UserId), report.CreatedAt, ChangeKind.Status);

    internal static HistoryEntry EntryOf(StatusChange change, Report report, View view)
    {
        var isUnnamed = report.Anonymous && view is View.Public && change.ChangedBy == report.UserId;

        // Why a report was hidden or made private is not the public's business, also where the same edit changed something else.
        var isReduced = view is not View.Full && change.Fields is { } all && !all.All(StatusChange.IsPublicField);
        return new HistoryEntry(
            change.Version, change.From, change.To, isReduced ? null : change.Comment, isUnnamed ? null : change.ChangedBy, change.At,
            change.Kind, isReduced ? [.. change.Fields?.Where(StatusChange.IsPublicField) ?? []] : change.Fields, change.FormerCategory, change.Category,
            view is View.Full ? change.FormerTitle : null, view is View.Full ? change.FormerDescription : null, change.Details);
    }
}

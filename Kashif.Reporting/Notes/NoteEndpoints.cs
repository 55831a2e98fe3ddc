using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Managers;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Notes;

/// <summary>A note.</summary>
/// <param name="Text" example="The contractor comes on Monday.">The text. Leading and trailing white space is removed.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record NoteRequest([property: Text(1, ReportNote.TextMax)] string Text);

/// <summary>What staff have written about a report for each other.</summary>
/// <param name="Id">The note's id.</param>
/// <param name="AuthorId">Who wrote it; the empty id after the account was deleted.</param>
/// <param name="Text" example="The contractor comes on Monday.">The text.</param>
/// <param name="CreatedAt">When it was written.</param>
/// <param name="EditedAt" example="null">When it was last changed; null if it was not.</param>
internal sealed record NoteResponse(Guid Id, Guid AuthorId, string Text, DateTimeOffset CreatedAt, DateTimeOffset? EditedAt)
{
    public static NoteResponse Of(ReportNote note) => new(note.Id, note.UserId, note.Text, note.CreatedAt, note.EditedAt);
}

internal static class NoteEndpoints
{
    private static Error NotFound { get; } = Error.NotFound("Note not found.");

    private static Error NotAuthor { get; } = Error.Forbidden("forbidden", "Only its author, moderators and the managers of the report's agency can do this.");

    private static Error NotWorking { get; } = Error.Forbidden("forbidden", "Only staff who work on the report can do this.");

    public static void MapNotes(this IEndpointRouteBuilder endpoints)
    {
        var notes = endpoints.MapGroup("/api/v1/reports/{id:guid}/notes").WithTags("Work").RequireAuthorization(Policies.Staff);
        notes.MapGet("/", ListAsync).WithName("ListNotes").WithSummary("List the internal notes of a report, oldest first")
            .WithDescription("For staff who work on the report. The reporter and the public see no notes.").WithProblems(403, "forbidden").WithProblems(404, "not_found");
        notes.MapPost("/", AddAsync).WithIdempotency().WithName("AddNote").WithSummary("Add an internal note to a report")
            .WithProblems(403, "forbidden").WithProblems(404, "not_found");
        notes.MapPatch("/{note_id:guid}", ChangeAsync).WithName("ChangeNote").WithSummary("Change an internal note")
            .WithDescription("For its author, moderators, admins and the managers of the report's agency.").WithProblems(403, "forbidden").WithProblems(404, "not_found");
        notes.MapDelete("/{note_id:guid}", DeleteAsync).WithName("DeleteNote").WithSummary("Delete an internal note")
            .WithDescription("For its author, moderators, admins and the managers of the report's agency.").WithProblems(403, "forbidden").WithProblems(404, "not_found");
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<Page<NoteResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var after = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (Refusal(http, await database.FindVisibleAsync(id, http.User, cancellationToken)) is { } refusal)
        {
            return refusal.ToProblem();
        }

        var rows = await database.Notes.AsNoTracking().Where(note => note.ReportId == id && note.Id > after).OrderBy(note => note.Id).Take(page.Size + 1)
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, NoteResponse.Of, last => Cursor.Encode(last.Id)));
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Created<NoteResponse>, ProblemHttpResult>> AddAsync(
        Guid id, NoteRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (Refusal(http, await database.LockVisibleAsync(id, http.User, cancellationToken)) is { } refusal)
        {
            return refusal.ToProblem();
        }

        var note = database.AddNote(id, http.User.UserId, request.Text, time.GetUtcNow());
        return await work.CommitAsync(TypedResults.Created($"/api/v1/reports/{id}/notes", NoteResponse.Of(note)), cancellationToken);
    }

    /// <param name="id">The report's id.</param>
    /// <param name="noteId">The note's id.</param>
    private static async Task<Results<Ok<NoteResponse>, ProblemHttpResult>> ChangeAsync(
        Guid id, [FromRoute(Name = "note_id")] Guid noteId, NoteRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var (note, report, refusal) = await LockAsync(id, noteId, http, database, cancellationToken);
        if (note is null)
        {
            return refusal.ToProblem();
        }

        var now = time.GetUtcNow();
        (note.Text, note.EditedAt) = (request.Text.Trim(), now);
        database.AuditValues(http.User.UserId, "changed", ReportNote.Kind, noteId, report?.AgencyId, new() { ["report_id"] = id }, now);
        return await work.CommitAsync(TypedResults.Ok(NoteResponse.Of(note)), cancellationToken);
    }

    /// <param name="id">The report's id.</param>
    /// <param name="noteId">The note's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromRoute(Name = "note_id")] Guid noteId, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var (note, report, refusal) = await LockAsync(id, noteId, http, database, cancellationToken);
        if (note is null)
        {
            return refusal.ToProblem();
        }

        database.Notes.Remove(note);
        database.AuditValues(http.User.UserId, "deleted", ReportNote.Kind, noteId, report?.AgencyId, new() { ["report_id"] = id }, time.GetUtcNow());
        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    /// <summary>The report is locked: two requests change a note one after the other.</summary>
    private static async Task<(ReportNote? Note, Report? Report, Error Refusal)> LockAsync(
        Guid id, Guid noteId, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var found = await database.LockVisibleAsync(id, http.User, cancellationToken);
        if (Refusal(http, found) is { } refusal)
        {
            return (null, null, refusal);
        }

        var note = await database.Notes.SingleOrDefaultAsync(row => row.ReportId == id && row.Id == noteId, cancellationToken);
        return note is null ? (null, null, NotFound)
            : note.UserId == http.User.UserId || http.User.Manages(found?.Report.AgencyId) ? (note, found?.Report, NotFound)
            : (null, null, NotAuthor);
    }

    private static Error? Refusal(HttpContext http, (Report Report, View View)? found) =>
        found is not var (report, _) ? ReportErrors.NotFound : http.User.WorksOn(report) ? null : NotWorking;
}

using System.Security.Claims;
using Kashif.Http;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Open311;

/// <summary>An update that a client has sent.</summary>
/// <param name="Id">The update's id: <c>update_id</c> in the list of Open311.</param>
/// <param name="ReportId">Its report.</param>
/// <param name="Client" example="FixMyStreet">The name of the API key.</param>
/// <param name="Status" example="OPEN">The status that the client has sent.</param>
/// <param name="Description" example="Still there.">The text.</param>
/// <param name="MediaUrl" example="https://photos.example/1.jpg">A picture elsewhere; null if none was sent.</param>
/// <param name="At">When it was made, as the client says.</param>
/// <param name="Hidden" example="true">Whether only staff see it.</param>
/// <param name="HiddenReason" example="Insulting">Why it is hidden; null if it is not.</param>
internal sealed record SentUpdateResponse(
    Guid Id, Guid ReportId, string Client, string Status, string Description, string? MediaUrl, DateTimeOffset At, bool Hidden, string? HiddenReason);

/// <summary>Whether an update is hidden.</summary>
/// <param name="Hidden" example="true">True: only staff see it. False: everyone sees it again.</param>
/// <param name="Reason" example="Insulting">Why it is hidden; required to hide it.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record HideUpdateRequest(bool Hidden, [property: Text(1, Update.ReasonMax)] string? Reason = null);

/// <summary>Staff list the updates of clients, and hide single ones. A revoked key hides all of its updates.</summary>
internal static class SentUpdates
{
    public static void MapSentUpdates(this IEndpointRouteBuilder endpoints)
    {
        var updates = endpoints.MapGroup("/api/v1/reports/open311/updates").WithTags("Open311").RequireAuthorization(Policies.Staff);
        updates.MapGet("/", ListAsync).WithName("ListOpen311Updates").WithSummary("List the updates of Open311 clients, newest first");
        updates.MapPatch("/{id:guid}", HideAsync).WithName("HideOpen311Update").WithSummary("Hide or show an update of an Open311 client")
            .WithProblems(404, "not_found");
    }

    /// <param name="reportId">Only the updates of this report.</param>
    private static async Task<Results<Ok<Page<SentUpdateResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal caller, ReportingDbContext database, CancellationToken cancellationToken, [FromQuery(Name = "report_id")] Guid? reportId = null)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = WorkOf(caller, database).AsNoTracking();
        rows = reportId is { } report ? rows.Where(row => row.ReportId == report) : rows;
        rows = page.Cursor is null ? rows : rows.Where(row => row.Id < before);
        var found = await Shown(rows.OrderByDescending(row => row.Id).Take(page.Size + 1), database).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(found, page.Size, row => Cursor.Encode(row.Id)));
    }

    /// <param name="id">The update's id.</param>
    private static async Task<Results<Ok<SentUpdateResponse>, ValidationProblem, ProblemHttpResult>> HideAsync(
        Guid id, HideUpdateRequest request, HttpContext http, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var reason = request.Reason?.Trim();
        if (request.Hidden && string.IsNullOrEmpty(reason))
        {
            return Error.Field("reason", "Required to hide an update.");
        }

        var now = time.GetUtcNow();
        var hidden = request.Hidden ? (now, http.User.UserId, reason) : default((DateTimeOffset? At, Guid? By, string? Reason));
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var update = WorkOf(http.User, database).Where(row => row.Id == id);
        await update.ExecuteUpdateAsync(
            set => set.SetProperty(row => row.HiddenAt, hidden.At).SetProperty(row => row.HiddenBy, hidden.By).SetProperty(row => row.HiddenReason, hidden.Reason), cancellationToken);
        if (await Shown(update, database).SingleOrDefaultAsync(cancellationToken) is not { } shown)
        {
            return Error.NotFound("Update not found.").ToProblem();
        }

        var agency = await database.Reports.Where(report => report.Id == shown.ReportId).Select(report => report.AgencyId).SingleOrDefaultAsync(cancellationToken);
        database.AuditValues(
            http.User.UserId, request.Hidden ? "hidden" : "shown", "open311_update", id, agency, new() { ["report_id"] = shown.ReportId, ["reason"] = shown.HiddenReason }, now);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.Ok(shown);
    }

    /// <summary>Only the updates of reports that the caller works on.</summary>
    private static IQueryable<Update> WorkOf(ClaimsPrincipal caller, ReportingDbContext database) =>
        caller.AgencyIdOrNull is null ? database.Open311Updates : database.Open311Updates.Where(row => database.Reports.WorkOf(caller).Any(work => work.Id == row.ReportId));

    private static IQueryable<SentUpdateResponse> Shown(IQueryable<Update> updates, ReportingDbContext database) => updates.AsNoTracking()
        .Join(database.Open311Keys, row => row.KeyId, key => key.Id, (row, key) => new { row, key.Name })
        .OrderByDescending(pair => pair.row.Id)
        .Select(pair => new SentUpdateResponse(
            pair.row.Id, pair.row.ReportId, pair.Name, pair.row.Status, pair.row.Description, pair.row.MediaUrl, pair.row.At, pair.row.HiddenAt != null, pair.row.HiddenReason));
}

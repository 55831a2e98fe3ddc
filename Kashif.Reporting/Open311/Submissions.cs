using System.ComponentModel;
using System.Security.Claims;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Open311;

/// <summary>A place for a request that has only an address.</summary>
/// <param name="Latitude" example="33.51">Degrees north, as in WGS 84.</param>
/// <param name="Longitude" example="36.29">Degrees east, as in WGS 84.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record PlaceSubmissionRequest([property: Between(-90.0, 90.0)] double Latitude, [property: Between(-180.0, 180.0)] double Longitude);

/// <summary>A request that came through Open311, with its reporter.</summary>
/// <param name="Id">Its token.</param>
/// <param name="ReportId">The report that it became; null until it is placed on the map.</param>
/// <param name="Key" example="FixMyStreet">The name of the API key that sent it.</param>
/// <param name="Category" example="pothole">The code of the category.</param>
/// <param name="Description" example="In the right lane, about 20 cm deep.">What is broken.</param>
/// <param name="Address" example="Straight Street, Damascus">The address in words; null if none was sent.</param>
/// <param name="AddressId" example="545483">The id of the address in the client's system; null if none was sent.</param>
/// <param name="MediaUrl" example="https://example.org/photo.jpg">A photo on the client's server; null if none was sent.</param>
/// <param name="CreatedAt">When it was sent.</param>
/// <param name="Email" example="amina@example.org">The reporter's e-mail address; null if none was sent, and after the time for which contacts are kept. So are the next five.</param>
/// <param name="FirstName" example="Amina">The reporter's first name.</param>
/// <param name="LastName" example="Haddad">The reporter's last name.</param>
/// <param name="Phone" example="+963 11 1234567">The reporter's phone number.</param>
/// <param name="DeviceId" example="8a6f">The id of the reporter's device.</param>
/// <param name="AccountId" example="17">The id of the reporter's account in the client's system.</param>
internal sealed record SubmissionResponse(
    Guid Id, Guid? ReportId, string Key, string Category, string Description, string? Address, string? AddressId, string? MediaUrl, DateTimeOffset CreatedAt,
    string? Email, string? FirstName, string? LastName, string? Phone, string? DeviceId, string? AccountId);

/// <summary>Staff see who sent a request, and place those without coordinates on the map.</summary>
internal static class Submissions
{
    private const string Root = "/api/v1/reports/open311/requests";

    private static Error NotFound { get; } = Error.NotFound("Request not found.");

    public static void MapSubmissions(this IEndpointRouteBuilder endpoints)
    {
        var submissions = endpoints.MapGroup(Root).WithTags("Open311").RequireAuthorization(Policies.Staff);
        submissions.MapGet("/", ListAsync).WithName("ListOpen311Requests").WithSummary("List requests of Open311 with their reporters, newest first");
        submissions.MapPost("/{id:guid}/place", PlaceAsync).WithName("PlaceOpen311Request").WithSummary("Place a request of Open311 on the map, which makes it a report")
            .WithProblems(404, "not_found").WithProblems(409, "already_placed");
    }

    /// <param name="reportId">Only the one that became this report.</param>
    /// <param name="unplaced">True: only requests that are not on the map yet.</param>
    private static async Task<Results<Ok<Page<SubmissionResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page,
        ClaimsPrincipal caller,
        ReportingDbContext database,
        CancellationToken cancellationToken,
        [FromQuery(Name = "report_id")] Guid? reportId = null,
        [FromQuery(Name = "unplaced"), DefaultValue(false)] bool unplaced = false)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        // A request that is not on the map yet belongs to no agency.
        var rows = database.Open311Submissions.AsNoTracking();
        rows = caller.AgencyIdOrNull is null ? rows : rows.Where(row => database.Reports.WorkOf(caller).Any(work => work.Id == row.ReportId));
        rows = reportId is { } report ? rows.Where(row => row.ReportId == report) : rows;
        rows = unplaced ? rows.Where(row => row.ReportId == null) : rows;
        rows = page.Cursor is null ? rows : rows.Where(row => row.Id < before);
        var found = await rows.OrderByDescending(row => row.Id).Take(page.Size + 1)
            .Join(database.Open311Keys, row => row.KeyId, key => key.Id, (row, key) => new { row, key.Name })
            .OrderByDescending(pair => pair.row.Id)
            .Select(pair => new SubmissionResponse(
                pair.row.Id, pair.row.ReportId, pair.Name, pair.row.ServiceCode, pair.row.Description, pair.row.Address, pair.row.AddressId, pair.row.MediaUrl, pair.row.CreatedAt,
                pair.row.Email, pair.row.FirstName, pair.row.LastName, pair.row.Phone, pair.row.DeviceId, pair.row.AccountId))
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(found, page.Size, row => Cursor.Encode(row.Id)));
    }

    /// <param name="id">The request's token.</param>
    private static async Task<Results<Ok<ReportResponse>, ProblemHttpResult>> PlaceAsync(
        Guid id, PlaceSubmissionRequest request, ClaimsPrincipal user, ReportingDbContext database, ReportWriter writer, ReportRules rules, IReportAnswers questions, UnitOfWork work,
        ReportingMetrics metrics, TimeProvider time, CancellationToken cancellationToken)
    {
        if (user.AgencyIdOrNull is not null
            || await database.Open311Submissions.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } sent)
        {
            return NotFound.ToProblem();
        }

        // Before the transaction: the areas, the categories and the promised times may need a second connection.
        var now = time.GetUtcNow();
        var report = await CreateRequest.ReportOfAsync(sent, request.Latitude, request.Longitude, database, rules, cancellationToken);
        report.AppearAt(now);
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.Open311Submissions.FromSql($"SELECT * FROM open311_submissions WHERE id = {id} FOR UPDATE").AsTracking().SingleOrDefaultAsync(cancellationToken) is not { } submission)
        {
            return NotFound.ToProblem();
        }

        if (submission.ReportId is not null)
        {
            return Error.Conflict("already_placed", "This request is on the map already.").ToProblem();
        }

        await writer.TryInsertAsync(database, report, new Allowance(submission.KeyId, PerHour: 0), cancellationToken);
        submission.ReportId = report.Id;
        var answers = submission.Answers?.EnumerateObject().ToDictionary(answer => answer.Name, answer => answer.Value) ?? [];
        await questions.AddAsync(database, report, answers, cancellationToken);
        database.AuditValues(user.UserId, "placed", "open311_request", id, report.AgencyId, new() { ["report_id"] = report.Id }, now);
        var placed = await work.CommitAsync(TypedResults.Ok(ReportResponse.From(report, View.Full)), cancellationToken);
        metrics.Created(report.Category);
        return placed;
    }
}

using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using System.Text.Json;
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

namespace Kashif.Reporting.Agencies;

/// <summary>A new agency.</summary>
/// <param name="NameEn" example="Water works">The name in English, unique among agencies.</param>
/// <param name="NameAr" example="مؤسسة المياه">The name in Arabic.</param>
/// <param name="Email" example="water@city.example">For the public; null for none.</param>
/// <param name="Phone" example="+963 11 555 0100">For the public; null for none.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record AgencyRequest(
    [Name(Agency.NameMax)] string NameEn,
    [Name(Agency.NameMax)] string NameAr,
    [Text(1, Agency.ContactMax), RegularExpression(Agency.EmailPattern, ErrorMessage = Agency.NotEmail)] string? Email = null,
    [Text(1, Agency.ContactMax)] string? Phone = null);

/// <summary>A change of an agency. Fields that are left out do not change.</summary>
/// <param name="NameEn" example="Water works">The name in English, unique among agencies.</param>
/// <param name="NameAr" example="مؤسسة المياه">The name in Arabic.</param>
/// <param name="Email" example="water@city.example">For the public; null for none.</param>
/// <param name="Phone" example="+963 11 555 0100">For the public; null for none.</param>
public sealed record AgencyChange(
    [Name(Agency.NameMax)] string? NameEn = null,
    [Name(Agency.NameMax)] string? NameAr = null,
    [Text(1, Agency.ContactMax), RegularExpression(Agency.EmailPattern, ErrorMessage = Agency.NotEmail)] string? Email = null,
    [Text(1, Agency.ContactMax)] string? Phone = null);

/// <summary>A department of the city, or a company that works for it.</summary>
/// <param name="Id">The agency's id.</param>
/// <param name="Name">The name.</param>
/// <param name="Email" example="water@city.example">Its e-mail address; null if it has none.</param>
/// <param name="Phone" example="+963 11 555 0100">Its phone number; null if it has none.</param>
/// <param name="Version" example="1">1 when created, incremented at each change: the `ETag`.</param>
internal sealed record AgencyResponse(Guid Id, Name Name, string? Email, string? Phone, int Version)
{
    public static AgencyResponse Of(Agency agency) => new(agency.Id, new Name(agency.NameEn, agency.NameAr), agency.Email, agency.Phone, agency.Version);
}

/// <summary>The filter of the list of agencies.</summary>
public sealed class AgencyFilter
{
    /// <summary>Words that all occur in a name, in upper or lower case.</summary>
    /// <example>water</example>
    [FromQuery(Name = "q"), Text(100)]
    public string? Query { get; set; }
}

internal static class AgencyEndpoints
{
    public const string Tag = "Agencies";

    public const string Missing = "Agency not found.";

    private const string Path = "/api/v1/reports/agencies";

    /// <summary>How old a cached list may be.</summary>
    private static readonly TimeSpan ListLifetime = TimeSpan.FromSeconds(5);

    private static Error NotFound { get; } = Error.NotFound(Missing);

    private static Error NameTaken { get; } = Error.Conflict("name_taken", "This name is already taken.");

    private static Error InUse { get; } = Error.Conflict("agency_in_use", "Something still hangs on this agency; see hangs_on.");

    public static IEndpointRouteBuilder MapAgencies(this IEndpointRouteBuilder endpoints)
    {
        var agencies = endpoints.MapGroup(Path).WithTags(Tag);
        agencies.MapGet("/", ListAsync).AllowAnonymous().WithPublicCache(ListLifetime).WithName("ListAgencies").WithSummary("List the city's agencies, oldest first");
        agencies.MapGet("/{id:guid}", GetAsync).AllowAnonymous().WithEntityTag().WithName("GetAgency").WithSummary("Get an agency");
        agencies.MapPost("/", CreateAsync).RequireAuthorization(Policies.Admin).WithIdempotency()
            .WithName("CreateAgency").WithSummary("Create an agency").WithProblems(409, "name_taken");
        agencies.MapPatch("/{id:guid}", ChangeAsync).RequireAuthorization(Policies.Admin)
            .WithName("ChangeAgency").WithSummary("Change an agency").WithIfMatch("agency").WithProblems(409, "name_taken", "changed_meanwhile");
        agencies.MapDelete("/{id:guid}", DeleteAsync).RequireAuthorization(Policies.Admin)
            .WithName("DeleteAgency").WithSummary("Delete an unused agency")
            .WithDescription("409 while areas, employees, crews, vehicles, projects, work orders, response templates, webhooks or open reports hang on it: `hangs_on` names up to 20 of each kind. Its closed reports have no agency afterwards.")
            .WithIfMatch("agency").WithProblems(409, "agency_in_use");
        return endpoints;
    }

    private static async Task<Results<Ok<Page<AgencyResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, [AsParameters] AgencyFilter filter, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var after = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var agencies = database.Agencies.AsNoTracking().Where(agency => agency.Id > after);
        foreach (var pattern in SearchWords.Patterns(filter.Query))
        {
            agencies = agencies.Where(agency => EF.Functions.ILike(agency.NameEn, pattern, @"\") || EF.Functions.ILike(agency.NameAr, pattern, @"\"));
        }

        var rows = await agencies.OrderBy(agency => agency.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, AgencyResponse.Of, last => Cursor.Encode(last.Id)));
    }

    /// <param name="id">The agency's id.</param>
    private static async Task<Results<Ok<AgencyResponse>, StatusCodeHttpResult, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.Agencies.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } agency)
        {
            return NotFound.ToProblem();
        }

        return http.IsKnown(agency.Version) ? TypedResults.StatusCode(StatusCodes.Status304NotModified) : TypedResults.Ok(AgencyResponse.Of(agency));
    }

    private static async Task<Results<Created<AgencyResponse>, ProblemHttpResult>> CreateAsync(
        AgencyRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var agency = new Agency
        {
            Id = Guid.CreateVersion7(now),
            NameEn = request.NameEn.Trim().Normalize(),
            NameAr = request.NameAr.Trim().Normalize(),
            Email = request.Email?.Trim(),
            Phone = request.Phone?.Trim(),
            CreatedAt = now,
        };
        database.Add(agency);
        Audit(database, http.User, "created", agency, now);
        try
        {
            var created = await work.CommitAsync(TypedResults.Created($"{Path}/{agency.Id}", AgencyResponse.Of(agency)), cancellationToken);
            http.SendVersion(agency.Version);
            return created;
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return NameTaken.ToProblem();
        }
    }

    /// <param name="id">The agency's id.</param>
    private static async Task<Results<Ok<AgencyResponse>, ProblemHttpResult>> ChangeAsync(
        Guid id, AgencyChange request, HttpContext http, ReportingDbContext database, UnitOfWork work, AgencyRouting routing, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await database.Agencies.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } agency)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(agency.Version))
        {
            return Versions.Stale.ToProblem();
        }

        agency.NameEn = request.NameEn?.Trim().Normalize() ?? agency.NameEn;
        agency.NameAr = request.NameAr?.Trim().Normalize() ?? agency.NameAr;
        agency.Email = http.Clears("email") ? null : request.Email?.Trim() ?? agency.Email;
        agency.Phone = http.Clears("phone") ? null : request.Phone?.Trim() ?? agency.Phone;
        if (database.Entry(agency).State is EntityState.Modified)
        {
            agency.Version++;
            Audit(database, http.User, "changed", agency, time.GetUtcNow());
        }

        try
        {
            await work.CommitAsync(TypedResults.Ok(), cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return http.LostRace().ToProblem();
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return NameTaken.ToProblem();
        }

        routing.Expire();
        http.SendVersion(agency.Version);
        return TypedResults.Ok(AgencyResponse.Of(agency));
    }

    /// <param name="id">The agency's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, Dependents dependents, UnitOfWork work, AgencyRouting routing, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);

        // The lock makes routing by hand, and inserts that refer to the agency, wait.
        if (await database.Agencies.FromSql($"SELECT * FROM agencies WHERE id = {id} FOR UPDATE").AsTracking().SingleOrDefaultAsync(cancellationToken) is not { } agency)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(agency.Version))
        {
            return Versions.Stale.ToProblem();
        }

        if (await dependents.RefusalAsync(Registered.Agency, id, InUse, cancellationToken) is { } inUse)
        {
            return inUse;
        }

        await database.Reports.Where(report => report.AgencyId == id).ExecuteUpdateAsync(
            set => set.SetProperty(report => report.AgencyId, (Guid?)null).SetProperty(report => report.RoutedByHand, false)
                .SetProperty(report => report.Activity, report => report.Activity + 1),
            cancellationToken);
        database.Remove(agency);
        database.Audit(http.User.UserId, "deleted", "agency", id, id, (JsonElement?)null, time.GetUtcNow());
        try
        {
            await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation()) // a crew that another request has just created
        {
            return InUse.ToProblem();
        }

        routing.Expire();
        return TypedResults.NoContent();
    }

    /// <returns>An error of the field <c>agency_id</c>; null if there is such an agency, or it is none.</returns>
    public static async Task<string?> ErrorAsync(ReportingDbContext database, Guid? agency, CancellationToken cancellationToken) =>
        agency is null || await database.Agencies.AnyAsync(row => row.Id == agency, cancellationToken) ? null : Missing;

    private static void Audit(ReportingDbContext database, ClaimsPrincipal user, string action, Agency agency, DateTimeOffset now) => database.Audit(
        user.UserId, action, "agency", agency.Id, agency.Id, JsonSerializer.SerializeToElement(AgencyResponse.Of(agency), ReportingJson.Default.AgencyResponse), now);
}

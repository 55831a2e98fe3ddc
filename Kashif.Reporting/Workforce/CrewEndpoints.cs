using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Managers;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Workforce;

/// <summary>A new crew.</summary>
/// <param name="Name" example="Asphalt north">The name, for the staff.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <param name="Members">The ids of its members: active employees of the agency, or of any for a crew of all agencies.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CrewRequest(
    [property: Title(1, Crew.NameMax)] string Name,
    Guid? AgencyId = null,
    IReadOnlyList<Guid>? Members = null);

/// <summary>A change of a crew. Fields that are left out do not change.</summary>
/// <param name="Name" example="Asphalt north">The name, for the staff.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <param name="Members">The ids of all its members: active employees of the agency, or of any for a crew of all agencies.</param>
/// <param name="Active" example="false">False: it gets no new work.</param>
public sealed record ChangeCrewRequest(
    [property: Title(1, Crew.NameMax)] string? Name = null,
    Guid? AgencyId = null,
    IReadOnlyList<Guid>? Members = null,
    bool? Active = null);

/// <summary>Employees who go out together.</summary>
/// <param name="Id">The crew's id.</param>
/// <param name="Name" example="Asphalt north">The name, for the staff.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <param name="Members">The ids of its members.</param>
/// <param name="Active" example="true">False: it gets no new work.</param>
/// <param name="CreatedAt">When the entry was created.</param>
/// <param name="Version" example="1">Incremented at each change: the `ETag`.</param>
internal sealed record CrewResponse(Guid Id, string Name, Guid? AgencyId, IReadOnlyList<Guid> Members, bool Active, DateTimeOffset CreatedAt, int Version)
{
    public static CrewResponse Of(Crew crew, IEnumerable<Guid> members) => new(crew.Id, crew.Name, crew.AgencyId, [.. members.Order()], crew.Active, crew.CreatedAt, crew.Version);
}

/// <summary>The register of crews.</summary>
internal static class CrewEndpoints
{
    private const string Path = "/api/v1/reports/crews";

    private static Error NotFound { get; } = Error.NotFound("Crew not found.");

    public static void MapCrews(this IEndpointRouteBuilder endpoints)
    {
        var crews = endpoints.MapGroup(Path).WithTags("Workforce").RequireAuthorization(Policies.Staff);
        crews.MapGet("/", ListAsync).WithName("ListCrews").WithSummary("List crews by name, agency and skill, newest first").WithDescription(Registers.WhoReads);
        crews.MapGet("/{id:guid}", GetAsync).WithName("GetCrew").WithSummary("Get a crew").WithProblems(404, "not_found");
        crews.MapGet("/{id:guid}/history", HistoryAsync).WithName("GetCrewHistory").WithSummary("Get a crew's history, newest first").WithProblems(404, "not_found");
        crews.MapPost("/", CreateAsync).RequireAuthorization(ManagerScope.Policy).WithIdempotency().DisableValidation()
            .WithName("CreateCrew").WithSummary("Create a crew").WithDescription(Registers.WhoWrites).WithProblems(403, "forbidden");
        crews.MapPatch("/{id:guid}", ChangeAsync).RequireAuthorization(ManagerScope.Policy).DisableValidation()
            .WithName("ChangeCrew").WithSummary("Change a crew or its members").WithDescription(Registers.WhoWrites).WithVersion();
        crews.MapDelete("/{id:guid}", DeleteAsync).RequireAuthorization(ManagerScope.Policy)
            .WithName("DeleteCrew").WithSummary("Delete a crew without work").WithDescription(Registers.WhoWrites).WithVersion().WithProblems(409, "in_use");
    }

    private static async Task<Results<Ok<Page<CrewResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] RegisterFilter filter, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var crews = database.Crews.AsNoTracking().ReadBy(http.User).Matching(filter).Where(row => page.Cursor == null || row.Id < before);
        if (filter.Skill?.Trim() is { Length: > 0 } skill)
        {
            crews = crews.Where(row => database.CrewMembers.Any(member => member.CrewId == row.Id
                && database.Employees.Any(employee => employee.UserId == member.UserId && employee.Skills.Contains(skill))));
        }

        foreach (var pattern in SearchWords.Patterns(filter.Query))
        {
            crews = crews.Where(row => EF.Functions.ILike(row.Name, pattern, @"\"));
        }

        var rows = await crews.OrderByDescending(row => row.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        var ids = rows.ConvertAll(row => row.Id);
        var members = (await database.CrewMembers.AsNoTracking().Where(member => ids.Contains(member.CrewId)).ToListAsync(cancellationToken))
            .ToLookup(member => member.CrewId, member => member.UserId);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => CrewResponse.Of(row, members[row.Id]), row => Cursor.Encode(row.Id)));
    }

    /// <param name="id">The crew's id.</param>
    private static async Task<Results<Ok<CrewResponse>, ProblemHttpResult>> GetAsync(Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.Crews.AsNoTracking().ReadBy(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } crew)
        {
            return NotFound.ToProblem();
        }

        http.SendVersion(crew.Version);
        return TypedResults.Ok(CrewResponse.Of(crew, await database.MembersOfAsync(id, cancellationToken)));
    }

    /// <param name="id">The crew's id.</param>
    private static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> HistoryAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) => await Registers.HistoryAsync(
            Crew.Kind, id, await database.Crews.ReadBy(http.User).AnyAsync(row => row.Id == id, cancellationToken), NotFound, page, database, cancellationToken);

    private static async Task<Results<Created<CrewResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CrewRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        Guid[] members = [.. (request.Members ?? []).Distinct()];
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken));
        await using var transaction = await work.BeginAsync(cancellationToken);
        errors.Add("members", await MembersErrorAsync(members, former: [], request.AgencyId, database, cancellationToken));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (!http.User.Manages(request.AgencyId))
        {
            return Registers.NotManaged.ToProblem();
        }

        var now = time.GetUtcNow();
        var crew = new Crew { Id = Guid.CreateVersion7(now), Name = request.Name.Trim(), AgencyId = request.AgencyId, CreatedAt = now };
        database.Add(crew);
        database.AddRange(members.Select(member => new CrewMember { CrewId = crew.Id, UserId = member }));
        database.AuditValues(
            http.User.UserId, "created", Crew.Kind, crew.Id, crew.AgencyId,
            new JsonObject { ["name"] = crew.Name, ["agency_id"] = crew.AgencyId, ["members"] = Registers.Array(members) }, now);
        return await Registers.CommitNewAsync(http, work, crew, $"{Path}/{crew.Id}", CrewResponse.Of(crew, members), taken: null, cancellationToken);
    }

    /// <param name="id">The crew's id.</param>
    private static async Task<Results<Ok<CrewResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeCrewRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.Crews.ReadBy(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } crew)
        {
            return NotFound.ToProblem();
        }

        var agency = Registers.AgencyAfter(http, request.AgencyId, crew);
        var former = await database.MembersOfAsync(id, cancellationToken);
        Guid[] members = request.Members is { } sent ? [.. sent.Distinct()] : former;
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken));
        errors.Add("members", request.Members is not null || agency != crew.AgencyId ? await MembersErrorAsync(members, former, agency, database, cancellationToken) : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (Registers.Refusal(http, crew) is { } refusal)
        {
            return refusal.ToProblem();
        }

        if (!http.User.Manages(agency))
        {
            return Registers.NotManaged.ToProblem();
        }

        await database.Database.ExecuteSqlAsync($"SELECT FROM crews WHERE id = {id} FOR NO KEY UPDATE", cancellationToken); // before its members, like an employee who leaves
        var changes = new JsonObject();
        if (request.Name?.Trim() is { } name && name != crew.Name)
        {
            changes["name"] = crew.Name = name;
        }

        if (agency != crew.AgencyId)
        {
            changes["agency_id"] = crew.AgencyId = agency;
        }

        if (!members.Order().SequenceEqual(former.Order()))
        {
            changes["members"] = Registers.Array(members);
            database.RemoveRange(former.Except(members).Select(member => new CrewMember { CrewId = id, UserId = member }));
            database.AddRange(members.Except(former).Select(member => new CrewMember { CrewId = id, UserId = member }));
        }

        if (request.Active is { } active && active != crew.Active)
        {
            changes["active"] = crew.Active = active;
        }

        Registers.AddChange(database, crew, http.User.UserId, Crew.Kind, id, changes, time.GetUtcNow());
        return await Registers.CommitAsync(http, work, crew, CrewResponse.Of(crew, members), taken: null, cancellationToken);
    }

    /// <param name="id">The crew's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, Dependents dependents, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var crew = await database.Crews.FromSql($"SELECT * FROM crews WHERE id = {id} FOR UPDATE").ReadBy(http.User).SingleOrDefaultAsync(cancellationToken);
        return await Registers.DeleteAsync(Registered.Crew, Crew.Kind, id, crew, NotFound, http, database, dependents, work, time, cancellationToken);
    }

    private static Task<Guid[]> MembersOfAsync(this ReportingDbContext database, Guid crew, CancellationToken cancellationToken) =>
        database.CrewMembers.Where(member => member.CrewId == crew).Select(member => member.UserId).ToArrayAsync(cancellationToken);

    /// <summary>Locks the members: none leaves before the commit.</summary>
    /// <param name="former">A member who was disabled meanwhile stays.</param>
    private static async Task<string?> MembersErrorAsync(Guid[] members, Guid[] former, Guid? agency, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (members.Length > Crew.MembersMax)
        {
            return Localized.Format($"At most {Crew.MembersMax} members.");
        }

        var employees = await database.ShareEmployeesAsync(members, cancellationToken);
        return members.Length == employees.Count && employees.TrueForAll(employee => employee.Active && (agency is null || employee.AgencyId == agency))
            && await StaffAccounts.AreEnabledAsync(database, [.. members.Except(former)], cancellationToken)
            ? null
            : "Each member must be an active employee of the crew's agency.";
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.WorkOrders;

/// <summary>A new project.</summary>
/// <param name="Name" example="Repair of Straight Street">The name.</param>
/// <param name="Description" example="New asphalt and kerbs.">What it is about.</param>
/// <param name="State" example="planned">Its state.</param>
/// <param name="AgencyId" example="null">The agency whose staff work on it; null for all. For an agency's employees, always their own.</param>
/// <param name="StartsOn" example="2027-03-01">The first day; null for none yet.</param>
/// <param name="EndsOn" example="2027-06-30">The last day; null for none yet.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateProjectRequest(
    [property: Title(1, Project.NameMax)] string Name,
    [property: Text(0, Project.DescriptionMax)] string? Description = null,
    ProjectState State = ProjectState.Planned,
    Guid? AgencyId = null,
    DateOnly? StartsOn = null,
    DateOnly? EndsOn = null);

/// <summary>A change of a project. Fields that are left out do not change.</summary>
/// <param name="Name" example="Repair of Straight Street">The name.</param>
/// <param name="Description" example="New asphalt and kerbs.">What it is about.</param>
/// <param name="State" example="active">Its state.</param>
/// <param name="StartsOn" example="2027-03-01">The first day; null for none yet.</param>
/// <param name="EndsOn" example="2027-06-30">The last day; null for none yet.</param>
public sealed record ChangeProjectRequest(
    [property: Title(1, Project.NameMax)] string? Name = null,
    [property: Text(0, Project.DescriptionMax)] string? Description = null,
    ProjectState? State = null,
    DateOnly? StartsOn = null,
    DateOnly? EndsOn = null);

/// <summary>Work orders that belong together.</summary>
/// <param name="Id">The project's id.</param>
/// <param name="AgencyId" example="null">The agency whose staff work on it; null for all.</param>
/// <param name="Name" example="Repair of Straight Street">The name.</param>
/// <param name="Description" example="New asphalt and kerbs.">What it is about.</param>
/// <param name="State" example="active">Its state.</param>
/// <param name="StartsOn" example="2027-03-01">The first day; null for none yet.</param>
/// <param name="EndsOn" example="2027-06-30">The last day; null for none yet.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Version" example="1">Incremented at each change: the `ETag`.</param>
internal sealed record ProjectResponse(
    Guid Id, Guid? AgencyId, string Name, string Description, ProjectState State, DateOnly? StartsOn, DateOnly? EndsOn, DateTimeOffset CreatedAt, int Version)
{
    public static ProjectResponse Of(Project project) => new(
        project.Id, project.AgencyId, project.Name, project.Description, project.State, project.StartsOn, project.EndsOn, project.CreatedAt, project.Version);
}

/// <summary>Filters of a list of projects.</summary>
public sealed class ProjectQuery
{
    /// <summary>Only projects that have all of these words in their name or description. Quotes make a phrase; a minus sign excludes a word.</summary>
    /// <example>street</example>
    [FromQuery(Name = "q"), Text(200)]
    public string? Text { get; set; }

    /// <summary>Only projects of this agency.</summary>
    [FromQuery(Name = "agency")]
    public Guid? Agency { get; set; }

    /// <summary>Only projects with this state.</summary>
    /// <example>active</example>
    [FromQuery(Name = "state"), Values(typeof(ProjectState))]
    public string? State { get; set; }
}

internal static class ProjectEndpoints
{
    private const string Path = "/api/v1/reports/projects";

    private static Error NotFound { get; } = Error.NotFound("Project not found.");

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The project's version does not match If-Match. Read the project again.");

    private static Error Changed { get; } = Error.Conflict("project_changed", "Another request has just changed this project. Read it again.");

    private static Error InUse { get; } = Error.Conflict("in_use", "Work orders belong to this project. Move or delete them first.");

    public static void MapProjects(this IEndpointRouteBuilder endpoints)
    {
        var projects = endpoints.MapGroup(Path).WithTags("Work orders").RequireAuthorization(Policies.Staff);
        projects.MapGet("/", ListAsync).WithName("ListProjects").WithSummary("List projects, newest first");
        projects.MapPost("/", CreateAsync).WithIdempotency().DisableValidation().WithName("CreateProject").WithSummary("Create a project");
        projects.MapGet("/{id:guid}", GetAsync).WithName("GetProject").WithSummary("Get a project");
        projects.MapPatch("/{id:guid}", ChangeAsync).DisableValidation().WithName("ChangeProject").WithSummary("Change a project")
            .WithIfMatch("project").WithProblems(409, "project_changed");
        projects.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteProject").WithSummary("Delete a project without work orders")
            .WithIfMatch("project").WithProblems(409, "in_use");
        projects.MapGet("/{id:guid}/history", HistoryAsync).WithName("GetProjectHistory").WithSummary("Get a project's history, newest first");
    }

    private static async Task<Results<Ok<Page<ProjectResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, [AsParameters] ProjectQuery query, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var state = query.State is null ? null : States.Parse<ProjectState>(query.State);
        if (query.State is not null && state is null)
        {
            return Error.Field("state", Localized.Format($"Must be one of {States.Names<ProjectState>()}."));
        }

        var projects = string.IsNullOrWhiteSpace(query.Text)
            ? database.Projects
            : database.Projects.WithWords("projects", query.Text);
        var rows = await projects.AsNoTracking().WorkOf(http.User)
            .Where(project => (page.Cursor == null || project.Id < before)
                && (query.Agency == null || project.AgencyId == query.Agency) && (state == null || project.State == state))
            .OrderByDescending(project => project.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, ProjectResponse.Of, last => Cursor.Encode(last.Id)));
    }

    /// <param name="id">The project's id.</param>
    private static async Task<Results<Ok<ProjectResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) =>
        await database.Projects.AsNoTracking().WorkOf(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } project
            ? ToResult(project, http)
            : NotFound.ToProblem();

    private static async Task<Results<Created<ProjectResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateProjectRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var agency = request.AgencyId ?? http.User.AgencyIdOrNull;
        var errors = await FieldErrors.FindAsync(http, request);
        await errors.AddAgencyErrorAsync(agency, http.User, database, cancellationToken);
        errors.Add("ends_on", DatesError(request.StartsOn, request.EndsOn));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var now = time.GetUtcNow();
        var project = new Project
        {
            Id = Guid.CreateVersion7(now),
            AgencyId = agency,
            Name = request.Name.Trim(),
            Description = request.Description?.Trim() ?? "",
            State = request.State,
            StartsOn = request.StartsOn,
            EndsOn = request.EndsOn,
            CreatedAt = now,
        };
        database.Projects.Add(project);
        Audit(database, http, "created", project, now);
        try
        {
            var created = await work.CommitAsync(TypedResults.Created($"{Path}/{project.Id}", ProjectResponse.Of(project)), cancellationToken);
            http.SendVersion(project.Version);
            return created;
        }
        catch (DbUpdateException exception) when (ReportErrors.IsLostRace(exception)) // the agency was deleted meanwhile
        {
            return Error.Field("agency_id", AgencyEndpoints.Missing);
        }
    }

    /// <param name="id">The project's id.</param>
    private static async Task<Results<Ok<ProjectResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeProjectRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (await database.Projects.WorkOf(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } project)
        {
            return NotFound.ToProblem();
        }

        var errors = await FieldErrors.FindAsync(http, request);
        var starts = http.Clears("starts_on") ? null : request.StartsOn ?? project.StartsOn;
        var ends = http.Clears("ends_on") ? null : request.EndsOn ?? project.EndsOn;
        errors.Add("ends_on", DatesError(starts, ends));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (http.IsStale(project.Version))
        {
            return Stale.ToProblem();
        }

        project.Name = request.Name?.Trim() ?? project.Name;
        project.Description = request.Description?.Trim() ?? project.Description;
        project.State = request.State ?? project.State;
        (project.StartsOn, project.EndsOn) = (starts, ends);
        if (database.Entry(project).State is EntityState.Modified)
        {
            project.Version++;
            Audit(database, http, "changed", project, time.GetUtcNow());
        }

        try
        {
            return await work.CommitAsync(ToResult(project, http), cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            http.Response.Headers.Remove("ETag"); // of the change that lost
            return (http.Request.Headers.IfMatch.Count > 0 ? Stale : Changed).ToProblem();
        }
    }

    /// <param name="id">The project's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);

        // The lock keeps new work orders out: their foreign key waits for it.
        var project = await database.Projects.FromSql($"SELECT * FROM projects WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync(cancellationToken);
        if (project is null || !http.User.MayWorkFor(project.AgencyId))
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(project.Version))
        {
            return Stale.ToProblem();
        }

        var orders = await database.WorkOrders.Where(order => order.ProjectId == id).OrderBy(order => order.Id).Select(order => order.Id).Take(PageRequest.MaxLimit)
            .ToArrayAsync(cancellationToken);
        if (orders.Length > 0)
        {
            return Dependents.Refusal(InUse, "work_order", orders);
        }

        database.Projects.Remove(project);
        Audit(database, http, "deleted", project, time.GetUtcNow());
        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    /// <param name="id">The project's id.</param>
    private static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> HistoryAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) =>
        await database.Projects.WorkOf(http.User).AnyAsync(row => row.Id == id, cancellationToken)
            ? await database.AuditEntries.Where(entry => entry.SubjectId == id && entry.Kind == "project").ToPageAsync(page, cancellationToken)
            : NotFound.ToProblem();

    private static string? DatesError(DateOnly? starts, DateOnly? ends) => ends < starts ? "Must not be before starts_on." : null;

    private static Ok<ProjectResponse> ToResult(Project project, HttpContext http)
    {
        http.SendVersion(project.Version);
        return TypedResults.Ok(ProjectResponse.Of(project));
    }

    private static void Audit(ReportingDbContext database, HttpContext http, string action, Project project, DateTimeOffset now)
    {
        var values = new JsonObject
        {
            ["name"] = project.Name,
            ["description"] = project.Description,
            ["state"] = project.State.WireName(),
            ["starts_on"] = project.StartsOn?.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
            ["ends_on"] = project.EndsOn?.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
        };
        database.Audit(http.User.UserId, action, "project", project.Id, project.AgencyId, JsonElement.Parse(values.ToJsonString()), now);
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Http;
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

/// <summary>A new employee.</summary>
/// <param name="UserId">The account, with the role staff, moderator or admin.</param>
/// <param name="Name" example="Rana Khalil">The name, for the staff.</param>
/// <param name="Job">What the employee does. A manager of an agency manages its employees, crews, vehicles and texts.</param>
/// <param name="AgencyId">The agency whose reports the employee works on; null for all.</param>
/// <param name="Skills" example='["asphalt", "welding"]'>What the employee can do.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record EmployeeRequest(
    Guid UserId,
    [property: Title(1, Employee.NameMax)] string Name,
    Job Job,
    Guid? AgencyId = null,
    IReadOnlyList<string>? Skills = null);

/// <summary>A change of an employee. Fields that are left out do not change.</summary>
/// <param name="Name" example="Rana Khalil">The name, for the staff.</param>
/// <param name="Job">What the employee does.</param>
/// <param name="AgencyId">The agency whose reports the employee works on; null for all.</param>
/// <param name="Skills" example='["asphalt", "welding"]'>What the employee can do.</param>
/// <param name="Active" example="false">False: the employee has left. Their open reports are unassigned, and they are in no crew.</param>
public sealed record ChangeEmployeeRequest(
    [property: Title(1, Employee.NameMax)] string? Name = null,
    Job? Job = null,
    Guid? AgencyId = null,
    IReadOnlyList<string>? Skills = null,
    bool? Active = null);

/// <summary>A member of the staff.</summary>
/// <param name="Id">The account's id.</param>
/// <param name="Name" example="Rana Khalil">The name; empty if the account was deleted or is not of the staff any more.</param>
/// <param name="Job">What the employee does.</param>
/// <param name="AgencyId">The agency whose reports the employee works on; null for all.</param>
/// <param name="Skills" example='["asphalt", "welding"]'>What the employee can do.</param>
/// <param name="Active" example="true">False: the employee has left, and works on no report.</param>
/// <param name="CreatedAt">When the entry was created.</param>
/// <param name="Version" example="1">Incremented at each change: the `ETag`.</param>
internal sealed record EmployeeResponse(Guid Id, string Name, Job Job, Guid? AgencyId, IReadOnlyList<string> Skills, bool Active, DateTimeOffset CreatedAt, int Version)
{
    public static EmployeeResponse Of(Employee employee) => new(
        employee.UserId, employee.Name, employee.Job, employee.AgencyId, employee.Skills, employee.Active, employee.CreatedAt, employee.Version);
}

/// <summary>The register of employees.</summary>
internal static class EmployeeEndpoints
{
    private const string Path = "/api/v1/reports/employees";

    private static Error NotFound { get; } = Error.NotFound("Employee not found.");

    private static Error Exists { get; } = Error.Conflict("employee_exists", "This account is in the register already.");

    public static void MapEmployees(this IEndpointRouteBuilder endpoints)
    {
        var employees = endpoints.MapGroup(Path).WithTags("Workforce").RequireAuthorization(Policies.Staff);
        employees.MapGet("/", ListAsync).WithName("ListEmployees").WithSummary("List employees by name, agency and skill, newest account first").WithDescription(Registers.WhoReads);
        employees.MapGet("/{id:guid}", GetAsync).WithName("GetEmployee").WithSummary("Get an employee").WithProblems(404, "not_found");
        employees.MapGet("/{id:guid}/history", HistoryAsync).WithName("GetEmployeeHistory").WithSummary("Get an employee's history, newest first")
            .WithProblems(404, "not_found");
        employees.MapPost("/", CreateAsync).RequireAuthorization(Policies.Moderator).WithIdempotency().DisableValidation()
            .WithName("CreateEmployee").WithSummary("Add an employee to the register")
            .WithDescription(
                "A staff account without an entry works on the reports of all agencies, and an entry narrows that. So only moderators and admins add employees; managers change those of their "
                + "agency. The account needs one of the roles `staff`, `moderator` and `admin`; a new role is known here after some seconds.")
            .WithProblems(409, "employee_exists");
        employees.MapPatch("/{id:guid}", ChangeAsync).RequireAuthorization(ManagerScope.Policy).DisableValidation()
            .WithName("ChangeEmployee").WithSummary("Change or deactivate an employee").WithDescription(Registers.WhoWrites).WithVersion();
        employees.MapDelete("/{id:guid}", DeleteAsync).RequireAuthorization(Policies.Moderator)
            .WithName("DeleteEmployee").WithSummary("Delete an employee from the register")
            .WithDescription("The account stays. A staff account without an entry works on the reports of all agencies, so only moderators and admins delete employees. A manager sets `active` to false.")
            .WithVersion().WithProblems(409, "in_use");
    }

    private static async Task<Results<Ok<Page<EmployeeResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] RegisterFilter filter, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var employees = database.Employees.AsNoTracking().ReadBy(http.User).Matching(filter).Where(row => page.Cursor == null || row.UserId < before);
        if (filter.Skill?.Trim() is { Length: > 0 } skill)
        {
            employees = employees.Where(row => row.Skills.Contains(skill));
        }

        foreach (var pattern in SearchWords.Patterns(filter.Query))
        {
            employees = employees.Where(row => EF.Functions.ILike(row.Name, pattern, @"\"));
        }

        var rows = await employees.OrderByDescending(row => row.UserId).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, EmployeeResponse.Of, row => Cursor.Encode(row.UserId)));
    }

    /// <param name="id">The account's id.</param>
    private static async Task<Results<Ok<EmployeeResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.Employees.AsNoTracking().ReadBy(http.User).SingleOrDefaultAsync(row => row.UserId == id, cancellationToken) is not { } employee)
        {
            return NotFound.ToProblem();
        }

        http.SendVersion(employee.Version);
        return TypedResults.Ok(EmployeeResponse.Of(employee));
    }

    /// <param name="id">The account's id.</param>
    private static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> HistoryAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) => await Registers.HistoryAsync(
            Employee.Kind, id, await database.Employees.ReadBy(http.User).AnyAsync(row => row.UserId == id, cancellationToken), NotFound, page, database, cancellationToken);

    private static async Task<Results<Created<EmployeeResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        EmployeeRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("skills", Registers.SkillsError(request.Skills));
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken));
        await using var transaction = await work.BeginAsync(cancellationToken);
        errors.Add("user_id", await NotStaffAsync(database, request.UserId, cancellationToken));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var now = time.GetUtcNow();
        var employee = new Employee
        {
            UserId = request.UserId,
            AgencyId = request.AgencyId,
            Name = request.Name.Trim(),
            Job = request.Job,
            Skills = Skills(request.Skills),
            CreatedAt = now,
        };
        database.Add(employee);
        database.AuditValues(http.User.UserId, "created", Employee.Kind, employee.UserId, employee.AgencyId, Values(employee), now);
        return await Registers.CommitNewAsync(http, work, employee, $"{Path}/{employee.UserId}", EmployeeResponse.Of(employee), Exists, cancellationToken);
    }

    /// <param name="id">The account's id.</param>
    private static async Task<Results<Ok<EmployeeResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeEmployeeRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("skills", Registers.SkillsError(request.Skills));
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken));
        await using var transaction = await work.BeginAsync(cancellationToken);

        // Before the employee, like the event of a lost role.
        var notStaff = request.Active is true ? await NotStaffAsync(database, id, cancellationToken) : null;
        if (await database.LockEmployeeAsync(id, cancellationToken) is not { } employee || !http.User.Reads(employee))
        {
            return NotFound.ToProblem();
        }

        errors.Add("active", employee.Active ? null : notStaff);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var agency = Registers.AgencyAfter(http, request.AgencyId, employee);
        if (Registers.Refusal(http, employee) is { } refusal)
        {
            return refusal.ToProblem();
        }

        if (!http.User.Manages(agency))
        {
            return Registers.NotManaged.ToProblem();
        }

        var before = Values(employee);
        var isRenamed = request.Name?.Trim() is { } name && name != employee.Name;
        employee.Name = request.Name?.Trim() ?? employee.Name;
        employee.Job = request.Job ?? employee.Job;
        employee.AgencyId = agency;
        employee.Skills = request.Skills is { } skills ? Skills(skills) : employee.Skills;
        employee.Active = request.Active ?? employee.Active;

        var now = time.GetUtcNow();
        var changes = Registers.Changes(before, Values(employee));
        if (isRenamed)
        {
            changes["renamed"] = true; // not the name: an erasure would have to find it
        }

        Registers.AddChange(database, employee, http.User.UserId, Employee.Kind, id, changes, now);
        if (changes.ContainsKey("agency_id") || changes.ContainsKey("active"))
        {
            await EmployeeWork.ReleaseAsync(database, employee, http.User.UserId, now, cancellationToken);
        }

        return await Registers.CommitAsync(http, work, employee, EmployeeResponse.Of(employee), taken: null, cancellationToken);
    }

    /// <param name="id">The account's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, Dependents dependents, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var employee = await database.LockEmployeeAsync(id, cancellationToken);
        if (employee is not null)
        {
            await EmployeeWork.ForgetClosedAsync(database.Reports.Where(report => report.AssigneeId == id), cancellationToken); // rolled back if it is refused
        }

        return await Registers.DeleteAsync(Registered.Employee, Employee.Kind, id, employee, NotFound, http, database, dependents, work, time, cancellationToken);
    }

    private static async Task<string?> NotStaffAsync(ReportingDbContext database, Guid user, CancellationToken cancellationToken) =>
        await StaffAccounts.IsStaffAsync(database, user, cancellationToken) ? null : "This account is not one of the staff.";

    private static string[] Skills(IReadOnlyList<string>? skills) => [.. (skills ?? []).Select(skill => skill.Trim()).Distinct()];

    /// <summary>For the audit trail: without the name.</summary>
    private static JsonObject Values(Employee employee) => new()
    {
        ["job"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(employee.Job.ToString()),
        ["agency_id"] = employee.AgencyId,
        ["skills"] = Registers.Array(employee.Skills),
        ["active"] = employee.Active,
    };
}

using System.Security.Claims;
using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Managers;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Workforce;

/// <summary>A row that an agency's managers manage.</summary>
internal interface IOfAgency
{
    /// <summary>Null: all agencies'.</summary>
    Guid? AgencyId { get; set; }
    int Version { get; set; }
}

/// <summary>An entry of a register.</summary>
internal interface IRegistered : IOfAgency
{
    bool Active { get; set; }
}

/// <summary>The filters of a register's list.</summary>
public sealed class RegisterFilter
{
    internal const int QueryMax = 100;

    /// <summary>Words that all occur in the name or the plate, in upper or lower case.</summary>
    /// <example>north</example>
    [FromQuery(Name = "q"), Text(QueryMax)]
    public string? Query { get; set; }

    /// <summary>Only entries of this agency.</summary>
    [FromQuery(Name = "agency")]
    public Guid? Agency { get; set; }

    /// <summary>Only employees with this skill, or crews with a member who has it.</summary>
    /// <example>asphalt</example>
    [FromQuery(Name = "skill"), Text(Employee.SkillMax)]
    public string? Skill { get; set; }

    /// <summary>True: only active entries; false: only inactive ones.</summary>
    [FromQuery(Name = "active")]
    public bool? Active { get; set; }
}

/// <summary>The rules that the registers of employees, crews and vehicles share.</summary>
internal static class Registers
{
    public const string WhoReads = "Staff read the entries of their agency and of no agency. Moderators, admins and staff without an agency read all entries.";
    public const string WhoWrites = "For moderators and admins, and for managers of its agency.";

    public static Error NotManaged { get; } = Error.Forbidden("forbidden", "Only moderators and the managers of its agency can do this.");

    private static Error Stale { get; } = new(StatusCodes.Status412PreconditionFailed, "precondition_failed", "The version does not match If-Match. Read it again.");

    private static Error Changed { get; } = Error.Conflict("changed", "Another request has just changed it. Read it again.");

    /// <summary>Describes <c>If-Match</c>, and what a change of an entry can answer.</summary>
    public static RouteHandlerBuilder WithVersion(this RouteHandlerBuilder endpoint) => endpoint
        .WithIfMatch("entry").WithProblems(403, "forbidden").WithProblems(404, "not_found").WithProblems(409, "changed");

    /// <summary>Only the entries that a member of staff reads.</summary>
    public static IQueryable<TEntry> ReadBy<TEntry>(this IQueryable<TEntry> entries, ClaimsPrincipal staff)
        where TEntry : class, IOfAgency =>
        staff.AgencyIdOrNull is { } agency ? entries.Where(entry => entry.AgencyId == agency || (entry.AgencyId == null && agency != Guid.Empty)) : entries;

    /// <summary>The same rule for one entry.</summary>
    public static bool Reads(this ClaimsPrincipal staff, IOfAgency entry) =>
        staff.AgencyIdOrNull is not { } agency || entry.AgencyId == agency || (entry.AgencyId is null && agency != Guid.Empty);

    /// <summary>Only the entries of the filter's agency and activity.</summary>
    public static IQueryable<TEntry> Matching<TEntry>(this IQueryable<TEntry> entries, RegisterFilter filter)
        where TEntry : class, IRegistered =>
        entries.Where(entry => (filter.Agency == null || entry.AgencyId == filter.Agency) && (filter.Active == null || entry.Active == filter.Active));

    /// <summary>Why the caller may not change the entry now; null if they may.</summary>
    public static Error? Refusal(HttpContext http, IOfAgency entry) =>
        !http.User.Manages(entry.AgencyId) ? NotManaged
        : http.IsStale(entry.Version) ? Stale
        : null;

    /// <returns>The agency after a PATCH: null clears it; a field that is left out does not change.</returns>
    public static Guid? AgencyAfter(HttpContext http, Guid? requested, IOfAgency entry) =>
        requested ?? (http.Clears("agency_id") ? null : entry.AgencyId);

    /// <returns>An error of the field <c>skills</c>; null if they are valid.</returns>
    public static string? SkillsError(IReadOnlyList<string>? skills)
    {
        var skill = new TitleAttribute(1, Employee.SkillMax);
        return skills is null || (skills.Count <= Employee.SkillsMax && skills.All(text => text is not null && skill.IsValid(text)))
            ? null
            : Localized.Format($"At most {Employee.SkillsMax} texts of 1 to {Employee.SkillMax} characters.");
    }

    /// <summary>The values that differ from before.</summary>
    public static JsonObject Changes(JsonObject before, JsonObject after) => new(
        after.Where(value => !JsonNode.DeepEquals(value.Value, before[value.Key])).Select(value => KeyValuePair.Create(value.Key, value.Value?.DeepClone())));

    /// <summary>Writes a change, unless nothing changes. The managers of the agency before it may read its entry in the audit trail.</summary>
    /// <param name="values">The new values for the audit trail.</param>
    public static void AddChange(ReportingDbContext database, IOfAgency entry, Guid by, string kind, Guid id, JsonObject values, DateTimeOffset now)
    {
        if (values.Count > 0)
        {
            entry.Version++;
            var agency = (Guid?)database.Entry((object)entry).Property(nameof(IOfAgency.AgencyId)).OriginalValue;
            database.AuditValues(by, "changed", kind, id, agency, values, now);
        }
    }

    /// <summary>Commits a new entry, and sends its entity tag.</summary>
    /// <param name="taken">The error if a unique key is taken; null if there is none.</param>
    public static async Task<Results<Created<TResponse>, ValidationProblem, ProblemHttpResult>> CommitNewAsync<TResponse>(
        HttpContext http, UnitOfWork work, IOfAgency entry, string path, TResponse response, Error? taken, CancellationToken cancellationToken)
    {
        try
        {
            var committed = await work.CommitAsync(TypedResults.Created(path, response), cancellationToken);
            http.SendVersion(entry.Version);
            return committed;
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation() && taken is not null)
        {
            return taken.ToProblem();
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation())
        {
            return Error.Field("agency_id", AgencyEndpoints.Missing);
        }
    }

    /// <summary>Commits a change, and sends the entity tag.</summary>
    /// <param name="taken">The error if a unique key is taken; null if only a concurrent change can take it.</param>
    public static async Task<Results<Ok<TResponse>, ValidationProblem, ProblemHttpResult>> CommitAsync<TResponse>(
        HttpContext http, UnitOfWork work, IOfAgency entry, TResponse response, Error? taken, CancellationToken cancellationToken)
    {
        try
        {
            var committed = await work.CommitAsync(TypedResults.Ok(response), cancellationToken);
            http.SendVersion(entry.Version);
            return committed;
        }
        catch (DbUpdateException exception) when (exception is DbUpdateConcurrencyException || exception.IsUniqueViolation())
        {
            return (exception is not DbUpdateConcurrencyException && taken is not null ? taken : http.Request.Headers.IfMatch.Count > 0 ? Stale : Changed).ToProblem();
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation())
        {
            return Error.Field("agency_id", AgencyEndpoints.Missing);
        }
    }

    /// <summary>Deletes an entry unless something refers to it. Call it with the row locked.</summary>
    public static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Registered register, string kind, Guid id, IOfAgency? entry, Error missing, HttpContext http, ReportingDbContext database, Dependents dependents, UnitOfWork work,
        TimeProvider time, CancellationToken cancellationToken)
    {
        if (entry is null)
        {
            return missing.ToProblem();
        }

        if (Refusal(http, entry) is { } refusal)
        {
            return refusal.ToProblem();
        }

        if (await dependents.RefusalAsync(register, id, Dependents.InUse, cancellationToken) is { } inUse)
        {
            return inUse;
        }

        database.Remove(entry);
        database.Audit(http.User.UserId, "deleted", kind, id, entry.AgencyId, values: null, time.GetUtcNow());
        try
        {
            return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation())
        {
            return Dependents.InUse.ToProblem();
        }
    }

    /// <summary>The audit trail of one entry, newest first.</summary>
    /// <param name="found">Whether there is such an entry.</param>
    public static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> HistoryAsync(
        string kind, Guid id, bool found, Error missing, PageRequest page, ReportingDbContext database, CancellationToken cancellationToken) =>
        found ? await database.AuditEntries.Where(entry => entry.SubjectId == id && entry.Kind == kind).ToPageAsync(page, cancellationToken) : missing.ToProblem();

    public static JsonArray Array(IEnumerable<string> texts) => [.. texts.Select(text => (JsonNode)text)];

    public static JsonArray Array(IEnumerable<Guid> ids) => [.. ids.Select(id => (JsonNode)id)];
}

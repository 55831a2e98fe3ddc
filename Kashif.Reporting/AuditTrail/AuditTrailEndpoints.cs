using System.Security.Claims;
using System.Text.Json;
using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Managers;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.AuditTrail;

/// <summary>An entry of the audit trail.</summary>
/// <param name="Id">The entry's id.</param>
/// <param name="At">When it was done.</param>
/// <param name="ActorId">The user who did it; the empty id if no user did, or the account was deleted.</param>
/// <param name="Action" example="changed">What was done.</param>
/// <param name="Kind" example="crew">What it was done to.</param>
/// <param name="SubjectId">The id of what it was done to.</param>
/// <param name="AgencyId">The agency of what it was done to; null for none.</param>
/// <param name="Values" example='{"name": "Crew 3"}'>The new values; null if there are none.</param>
internal sealed record AuditEntryResponse(
    Guid Id, DateTimeOffset At, Guid ActorId, string Action, string Kind, Guid SubjectId, Guid? AgencyId, JsonElement? Values);

/// <summary>The filters of the audit trail.</summary>
public sealed class AuditTrailFilter
{
    /// <summary>Only what was done to this kind of thing.</summary>
    /// <example>crew</example>
    [FromQuery(Name = "kind"), Text(50)]
    public string? Kind { get; set; }

    /// <summary>Only what was done to the thing with this id.</summary>
    [FromQuery(Name = "subject")]
    public Guid? Subject { get; set; }

    /// <summary>Only what this user did.</summary>
    [FromQuery(Name = "actor")]
    public Guid? Actor { get; set; }

    /// <summary>Only what was done at this time or later.</summary>
    /// <example>2026-11-01T00:00:00Z</example>
    [FromQuery(Name = "from")]
    public DateTimeOffset? From { get; set; }

    /// <summary>Only what was done before this time.</summary>
    /// <example>2026-12-01T00:00:00Z</example>
    [FromQuery(Name = "to")]
    public DateTimeOffset? To { get; set; }

    internal IQueryable<AuditEntry> Apply(IQueryable<AuditEntry> entries)
    {
        var (from, to) = (From?.ToUniversalTime(), To?.ToUniversalTime());
        return entries.Where(entry => (Kind == null || entry.Kind == Kind) && (Subject == null || entry.SubjectId == Subject) && (Actor == null || entry.ActorId == Actor)
            && (from == null || entry.At >= from) && (to == null || entry.At < to));
    }
}

internal static class AuditTrailEndpoints
{
    public static void MapAuditTrail(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/api/v1/reports/audit-trail", ListAsync).WithTags("Audit trail").RequireAuthorization(Policies.Staff, ManagerScope.Policy)
            .WithName("ListAuditTrail").WithSummary("List the audit trail of staff, newest first")
            .WithDescription("Moderators and admins read all entries. A manager reads the entries of their own agency.");

    /// <summary>A page of the entries, newest first.</summary>
    public static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> ToPageAsync(
        this IQueryable<AuditEntry> entries, PageRequest page, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await entries.AsNoTracking().Where(entry => page.Cursor == null || entry.Id < before).OrderByDescending(entry => entry.Id).Take(page.Size + 1)
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows,
            page.Size,
            row => new AuditEntryResponse(row.Id, row.At, row.ActorId, row.Action, row.Kind, row.SubjectId, row.AgencyId, row.Values),
            row => Cursor.Encode(row.Id)));
    }

    private static Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        [AsParameters] AuditTrailFilter filter, [AsParameters] PageRequest page, ClaimsPrincipal user, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var managed = user.ManagedAgencyOrNull;
        return filter.Apply(database.AuditEntries.Where(entry => managed == null || entry.AgencyId == managed)).ToPageAsync(page, cancellationToken);
    }
}

using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using System.Text.Json;
using Kashif.Auth.Data;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Audit;

/// <summary>The filters of the audit log.</summary>
public sealed class AuditQuery
{
    /// <summary>Only entries of this user's account. Ignored by <c>GET /me/audit-log</c>.</summary>
    [FromQuery(Name = "user_id")]
    public Guid? UserId { get; set; }

    /// <summary>Only entries of this action.</summary>
    /// <example>logged_in</example>
    [FromQuery(Name = "action"), Values(typeof(AuditActions)), RegularExpression("[a-z_]{1,50}", ErrorMessage = "Must be a name such as logged_in.")]
    public string? Action { get; set; }
}

/// <summary>A security event of an account.</summary>
/// <param name="Id">The entry's id.</param>
/// <param name="UserId">The user whose account was affected.</param>
/// <param name="ActorId">The signed-in user who acted; null if the client was not signed in.</param>
/// <param name="Action" example="api_key_created">What happened.</param>
/// <param name="Details" example='{"scopes": "reporting:read"}'>Further details, as strings by name; null if there are none.</param>
/// <param name="IpAddress" example="203.0.113.7">The client's IP address; null if it is not known, or hidden because an admin acted.</param>
/// <param name="UserAgent" example="Mozilla/5.0">The client's User-Agent; null if it sent none, or hidden because an admin acted.</param>
/// <param name="OccurredAt">When it happened.</param>
internal sealed record AuditEntryResponse(
    Guid Id, Guid UserId, Guid? ActorId, [property: Values(typeof(AuditActions))] string Action, JsonElement? Details, string? IpAddress, string? UserAgent, DateTimeOffset OccurredAt);

internal static class AuditEndpoints
{
    public static void MapAudit(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Audit").RequireAuthorization(Policies.Session);
        group.MapGet("/me/audit-log", MineAsync).WithName("GetMyAuditLog").WithSummary("List my audit log");
        group.MapGet("/audit-log", AllAsync).WithName("GetAuditLog").WithSummary("List the audit log of all users").RequireAuthorization(Policies.Admin);
    }

    private static Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem>> MineAsync(
        [AsParameters] AuditQuery query, [AsParameters] PageRequest page, ClaimsPrincipal caller, AuthDbContext database, CancellationToken cancellationToken) =>
        ListAsync(database, caller.UserId, query.Action, page, Own, cancellationToken);

    private static Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem>> AllAsync(
        [AsParameters] AuditQuery query, [AsParameters] PageRequest page, AuthDbContext database, CancellationToken cancellationToken) =>
        ListAsync(database, query.UserId, query.Action, page, Shown, cancellationToken);

    private static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem>> ListAsync(
        AuthDbContext database, Guid? userId, string? action, PageRequest page, Func<AuditEntry, AuditEntryResponse> shown, CancellationToken cancellationToken)
    {
        var before = default(Guid);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await database.AuditLog.AsNoTracking()
            .Where(entry => (userId == null || entry.UserId == userId) && (action == null || entry.Action == action) && (page.Cursor == null || entry.Id < before))
            .OrderByDescending(entry => entry.Id)
            .Take(page.Size + 1)
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, shown, last => Cursor.Encode(last.Id)));
    }

    private static AuditEntryResponse Own(AuditEntry entry) =>
        entry.IsByOwner ? Shown(entry) : Shown(entry) with { IpAddress = null, UserAgent = null };

    private static AuditEntryResponse Shown(AuditEntry entry) => new(
        entry.Id, entry.UserId, entry.ActorId, entry.Action, entry.Details is { } details ? JsonSerializer.Deserialize(details, AuthJson.Default.JsonElement) : null,
        entry.IpAddress, entry.UserAgent, entry.OccurredAt);
}

using System.Security.Claims;
using Kashif.Http;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Open311;

/// <summary>A new API key for Open311.</summary>
/// <param name="Name" example="FixMyStreet">Who uses the key.</param>
/// <param name="Jurisdiction" example="city.example">The only jurisdiction that requests with the key may name; null for any.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateOpen311KeyRequest(
    [property: Title(1, ApiKey.NameMax)] string Name,
    [property: Text(1, ApiKey.JurisdictionMax)] string? Jurisdiction = null);

/// <summary>An API key for Open311, without the key itself.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Name" example="FixMyStreet">Who uses the key.</param>
/// <param name="Jurisdiction" example="city.example">The only jurisdiction that requests with the key may name; null for any.</param>
/// <param name="Prefix" example="open311_0aB3xE">The first characters of the key.</param>
/// <param name="CreatedAt">When the key was created.</param>
/// <param name="LastUsedAt" example="null">When the key was last used, to the minute; null if it was not.</param>
/// <param name="RevokedAt" example="null">When the key was revoked; null while it is valid.</param>
internal sealed record Open311KeyResponse(
    Guid Id, string Name, string? Jurisdiction, string Prefix, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt);

/// <summary>A new API key for Open311.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Name" example="FixMyStreet">Who uses the key.</param>
/// <param name="Jurisdiction" example="city.example">The only jurisdiction that requests with the key may name; null for any.</param>
/// <param name="Prefix" example="open311_0aB3xE">The first characters of the key.</param>
/// <param name="CreatedAt">When the key was created.</param>
/// <param name="Key" example="open311_0aB3xEXAMPLEexampleEXAMPLEexampleEXAMPLEexa">The whole key. It is shown only here.</param>
internal sealed record CreatedOpen311KeyResponse(Guid Id, string Name, string? Jurisdiction, string Prefix, DateTimeOffset CreatedAt, string Key);

/// <summary>Admins manage the keys of Open311.</summary>
internal static class Keys
{
    public static void MapOpen311Keys(this IEndpointRouteBuilder endpoints)
    {
        var keys = endpoints.MapGroup("/api/v1/reports/open311/keys").WithTags("Open311").RequireAuthorization(Policies.Admin);
        keys.MapGet("/", ListAsync).WithName("ListOpen311Keys").WithSummary("List the API keys for Open311, newest first");

        // No Idempotency-Key: the stored answer would contain the key.
        keys.MapPost("/", CreateAsync).WithName("CreateOpen311Key").WithSummary("Create an API key for Open311");
        keys.MapDelete("/{id:guid}", RevokeAsync).WithName("RevokeOpen311Key").WithSummary("Revoke an API key for Open311").WithProblems(404, "not_found");
    }

    private static async Task<Results<Ok<Page<Open311KeyResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var keys = await database.Open311Keys.AsNoTracking().Where(key => page.Cursor == null || key.Id < before).OrderByDescending(key => key.Id).Take(page.Size + 1)
            .Select(key => new Open311KeyResponse(key.Id, key.Name, key.Jurisdiction, key.Prefix, key.CreatedAt, key.LastUsedAt, key.RevokedAt))
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(keys, page.Size, key => Cursor.Encode(key.Id)));
    }

    private static async Task<Created<CreatedOpen311KeyResponse>> CreateAsync(
        CreateOpen311KeyRequest request, ClaimsPrincipal user, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var (now, text) = (time.GetUtcNow(), ApiKey.NewKey());
        var key = new ApiKey
        {
            Id = Guid.CreateVersion7(now),
            Name = request.Name.Trim(),
            Jurisdiction = request.Jurisdiction?.Trim(),
            Prefix = text[..ApiKey.PrefixLength],
            Hash = ApiKey.HashOf(text),
            CreatedAt = now,
        };
        database.Open311Keys.Add(key);
        database.AuditValues(user.UserId, "created", "open311_key", key.Id, agency: null, new() { ["name"] = key.Name, ["jurisdiction"] = key.Jurisdiction }, now);
        await database.SaveChangesAsync(cancellationToken);
        return TypedResults.Created(
            $"/api/v1/reports/open311/keys/{key.Id}", new CreatedOpen311KeyResponse(key.Id, key.Name, key.Jurisdiction, key.Prefix, key.CreatedAt, text));
    }

    /// <summary>At once: each request reads its key.</summary>
    /// <param name="id">The key's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        Guid id, ClaimsPrincipal user, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await database.Open311Keys.Where(key => key.Id == id && key.RevokedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(key => key.RevokedAt, now), cancellationToken) == 0)
        {
            return Error.NotFound("API key not found.").ToProblem();
        }

        database.Audit(user.UserId, "revoked", "open311_key", id, agency: null, values: null, now);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
    }
}

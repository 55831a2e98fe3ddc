using System.Buffers.Text;
using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using System.Security.Cryptography;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.ApiKeys;

/// <param name="Scopes">Such as <c>reporting:read</c>.</param>
/// <param name="ExpiresAt">Without it the key is good until it is revoked.</param>
public sealed record CreateApiKeyRequest(
    [Required(ErrorMessage = "A name is needed."), StringLength(ApiKey.MaxNameLength)] string Name,
    [MaxLength(20)] string[] Scopes,
    DateTimeOffset? ExpiresAt = null);

/// <param name="Prefix">How the key begins.</param>
internal sealed record ApiKeyResponse(
    Guid Id, string Name, string Prefix, string[] Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

/// <param name="Key">Shown this once.</param>
internal sealed record CreatedApiKeyResponse(
    Guid Id, string Name, string Prefix, string[] Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, string Key);

/// <summary>A person's keys for programs of theirs.</summary>
internal static class ApiKeyEndpoints
{
    private const int MostKeys = 20;
    private const int KeyBytes = 32;
    private const string Path = "/api-keys";

    public static RouteGroupBuilder MapApiKeys(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(Path).WithTags("API keys").RequireAuthorization(Policies.Session);
        group.MapGet("/", ListAsync).WithName("ListApiKeys").WithSummary("The signed-in person's API keys that are not revoked");

        // Without Idempotency-Key: the stored answer would hold the key itself.
        group.MapPost("/", CreateAsync).WithName("CreateApiKey").WithSummary("Makes an API key, and shows it this once");
        group.MapDelete("/{id:guid}", RevokeAsync).WithName("RevokeApiKey").WithSummary("Ends an API key");
        return group;
    }

    private static async Task<Ok<Page<ApiKeyResponse>>> ListAsync(ClaimsPrincipal caller, AuthDbContext database, CancellationToken cancellationToken)
    {
        var userId = caller.UserId;
        var keys = await database.ApiKeys.Where(key => key.UserId == userId && key.RevokedAt == null).OrderByDescending(key => key.Id)
            .Select(key => new ApiKeyResponse(key.Id, key.Name, key.Prefix, key.Scopes, key.CreatedAt, key.ExpiresAt, key.LastUsedAt))
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<ApiKeyResponse>(keys, null));
    }

    private static async Task<Results<Created<CreatedApiKeyResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateApiKeyRequest request, ClaimsPrincipal caller, AuthDbContext database, AuditLog audit, TimeProvider time, HttpContext http, CancellationToken cancellationToken)
    {
        var scopes = request.Scopes.Distinct().Order(StringComparer.Ordinal).ToArray();
        if (scopes.Length == 0 || scopes.Except(Scopes.All).Any())
        {
            return Error.Field("scopes", $"One or more of {string.Join(", ", Scopes.All)}.");
        }

        var now = time.GetUtcNow();
        if (request.ExpiresAt <= now)
        {
            return Error.Field("expires_at", "This is over already.");
        }

        var userId = caller.UserId;
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // One at a time for each person, so that the count is exact; nobody is there any more where the account is deleted.
        if (await database.Database.SqlQuery<Guid>($"SELECT id AS \"Value\" FROM users WHERE id = {userId} FOR UPDATE").ToListAsync(cancellationToken) is [])
        {
            return Error.NotFound("This account is gone.").ToProblem();
        }

        if (await database.ApiKeys.CountAsync(key => key.UserId == userId && key.RevokedAt == null, cancellationToken) >= MostKeys)
        {
            return Error.Rule("too_many_api_keys", $"One person has at most {MostKeys} API keys: revoke one that is not used any more.").ToProblem();
        }

        var secret = ApiKey.Marker + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyBytes));
        var key = new ApiKey
        {
            Id = Guid.CreateVersion7(now),
            UserId = userId,
            Name = request.Name.Trim(),
            Prefix = secret[..ApiKey.PrefixLength],
            Hash = ApiKey.HashOf(secret),
            Scopes = scopes,
            CreatedAt = now,
            ExpiresAt = request.ExpiresAt?.ToUniversalTime(),
        };
        database.ApiKeys.Add(key);
        audit.Record(userId, AuditActions.ApiKeyCreated, new Dictionary<string, string> { ["api_key_id"] = key.Id.ToString(), ["scopes"] = string.Join(' ', scopes) });
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created(
            $"/api/v1/auth{Path}/{key.Id}", new CreatedApiKeyResponse(key.Id, key.Name, key.Prefix, key.Scopes, key.CreatedAt, key.ExpiresAt, secret));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        Guid id, ClaimsPrincipal caller, AuthDbContext database, AuditLog audit, TimeProvider time, CancellationToken cancellationToken)
    {
        var userId = caller.UserId;
        var now = time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var revoked = await database.ApiKeys.Where(key => key.Id == id && key.UserId == userId && key.RevokedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(key => key.RevokedAt, now), cancellationToken);
        if (revoked == 0)
        {
            return Error.NotFound("There is no such API key.").ToProblem();
        }

        audit.Record(userId, AuditActions.ApiKeyRevoked, new Dictionary<string, string> { ["api_key_id"] = id.ToString() });
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
    }
}

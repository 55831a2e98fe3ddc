using System.Buffers.Text;
using System.Security.Claims;
using System.Security.Cryptography;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.SignIn;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.ApiKeys;

/// <summary>A new API key.</summary>
/// <param name="Name" example="Till at the counter">A name for the list of keys.</param>
/// <param name="Scopes" example='["reporting:read"]'>What the key may do; at least one.</param>
/// <param name="Password" example="a long enough password">The current password: a stolen session alone must not leave a key behind.</param>
/// <param name="ExpiresAt" example="2027-11-20T08:30:00Z">When the key expires, in the future. Without it the key is valid until it is revoked.</param>
public sealed record CreateApiKeyRequest(
    [Identifier(ApiKey.MaxNameLength)] string Name,
    [Scopes, Values(typeof(Scopes))] string[] Scopes,
    [Text(1, PasswordAttribute.MaxLength)] string Password,
    DateTimeOffset? ExpiresAt = null);

/// <summary>An API key, without the key itself.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Name" example="Till at the counter">The name given at its creation.</param>
/// <param name="Prefix" example="kashif_0aB3x">The first characters of the key.</param>
/// <param name="Scopes" example='["reporting:read"]'>What the key may do.</param>
/// <param name="CreatedAt">When the key was created.</param>
/// <param name="ExpiresAt" example="2027-11-20T08:30:00Z">When the key expires; null if it does not.</param>
/// <param name="LastUsedAt" example="null">When the key was last used, to the minute; null if it was not.</param>
internal sealed record ApiKeyResponse(
    Guid Id, string Name, string Prefix, [property: Values(typeof(Scopes))] string[] Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

/// <summary>A new API key.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Name" example="Till at the counter">The name given at its creation.</param>
/// <param name="Prefix" example="kashif_0aB3x">The first characters of the key.</param>
/// <param name="Scopes" example='["reporting:read"]'>What the key may do.</param>
/// <param name="CreatedAt">When the key was created.</param>
/// <param name="ExpiresAt" example="2027-11-20T08:30:00Z">When the key expires; null if it does not.</param>
/// <param name="Key" example="kashif_0aB3xEXAMPLEexampleEXAMPLEexampleEXAMPLEex">The whole key. It is shown only here.</param>
internal sealed record CreatedApiKeyResponse(
    Guid Id, string Name, string Prefix, [property: Values(typeof(Scopes))] string[] Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, string Key);

/// <summary>Users manage their own API keys.</summary>
internal static class ApiKeyEndpoints
{
    private const int MostKeys = 20;
    private const int KeyBytes = 32;
    private const string Path = "/api-keys";

    public static RouteGroupBuilder MapApiKeys(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(Path).WithTags("API keys").RequireAuthorization(Policies.Session);
        group.MapGet("/", ListAsync).WithName("ListApiKeys").WithSummary("List my API keys");

        // No Idempotency-Key: the stored answer would contain the key.
        group.MapPost("/", CreateAsync).DisableValidation().WithName("CreateApiKey").WithSummary("Create an API key")
            .WithProblems(403, "email_not_verified").WithProblems(404, "not_found").WithProblems(409, "password_changed").WithProblems(422, "too_many_api_keys").WithPasswordProblems();
        group.MapDelete("/{id:guid}", RevokeAsync).WithName("RevokeApiKey").WithSummary("Revoke an API key");
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
        CreateApiKeyRequest request, ClaimsPrincipal caller, AuthDbContext database, PasswordLogin login, SecurityNotices notices, AuditLog audit, TimeProvider time,
        HttpContext http, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("expires_at", request.ExpiresAt <= now ? "Must be in the future." : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var scopes = request.Scopes.Distinct().Order(StringComparer.Ordinal).ToArray();
        var userId = caller.UserId;
        var confirmed = await login.ReauthenticateAsync(userId, request.Password, otp: null, cancellationToken);
        if (login.ErrorFor(confirmed) is { } refused)
        {
            return refused.ToProblem();
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // The user's row is locked so that parallel requests count exactly. It is missing after a deletion.
        var owners = await database.Users.FromSql($"SELECT * FROM users WHERE id = {userId} AND disabled_at IS NULL FOR UPDATE").AsNoTracking().ToListAsync(cancellationToken);
        if (owners is not [var owner])
        {
            return AccountProblems.Gone.ToProblem();
        }

        if (!owner.EmailConfirmed)
        {
            return EmailProblems.NotVerified.ToProblem();
        }

        // A reset or change meanwhile revoked the keys: this one must not survive it.
        if (owner.SecurityStamp != confirmed.Account?.SecurityStamp)
        {
            return PasswordProblems.PasswordChanged.ToProblem();
        }

        if (await database.ApiKeys.CountAsync(key => key.UserId == userId && key.RevokedAt == null, cancellationToken) >= MostKeys)
        {
            return Error.Rule("too_many_api_keys", Localized.Format($"You can have at most {MostKeys} API keys. Revoke one you no longer use.")).ToProblem();
        }

        var secret = ApiKey.Marker + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyBytes));
        var key = new ApiKey
        {
            Id = Guid.CreateVersion7(now),
            UserId = userId,
            Name = request.Name.Trim().Normalize(),
            Prefix = secret[..ApiKey.PrefixLength],
            Hash = ApiKey.HashOf(secret),
            Scopes = scopes,
            CreatedAt = now,
            ExpiresAt = request.ExpiresAt?.ToUniversalTime(),
        };
        database.ApiKeys.Add(key);
        audit.Record(userId, AuditActions.ApiKeyCreated, new Dictionary<string, string> { ["api_key_id"] = key.Id.ToString(), ["scopes"] = string.Join(' ', scopes) });
        await notices.AddAsync(userId, SecurityChanges.ApiKeyCreated, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created(
            $"/api/v1/auth{Path}/{key.Id}", new CreatedApiKeyResponse(key.Id, key.Name, key.Prefix, key.Scopes, key.CreatedAt, key.ExpiresAt, secret));
    }

    /// <param name="id">The key's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        Guid id, ClaimsPrincipal caller, AuthDbContext database, ApiKeyRevocation keys, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (!await keys.RevokeAsync(caller.UserId, id, cancellationToken))
        {
            return Error.NotFound("API key not found.").ToProblem();
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
    }
}

using Kashif.Auth.Data;
using Kashif.Auth.Tokens;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.ApiKeys;

public sealed record ExchangeApiKeyRequest([Text(1, ApiKey.MaxKeyLength)] string Key);

/// <summary>The gateway exchanges an API key for an access token here, so no other service sees a key.</summary>
internal static class ApiKeyExchange
{
    /// <summary>The resolution of <see cref="ApiKey.LastUsedAt"/>: at most one write a minute for each key.</summary>
    private static readonly TimeSpan LastUseStep = TimeSpan.FromMinutes(1);

    public static void MapApiKeyExchange(this IEndpointRouteBuilder endpoints) => endpoints.MapPost("/internal/v1/api-keys/exchange", ExchangeAsync)
        .RequireAuthorization(ServiceScopes.ExchangeApiKeys).ExcludeFromDescription()
        .WithName("ExchangeApiKey").WithSummary("Exchange an API key for a short-lived access token");

    private static async Task<Results<Ok<TokenResponse>, ProblemHttpResult>> ExchangeAsync(
        ExchangeApiKeyRequest request, AuthDbContext database, AccessTokens tokens, TimeProvider time, HttpContext http, CancellationToken cancellationToken)
    {
        http.Response.Headers.CacheControl = "no-store";
        var now = time.GetUtcNow();
        var hash = ApiKey.HashOf(request.Key);
        var found = await (
            from key in database.ApiKeys.AsNoTracking()
            join user in database.Users on key.UserId equals user.Id
            where key.Hash == hash && key.RevokedAt == null && (key.ExpiresAt == null || key.ExpiresAt > now) && user.DisabledAt == null
            select new { Key = key, user.Roles }).SingleOrDefaultAsync(cancellationToken);
        if (found is null)
        {
            // Not a 401, which would mean that the gateway's own token is invalid.
            return Error.NotFound("This API key is unknown, expired or revoked.").ToProblem();
        }

        if (found.Key.LastUsedAt is null || found.Key.LastUsedAt < now - LastUseStep)
        {
            await database.ApiKeys.Where(key => key.Id == found.Key.Id).ExecuteUpdateAsync(set => set.SetProperty(key => key.LastUsedAt, now), cancellationToken);
        }

        return TypedResults.Ok(tokens.ForApiKey(found.Key.Id, found.Key.UserId, found.Roles, found.Key.Scopes));
    }
}

using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Tokens;

/// <summary>A JSON Web Key Set (RFC 7517).</summary>
internal sealed record JwksResponse(IReadOnlyList<JwksKey> Keys);

/// <summary>A public elliptic curve key (RFC 7518 section 6.2.1).</summary>
internal sealed record JwksKey(string Kty, string Use, string Alg, string Crv, string Kid, string X, string Y);

/// <summary>RFC 8414 and OpenID Connect Discovery 1.0: the members that apply to Auth.</summary>
internal sealed record DiscoveryResponse(
    string Issuer,
    string JwksUri,
    string TokenEndpoint,
    string UserinfoEndpoint,
    string[] GrantTypesSupported,
    string[] TokenEndpointAuthMethodsSupported,
    string[] ResponseTypesSupported,
    string[] SubjectTypesSupported,
    string[] IdTokenSigningAlgValuesSupported);

internal static class Discovery
{
    /// <summary>How old the keys in an answer may be; another replica may have rotated them.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    public static RouteGroupBuilder MapDiscovery(this IEndpointRouteBuilder endpoints)
    {
        var maxAge = endpoints.ServiceProvider.GetRequiredService<IOptions<AuthOptions>>().Value.KeyRotation.JwksMaxAge;
        var group = endpoints.MapGroup("/.well-known").WithTags("Discovery").AllowAnonymous();
        group.MapGet("/jwks.json", JwksAsync).WithName("GetJwks").WithSummary("Get the public keys for access tokens (JWKS)").WithPublicCache(maxAge);
        group.MapGet("/openid-configuration", Document).WithName("GetDiscovery").WithSummary("Get the OpenID discovery document").WithPublicCache(maxAge);
        return group;
    }

    private static async Task<Ok<JwksResponse>> JwksAsync(SigningKeyCache keys, CancellationToken cancellationToken)
    {
        await keys.TryRefreshAsync(Freshness, cancellationToken); // without the database, the keys in memory are returned
        return TypedResults.Ok(keys.Published);
    }

    private static Ok<DiscoveryResponse> Document(IOptions<AuthOptions> options)
    {
        var issuer = options.Value.Issuer;
        return TypedResults.Ok(new DiscoveryResponse(
            issuer,
            $"{issuer}/.well-known/jwks.json",
            $"{issuer}/token",
            $"{issuer}/me",
            [GrantTypes.Password, GrantTypes.ClientCredentials],
            ["none", "client_secret_post"],
            ["token"],
            ["public"],
            ["ES256"]));
    }
}

using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Tokens;

/// <summary>RFC 8414 and OpenID Connect Discovery 1.0: the members that apply to Auth.</summary>
/// <param name="Issuer" example="http://localhost:8000/api/v1/auth">The issuer of all access tokens.</param>
/// <param name="JwksUri" example="http://localhost:8000/api/v1/auth/.well-known/jwks.json">The address of the public keys.</param>
/// <param name="TokenEndpoint" example="http://localhost:8000/api/v1/auth/token">The address to log in at.</param>
/// <param name="UserinfoEndpoint" example="http://localhost:8000/api/v1/auth/me">The address of the caller's account.</param>
/// <param name="GrantTypesSupported" example='["password", "client_credentials"]'>The grants of the token endpoint.</param>
/// <param name="TokenEndpointAuthMethodsSupported" example='["none", "client_secret_post"]'>How clients prove themselves at the token endpoint.</param>
/// <param name="ResponseTypesSupported" example='["token"]'>The response types.</param>
/// <param name="SubjectTypesSupported" example='["public"]'>The subject types.</param>
/// <param name="IdTokenSigningAlgValuesSupported" example='["ES256"]'>The algorithms of signatures.</param>
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
        // Read at each request, not here: the command `migrate` runs without Auth's settings.
        var options = endpoints.ServiceProvider.GetRequiredService<IOptions<AuthOptions>>();
        var group = endpoints.MapGroup("/.well-known").WithTags("Discovery").AllowAnonymous();
        group.MapGet("/jwks.json", JwksAsync).WithName("GetJwks").WithSummary("Get the public keys for access tokens (JWKS)").WithPublicCache(() => options.Value.KeyRotation.JwksMaxAge);
        group.MapGet("/openid-configuration", Document).WithName("GetDiscovery").WithSummary("Get the OpenID discovery document").WithPublicCache(() => options.Value.KeyRotation.JwksMaxAge);
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

using System.Security.Cryptography;
using System.Text.Json.Serialization;
using System.Text;
using Kashif.Auth.Sessions;
using Kashif.Auth.SignIn;
using Kashif.Http;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Tokens;

/// <summary>The token response of RFC 6749 section 5.1.</summary>
/// <param name="AccessToken" example="eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl">The access token, a JWT. Send it as <c>Authorization: Bearer …</c>.</param>
/// <param name="RefreshToken" example="dGhpcyBpcyBubyB0b2tlbg">Returns the next tokens at <c>POST /refresh</c>, once. Missing in the answer to a service.</param>
/// <param name="ExpiresIn" example="900">The lifetime of the access token in seconds.</param>
internal sealed record TokenResponse(
    string AccessToken,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RefreshToken,
    int ExpiresIn)
{
    /// <summary>
    /// Only in the answer to a login: keep it on the device, also after a logout, and send it with the next login there.
    /// </summary>
    /// <example>AZrl0rF2cX6x0b4p</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DeviceToken { get; init; }

    /// <summary>Always <c>bearer</c>.</summary>
    /// <example>bearer</example>
    public string TokenType => "bearer";
}

/// <summary>A refresh token to use.</summary>
/// <param name="RefreshToken" example="dGhpcyBpcyBubyB0b2tlbg">The last refresh token of the session.</param>
public sealed record RefreshRequest([Text(SessionTokens.MaxTokenLength)] string RefreshToken);

internal static class TokenEndpoints
{
    public static RouteGroupBuilder MapTokens(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Tokens").AllowAnonymous().WithNoStore();

        group.MapPost("/token", TokenAsync).WithName("CreateToken").WithSummary("Log in: get an access token and a refresh token")
            .WithDescription("OAuth 2 form: the password grant for users, the client_credentials grant for services. "
                + "Errors also have the OAuth members `error` and `error_description` (RFC 6749 section 5.2).")
            .Accepts<TokenRequest>("application/x-www-form-urlencoded")
            .WithProblems(400, "unsupported_grant_type").WithProblems(401, "invalid_credentials", "mfa_required", "invalid_otp")
            .WithProblems(429, "too_many_attempts");
        group.MapPost("/refresh", RefreshAsync).WithName("RefreshToken").WithSummary("Refresh an access token")
            .WithDescription("Each refresh token works once and returns the next one.")
            .WithProblems(401, "invalid_token");
        return group;
    }

    /// <summary>Keeps answers with secrets out of caches (RFC 6749 section 5.1).</summary>
    public static RouteGroupBuilder WithNoStore(this RouteGroupBuilder group) => group.AddEndpointFilter((invocation, next) =>
    {
        invocation.HttpContext.Response.Headers.CacheControl = "no-store";
        return next(invocation);
    });

    private static async Task<Results<Ok<TokenResponse>, ValidationProblem, ProblemHttpResult>> TokenAsync(
        TokenRequest request, PasswordLogin login, AccessTokens tokens, IOptions<AuthOptions> options, CancellationToken cancellationToken) => request.GrantType switch
        {
            "" or GrantTypes.Password => await PasswordGrant.SignInAsync(request, login, tokens, cancellationToken),
            GrantTypes.ClientCredentials => ClientCredentials(request, tokens, options.Value),
            _ => OAuthProblem.Of(StatusCodes.Status400BadRequest, "unsupported_grant_type", "unsupported_grant_type",
                "The grant_type must be password or client_credentials."),
        };

    private static Results<Ok<TokenResponse>, ValidationProblem, ProblemHttpResult> ClientCredentials(TokenRequest request, AccessTokens tokens, AuthOptions options)
    {
        if (request.ClientId.Length == 0 || request.ClientSecret.Length == 0)
        {
            return OAuthProblem.MissingFields((TokenRequest.ClientIdField, request.ClientId), (TokenRequest.ClientSecretField, request.ClientSecret));
        }

        return FindClient(options, request.ClientId, request.ClientSecret) is { } client
            ? TypedResults.Ok(tokens.ForService(request.ClientId, client.ScopeList))
            : OAuthProblem.Of(StatusCodes.Status401Unauthorized, "invalid_credentials", "invalid_client", "The client id or client secret is wrong.");
    }

    private static async Task<Results<Ok<TokenResponse>, ProblemHttpResult>> RefreshAsync(
        RefreshRequest request, SessionTokens sessions, AccessTokens tokens, CancellationToken cancellationToken) =>
        await sessions.RotateAsync(request.RefreshToken, cancellationToken) is { } rotated
            ? TypedResults.Ok(tokens.ForUser(rotated.UserId, rotated.Roles, rotated.SessionId, rotated.RefreshToken))
            : new Error(StatusCodes.Status401Unauthorized, "invalid_token", "This refresh token is invalid, expired or already used. Log in again.").ToProblem();

    private static ServiceClient? FindClient(AuthOptions options, string id, string secret)
    {
        var client = options.ServiceClients.GetValueOrDefault(id);

        // Hashed first, so that the comparison takes the same time for any length.
        var equal = CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(secret)), SHA256.HashData(Encoding.UTF8.GetBytes(client?.Secret ?? "")));
        return equal ? client : null;
    }
}

using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Kashif.Auth.Sessions;
using Kashif.Auth.SignIn;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Tokens;

/// <summary>RFC 6749 section 5.1.</summary>
/// <param name="RefreshToken">Absent in a service's answer.</param>
/// <param name="ExpiresIn">Seconds.</param>
internal sealed record TokenResponse(
    string AccessToken,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RefreshToken,
    int ExpiresIn)
{
    public string TokenType => "bearer";
}

public sealed record RefreshRequest([StringLength(SessionTokens.MaxTokenLength)] string RefreshToken);

internal static class TokenEndpoints
{
    public static RouteGroupBuilder MapTokens(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Tokens").AllowAnonymous().WithoutStore();

        group.MapPost("/token", TokenAsync).WithName("CreateToken").WithSummary("Signs in: OAuth 2 password form, or client credentials for services")
            .Accepts<TokenRequest>("application/x-www-form-urlencoded").ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status429TooManyRequests).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapPost("/refresh", RefreshAsync).WithName("RefreshToken").WithSummary("Exchanges a refresh token, once, for new tokens")
            .ProducesProblem(StatusCodes.Status401Unauthorized);
        return group;
    }

    /// <summary>Keeps answers that hold secrets out of caches (RFC 6749 section 5.1).</summary>
    public static RouteGroupBuilder WithoutStore(this RouteGroupBuilder group) => group.AddEndpointFilter((invocation, next) =>
    {
        invocation.HttpContext.Response.Headers.CacheControl = "no-store";
        return next(invocation);
    });

    private static async Task<Results<Ok<TokenResponse>, ValidationProblem, ProblemHttpResult>> TokenAsync(
        TokenRequest request, PasswordLogin login, SessionTokens sessions, AccessTokens tokens, IOptions<AuthOptions> options, HttpContext http, CancellationToken cancellationToken)
    {
        switch (request)
        {
            case { GrantType: "" or GrantTypes.Password, Username: not "", Password: not "" }:
                var result = await login.FindAsync(request.Username, request.Password, request.Otp, cancellationToken);
                if (result.Account is not { } account)
                {
                    return result.Outcome is LoginOutcome.TooMany && login.Refusal(result) is { } tooMany ? tooMany.ToProblem() : Refuse(result.Outcome);
                }

                var (session, refreshToken) = await sessions.OpenAsync(account.Id, http, cancellationToken);
                await login.SucceedAsync(result, request.Password, cancellationToken);
                return TypedResults.Ok(tokens.ForUser(account.Id, account.Roles, session, refreshToken));

            case { GrantType: "" or GrantTypes.Password }:
                return Missing((TokenRequest.UsernameField, request.Username), (TokenRequest.PasswordField, request.Password));

            case { GrantType: GrantTypes.ClientCredentials, ClientId: not "", ClientSecret: not "" }:
                return IsClient(options.Value, request.ClientId, request.ClientSecret)
                    ? TypedResults.Ok(tokens.ForService(request.ClientId))
                    : OAuthError(StatusCodes.Status401Unauthorized, "invalid_credentials", "invalid_client", "The client id or its secret is wrong.");

            case { GrantType: GrantTypes.ClientCredentials }:
                return Missing((TokenRequest.ClientIdField, request.ClientId), (TokenRequest.ClientSecretField, request.ClientSecret));

            default:
                return OAuthError(StatusCodes.Status400BadRequest, "unsupported_grant_type", "unsupported_grant_type",
                    $"grant_type is {GrantTypes.Password} or {GrantTypes.ClientCredentials}.");
        }
    }

    private static ProblemHttpResult Refuse(LoginOutcome outcome) => outcome switch
    {
        LoginOutcome.OtpMissing => OAuthError(StatusCodes.Status401Unauthorized, "mfa_required", "invalid_grant",
            "This account asks for a code of its authenticator app, or a recovery code: send it as otp."),
        LoginOutcome.OtpWrong => OAuthError(StatusCodes.Status401Unauthorized, "invalid_otp", "invalid_grant",
            "This code is wrong, was used already, or is too old."),
        _ => OAuthError(StatusCodes.Status401Unauthorized, "invalid_credentials", "invalid_grant",
            "The e-mail address or the password is wrong, or there were too many attempts; then try again in some minutes."),
    };

    private static async Task<Results<Ok<TokenResponse>, ProblemHttpResult>> RefreshAsync(
        RefreshRequest request, SessionTokens sessions, AccessTokens tokens, CancellationToken cancellationToken) =>
        await sessions.RotateAsync(request.RefreshToken, cancellationToken) is { } rotated
            ? TypedResults.Ok(tokens.ForUser(rotated.UserId, rotated.Roles, rotated.SessionId, rotated.RefreshToken))
            : new Error(StatusCodes.Status401Unauthorized, "invalid_token", "This refresh token is not valid (any more): sign in again.").ToProblem();

    private static ValidationProblem Missing(params (string Name, string Value)[] fields) => TypedResults.ValidationProblem(
        fields.Where(field => field.Value.Length == 0).ToDictionary(field => field.Name, _ => new[] { "This field is required." }));

    private static bool IsClient(AuthOptions options, string id, string secret)
    {
        var known = options.ServiceClients.TryGetValue(id, out var expected);

        // Hashed first: comparing takes the same time whatever the lengths.
        var equal = CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(secret)), SHA256.HashData(Encoding.UTF8.GetBytes(expected ?? "")));
        return known && equal;
    }

    /// <summary>A problem that OAuth clients understand too (RFC 6749 section 5.2).</summary>
    private static ProblemHttpResult OAuthError(int status, string code, string error, string detail) => TypedResults.Problem(
        detail, statusCode: status, extensions: [new("code", code), new("error", error), new("error_description", detail)]);
}

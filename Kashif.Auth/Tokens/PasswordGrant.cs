using Kashif.Auth.SignIn;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Auth.Tokens;

/// <summary>The password grant of <c>POST /token</c> (RFC 6749 section 4.3).</summary>
internal static class PasswordGrant
{
    public static async Task<Results<Ok<TokenResponse>, ValidationProblem, ProblemHttpResult>> SignInAsync(
        TokenRequest request, PasswordLogin login, AccessTokens tokens, CancellationToken cancellationToken)
    {
        if (request.Username.Length == 0 || request.Password.Length == 0)
        {
            return OAuthProblem.MissingFields((TokenRequest.UsernameField, request.Username), (TokenRequest.PasswordField, request.Password));
        }

        var result = await login.SignInAsync(request.Username, request.Password, request.Otp, request.DeviceToken, cancellationToken);
        return result switch
        {
            { Account: { } account, Session: { } session } => TypedResults.Ok(
                tokens.ForUser(account.Id, account.Roles, session.Id, session.RefreshToken) with { DeviceToken = result.DeviceToken }),
            { Outcome: LoginOutcome.TooManyAttempts } when login.ErrorFor(result) is { } error => error.ToProblem(),
            { Outcome: LoginOutcome.OtpMissing } => Refuse("mfa_required",
                "This account needs a second factor: send a code from the authenticator app, or a recovery code, as otp."),
            { Outcome: LoginOutcome.OtpWrong } => Refuse("invalid_otp", "The code is wrong, expired or already used."),
            _ => Refuse("invalid_credentials",
                "The e-mail address or password is wrong, or the account is locked after too many attempts. Try again in a few minutes."),
        };
    }

    private static ProblemHttpResult Refuse(string code, string detail) => OAuthProblem.Of(StatusCodes.Status401Unauthorized, code, "invalid_grant", detail);
}

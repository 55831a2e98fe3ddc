using System.Security.Claims;
using Kashif.Auth.Data;
using Kashif.Auth.SignIn;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Auth.EmailLinks;

/// <summary>A link to verify an e-mail address.</summary>
/// <param name="Token" example="u3o4EXAMPLEexampleEXAMPLE">The token in the link of the e-mail, after `#token=`.</param>
/// <param name="Password" example="a long enough password">The password of the account. Not needed with the access token of a session of the account.</param>
public sealed record VerifyEmailRequest(
    [Text(EmailTokens.MaxTokenLength)] string Token,
    [Text(PasswordAttribute.MaxLength)] string? Password = null);

/// <summary>The account whose password is forgotten.</summary>
/// <param name="Email" example="amina@example.org">The address of the account, at most 254 characters.</param>
public sealed record ForgotPasswordRequest([AccountEmail] string Email);

/// <summary>A link to reset a password, and the new one.</summary>
/// <param name="Token" example="u3o4EXAMPLEexampleEXAMPLE">The token in the link of the e-mail, after `#token=`.</param>
/// <param name="NewPassword" example="an even longer password">8 to 256 characters, and not a common password.</param>
public sealed record ResetPasswordRequest([Text(EmailTokens.MaxTokenLength)] string Token, [Password] string NewPassword);

/// <summary>Address verification and password reset, by links that are sent by e-mail.</summary>
internal static class EmailLinkEndpoints
{
    public static RouteGroupBuilder MapEmailLinks(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Accounts").RequireAuthorization(Policies.Session);
        group.MapPost("/email/verify", VerifyAsync).WithName("VerifyEmail").WithSummary("Verify an e-mail address")
            .WithDescription("Needs the access token of a session of the account, or its password: the owner of the mailbox may not be the person who registered. A link to a new address makes it the account's address.")
            .WithProblems(403, "password_required").WithProblems(409, "email_taken").WithProblems(422, "invalid_token").WithPasswordProblems().AllowAnonymous();
        group.MapPost("/email/verify/resend", ResendAsync).WithName("ResendVerification").WithSummary("Resend my verification e-mail")
            .WithDescription($"Goes to the new address if a change is waiting. Sends at most {EmailTokens.MaxPerHour} e-mails an hour, and none to a verified address. The answer is always 202.");
        group.MapPost("/password/forgot", Forgot).WithName("ForgotPassword").WithSummary("Request a password reset e-mail")
            .WithDescription("The answer is the same for unknown addresses.")
            .WithProblems(503, "busy").AllowAnonymous();
        group.MapPost("/password/reset", ResetAsync).WithName("ResetPassword").WithSummary("Reset a password with an e-mailed link")
            .WithDescription("Ends all sessions of the account, revokes its API keys and cancels a change of its address. If the address was not verified, it is now, and an authenticator app is removed.")
            .WithProblems(422, "invalid_token").AllowAnonymous();
        return group;
    }

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> VerifyAsync(
        VerifyEmailRequest request, ClaimsPrincipal caller, EmailTokens tokens, PasswordLogin login, EmailVerification verification, CancellationToken cancellationToken)
    {
        if (await tokens.FindUserAsync(request.Token, EmailTokenPurpose.VerifyEmail, cancellationToken) is not { } userId)
        {
            return EmailProblems.InvalidToken.ToProblem();
        }

        if (caller.SessionId is null || caller.UserIdOrNull != userId)
        {
            if (request.Password is not { Length: > 0 } password)
            {
                return EmailProblems.PasswordRequired.ToProblem();
            }

            if (login.ErrorFor(await login.ReauthenticateAsync(userId, password, otp: null, cancellationToken)) is { } refused)
            {
                return refused.ToProblem();
            }
        }

        return await verification.UseAsync(request.Token, cancellationToken) is { } error ? error.ToProblem() : TypedResults.NoContent();
    }

    private static async Task<Accepted> ResendAsync(
        ClaimsPrincipal caller, EmailTokens tokens, AuthDbContext database, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await tokens.LockAsync(caller.UserId, cancellationToken) is { } user
            && (user.PendingEmail ?? (user.EmailConfirmed ? null : user.Email)) is { } email
            && await tokens.MaySendAsync(user.Id, email, EmailTokenPurpose.VerifyEmail, cancellationToken))
        {
            tokens.AddVerification(user.Id, email, user.Language);
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        return TypedResults.Accepted((string?)null);
    }

    private static Results<Accepted, ValidationProblem, ProblemHttpResult> Forgot(
        ForgotPasswordRequest request, PasswordResetQueue forgotten, HttpContext http) =>
        forgotten.TryEnqueue(request.Email, http)
            ? TypedResults.Accepted((string?)null)
            : Error.Unavailable("busy", "Too many password resets are waiting. Try again in a minute.").ToProblem();

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> ResetAsync(
        ResetPasswordRequest request, PasswordReset reset, CancellationToken cancellationToken) =>
        await reset.UseAsync(request.Token, request.NewPassword, cancellationToken) is { } error ? error.ToProblem() : TypedResults.NoContent();
}

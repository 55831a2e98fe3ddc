using System.Security.Claims;
using Kashif.Auth.ApiKeys;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Sessions;
using Kashif.Auth.SignIn;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.EmailLinks;

/// <summary>A link to verify an e-mail address.</summary>
/// <param name="Token" example="u3o4EXAMPLEexampleEXAMPLE">The token in the link of the e-mail, after `#token=`.</param>
public sealed record VerifyEmailRequest([Text(EmailTokens.MaxTokenLength)] string Token);

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
    private static readonly Error InvalidToken = Error.Rule(
        "invalid_token", "This link is invalid, expired or already used. Request a new one.");

    public static RouteGroupBuilder MapEmailLinks(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Accounts").RequireAuthorization(Policies.Session);
        group.MapPost("/email/verify", VerifyAsync).WithName("VerifyEmail").WithSummary("Verify an e-mail address")
            .WithDescription("A link to a new address makes it the account's address.")
            .WithProblems(409, "email_taken").WithProblems(422, "invalid_token").AllowAnonymous();
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
        VerifyEmailRequest request, EmailTokens tokens, AuthDbContext database, SecurityNotices notices, AuditLog audit, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await tokens.UseAsync(request.Token, EmailTokenPurpose.VerifyEmail, cancellationToken) is not { } link)
        {
            return InvalidToken.ToProblem();
        }

        var user = await database.Users.SingleAsync(user => user.Id == link.UserId, cancellationToken);
        if (link.Email == user.Email)
        {
            user.EmailConfirmed = true;
            audit.Record(user.Id, AuditActions.EmailVerified);
        }
        else
        {
            // Only now, to the owner of the address: the request for the change answers alike for a taken one.
            var normalized = EmailAddress.Normalize(link.Email);
            await database.LockEmailAsync(normalized, cancellationToken);
            if (await database.Users.AnyAsync(other => other.NormalizedEmail == normalized && other.Id != user.Id, cancellationToken))
            {
                return EmailProblems.Taken.ToProblem();
            }

            await notices.AddAsync(user.Id, SecurityChanges.EmailChanged, cancellationToken); // to the former address
            await tokens.InvalidateAllAsync(user.Id, cancellationToken);
            user.Email = link.Email;
            user.NormalizedEmail = normalized;
            user.EmailConfirmed = true;
            user.PendingEmail = null;
            audit.Record(user.Id, AuditActions.EmailChanged);
        }

        database.Publish(user.ToUpdated(), time.GetUtcNow());
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
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
        ResetPasswordRequest request, EmailTokens tokens, PasswordHashing hashing, SessionTokens sessions, ApiKeyRevocation keys, SecondFactor factor, AuthDbContext database, SecurityNotices notices, AuditLog audit,
        LoginThrottle throttle, HttpContext http, TimeProvider time, CancellationToken cancellationToken)
    {
        // Checked here and again in the transaction: hashing is too slow for a transaction, and an invalid token must not cost a hash.
        if (!await tokens.IsGoodAsync(request.Token, EmailTokenPurpose.ResetPassword, cancellationToken))
        {
            return InvalidToken.ToProblem();
        }

        var hash = await hashing.HashAsync(request.NewPassword, cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await tokens.UseAsync(request.Token, EmailTokenPurpose.ResetPassword, cancellationToken) is not { UserId: var id })
        {
            return InvalidToken.ToProblem();
        }

        var wasVerified = await database.Users.Where(user => user.Id == id).Select(user => user.EmailConfirmed).SingleAsync(cancellationToken);
        var stamp = User.NewSecurityStamp(time);
        await database.Users.Where(user => user.Id == id).ExecuteUpdateAsync(
            set => set
                .SetProperty(user => user.PasswordHash, hash)
                .SetProperty(user => user.SecurityStamp, stamp)
                .SetProperty(user => user.EmailConfirmed, true)
                .SetProperty(user => user.PendingEmail, (string?)null)
                .SetProperty(user => user.AccessFailedCount, 0)
                .SetProperty(user => user.LockoutEnd, (DateTimeOffset?)null),
            cancellationToken);
        await sessions.CloseAllAsync(id, cancellationToken);
        await keys.RevokeAllAsync(id, cancellationToken);
        audit.Record(id, AuditActions.PasswordReset, wasVerified ? null : new Dictionary<string, string> { ["started_anew"] = "true" });
        if (!wasVerified)
        {
            // The link proves who owns the address. Another person may have registered it and added the second factor.
            await factor.ForgetAsync(id, cancellationToken);
            audit.Record(id, AuditActions.EmailVerified);
            database.Publish((await database.Users.AsNoTracking().SingleAsync(user => user.Id == id, cancellationToken)).ToUpdated(), time.GetUtcNow());
        }

        await notices.AddAsync(id, SecurityChanges.PasswordChanged, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        var email = await database.Users.Where(user => user.Id == id).Select(user => user.NormalizedEmail).SingleAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await throttle.ForgetAsync(email, http.Connection.RemoteIpAddress);
        return TypedResults.NoContent();
    }
}

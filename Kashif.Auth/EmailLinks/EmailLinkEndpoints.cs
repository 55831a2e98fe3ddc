using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Kashif.Auth.Accounts;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Sessions;
using Kashif.Auth.SignIn;
using Kashif.Http;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.EmailLinks;

/// <param name="Token">From the link that was sent.</param>
public sealed record VerifyEmailRequest([StringLength(EmailTokens.MaxTokenLength)] string Token);

public sealed record ForgotPasswordRequest([Email] string Email);

/// <param name="Token">From the link that was sent.</param>
public sealed record ResetPasswordRequest([StringLength(EmailTokens.MaxTokenLength)] string Token, [Password] string NewPassword);

/// <summary>What is settled by a link that goes to the person's address.</summary>
internal static class EmailLinkEndpoints
{
    private static readonly Error InvalidToken = Error.Rule(
        "invalid_token", "This link is not valid (any more): it was used, or is too old. Ask for a new one.");

    public static RouteGroupBuilder MapEmailLinks(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Accounts").RequireAuthorization(Policies.Session);
        group.MapPost("/email/verify", VerifyAsync).WithName("VerifyEmail").WithSummary("Proves that the person reads mail to their address")
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity).AllowAnonymous();
        group.MapPost("/email/verify/resend", ResendAsync).WithName("ResendVerification").WithSummary("Sends the signed-in person's link again, a few times an hour");
        group.MapPost("/password/forgot", Forgot).WithName("ForgotPassword").WithSummary("Sends a link for a new password where there is such an account")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable).AllowAnonymous();
        group.MapPost("/password/reset", ResetAsync).WithName("ResetPassword").WithSummary("Sets a new password by such a link, and ends all sessions")
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity).AllowAnonymous();
        return group;
    }

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> VerifyAsync(
        VerifyEmailRequest request, EmailTokens tokens, AuthDbContext database, AuditLog audit, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await tokens.UseAsync(request.Token, EmailTokenPurpose.VerifyEmail, cancellationToken) is not { } id)
        {
            return InvalidToken.ToProblem();
        }

        await database.Users.Where(user => user.Id == id).ExecuteUpdateAsync(set => set.SetProperty(user => user.EmailConfirmed, true), cancellationToken);
        var verified = await database.Users.AsNoTracking().SingleAsync(user => user.Id == id, cancellationToken);
        database.Publish(verified.ToUpdated(), time.GetUtcNow());
        audit.Record(id, AuditActions.EmailVerified);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Accepted> ResendAsync(
        ClaimsPrincipal caller, EmailTokens tokens, AuthDbContext database, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await tokens.LockAsync(caller.UserId, EmailTokenPurpose.VerifyEmail, cancellationToken) is { EmailConfirmed: false } user)
        {
            tokens.AskToVerify(user.Id, user.Email, user.Language);
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        return TypedResults.Accepted((string?)null);
    }

    private static Results<Accepted, ValidationProblem, ProblemHttpResult> Forgot(
        ForgotPasswordRequest request, PasswordResetQueue forgotten, HttpContext http) =>
        forgotten.TryEnqueue(request.Email, http)
            ? TypedResults.Accepted((string?)null)
            : Error.Unavailable("busy", "Too many people have forgotten their passwords just now; try again in a minute.").ToProblem();

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> ResetAsync(
        ResetPasswordRequest request, EmailTokens tokens, PasswordHashing hashing, SessionTokens sessions, AuthDbContext database, AuditLog audit,
        LoginThrottle throttle, HttpContext http, TimeProvider time, CancellationToken cancellationToken)
    {
        // Asked twice: nobody may have passwords hashed for nothing, and hashing takes too long for a transaction.
        if (!await tokens.IsGoodAsync(request.Token, EmailTokenPurpose.ResetPassword, cancellationToken))
        {
            return InvalidToken.ToProblem();
        }

        var hash = await hashing.HashAsync(request.NewPassword, cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await tokens.UseAsync(request.Token, EmailTokenPurpose.ResetPassword, cancellationToken) is not { } id)
        {
            return InvalidToken.ToProblem();
        }

        var stamp = User.NewSecurityStamp(time);
        await database.Users.Where(user => user.Id == id).ExecuteUpdateAsync(
            set => set
                .SetProperty(user => user.PasswordHash, hash)
                .SetProperty(user => user.SecurityStamp, stamp)
                .SetProperty(user => user.AccessFailedCount, 0)
                .SetProperty(user => user.LockoutEnd, (DateTimeOffset?)null),
            cancellationToken);
        await sessions.CloseAllAsync(id, cancellationToken);
        audit.Record(id, AuditActions.PasswordReset);
        await database.SaveChangesAsync(cancellationToken);
        var email = await database.Users.Where(user => user.Id == id).Select(user => user.NormalizedEmail).SingleAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await throttle.ForgetAsync(email, http.Connection.RemoteIpAddress);
        return TypedResults.NoContent();
    }
}

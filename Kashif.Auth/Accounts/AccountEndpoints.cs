using System.Globalization;
using System.Security.Claims;
using Kashif.Auth.Customers;
using Kashif.Auth.Data;
using Kashif.Auth.EmailLinks;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Accounts;

/// <param name="Email" example="amina@example.org">The address to sign in with, at most 254 characters. Upper and lower case are the same account. A link to verify it is sent there.</param>
/// <param name="Password" example="a long enough password">8 to 256 characters, and not a common password.</param>
/// <param name="FullName" example="Amina Haddad">The name that other people see.</param>
/// <param name="Phone" example="+963 11 123 4567">Digits with optional spaces, brackets, dots, hyphens and a leading plus.</param>
public sealed record RegisterRequest(
    [Email] string Email,
    [Password] string Password,
    [Name(User.MaxNameLength)] string FullName,
    [PhoneNumber] string? Phone = null);

internal static class AccountEndpoints
{
    public static RouteGroupBuilder MapAccounts(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Accounts").RequireAuthorization();
        group.MapPost("/register", RegisterAsync).WithName("Register").WithSummary("Register an account")
            .WithDescription("If customer service has made an account for the address, the answer is 409 `email_taken` too, and a link to take that account over is sent there.")
            .WithProblems(409, "email_taken").AllowAnonymous().WithIdempotency();
        group.MapGet("/me", MeAsync).WithName("GetMe").WithSummary("Get my account").WithProblems(404, "not_found");
        return group;
    }

    private static async Task<Results<Created<UserResponse>, ValidationProblem, ProblemHttpResult>> RegisterAsync(
        RegisterRequest request, Registration registration, EmailTokens tokens, Invitations invitations, AuthDbContext database, UnitOfWork work,
        CancellationToken cancellationToken)
    {
        var user = await registration.AddAsync(
            request.Email, request.Password, request.FullName, request.Phone, CultureInfo.CurrentUICulture.Name, [Roles.Citizen], cancellationToken);

        // After the password is hashed, which takes long.
        await using var transaction = await work.BeginAsync(cancellationToken);
        var normalized = EmailAddress.Normalize(user.Email);
        await database.LockEmailAsync(normalized, cancellationToken);
        if (await database.Users.AnyAsync(other => other.NormalizedEmail == normalized, cancellationToken))
        {
            return EmailProblems.Taken.ToProblem();
        }

        // Customer service has made an account for the address. Its owner gets a link to take it over; the answer tells a stranger no more than for any account.
        if (await database.Customers.AnyAsync(customer => customer.NormalizedEmail == normalized, cancellationToken))
        {
            database.ChangeTracker.Clear(); // the new account
            await invitations.OfferAsync(normalized, cancellationToken);
            await database.Database.CommitTransactionAsync(cancellationToken);
            return EmailProblems.Taken.ToProblem();
        }

        // A target of too many e-mails gets no further one; its owner can ask for it later.
        if (await tokens.MaySendAsync(user.Id, user.Email, EmailTokenPurpose.VerifyEmail, cancellationToken))
        {
            tokens.AddVerification(user.Id, user.Email, user.Language);
        }

        try
        {
            return await work.CommitAsync(TypedResults.Created("/api/v1/auth/me", user), cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return EmailProblems.Taken.ToProblem(); // a replica of an older version does not lock the address
        }
    }

    private static async Task<Results<Ok<UserResponse>, ProblemHttpResult>> MeAsync(
        ClaimsPrincipal caller, UserReader users, CancellationToken cancellationToken) =>
        await users.FindAsync(caller.UserId, cancellationToken) is { } user
            ? TypedResults.Ok(user)
            : AccountProblems.Gone.ToProblem();
}

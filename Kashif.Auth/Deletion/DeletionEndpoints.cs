using System.Security.Claims;
using Kashif.Auth.Data;
using Kashif.Auth.SignIn;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Deletion;

/// <param name="Otp">A code of the authenticator app or a recovery code, if two-factor is on.</param>
public sealed record DeleteAccountRequest(
    [Text(1, PasswordAttribute.MaxLength)] string Password, [Text(64)] string? Otp = null);

/// <param name="ErasedAt">When the service last confirmed an erasure; null until it does.</param>
internal sealed record ServiceErasure(string Service, DateTimeOffset? ErasedAt);

/// <param name="Status"><c>erasing</c> or <c>completed</c>.</param>
internal sealed record DeletionResponse(
    Guid Id, string Status, DateTimeOffset RequestedAt, DateTimeOffset? CompletedAt, IReadOnlyList<ServiceErasure> Services);

internal static class DeletionEndpoints
{
    public static IEndpointRouteBuilder MapDeletion(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapDelete("/me", DeleteMeAsync).RequireAuthorization(Policies.Session).WithTags("Accounts")
            .WithName("DeleteMe").WithSummary("Delete my account and my data in all services");
        endpoints.MapGet("/deletions/{id:guid}", GetAsync).AllowAnonymous().WithTags("Accounts")
            .WithName("GetDeletion").WithSummary("Get the progress of an account deletion")
            .WithDescription("Needs no token, because the account no longer exists: the id is enough.");
        return endpoints;
    }

    private static async Task<Results<Accepted<DeletionResponse>, ProblemHttpResult>> DeleteMeAsync(
        [FromBody] DeleteAccountRequest request, ClaimsPrincipal caller, AuthDbContext database, PasswordLogin login, AccountErasure erasure, CancellationToken cancellationToken)
    {
        var result = await login.ReauthenticateAsync(caller.UserId, request.Password, request.Otp ?? "", cancellationToken);
        switch (result.Outcome)
        {
            case LoginOutcome.OtpMissing:
                return Error.Rule("mfa_required", "A code is required: send one from your authenticator app, or a recovery code, as otp.").ToProblem();
            case LoginOutcome.OtpWrong:
                return Error.Rule("invalid_otp", "The code is wrong, expired or already used.").ToProblem();
            default:
                if (login.ErrorFor(result) is { } refused)
                {
                    return refused.ToProblem();
                }

                break;
        }

        return await erasure.BeginAsync(caller.UserId, cancellationToken) switch
        {
            ({ } begun, _) => TypedResults.Accepted($"/api/v1/auth/deletions/{begun.Id}", await DescribeAsync(begun, database, cancellationToken)),
            (_, { } error) => error.ToProblem(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static async Task<Results<Ok<DeletionResponse>, ProblemHttpResult>> GetAsync(Guid id, AuthDbContext database, CancellationToken cancellationToken) =>
        await database.Deletions.AsNoTracking().SingleOrDefaultAsync(deletion => deletion.Id == id, cancellationToken) is { } found
            ? TypedResults.Ok(await DescribeAsync(found, database, cancellationToken))
            : Error.NotFound("Deletion not found.").ToProblem();

    private static async Task<DeletionResponse> DescribeAsync(AccountDeletion deletion, AuthDbContext database, CancellationToken cancellationToken)
    {
        var erased = await database.DeletionReceipts.Where(receipt => receipt.DeletionId == deletion.Id)
            .ToDictionaryAsync(receipt => receipt.Service, receipt => (DateTimeOffset?)receipt.ErasedAt, cancellationToken);
        return new DeletionResponse(
            deletion.Id,
            deletion.CompletedAt is null ? "erasing" : "completed",
            deletion.RequestedAt,
            deletion.CompletedAt,
            [.. ResourceNames.UserDataServices.Select(service => new ServiceErasure(service, erased.GetValueOrDefault(service)))]);
    }
}

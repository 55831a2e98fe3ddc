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

/// <summary>The confirmation of a deletion.</summary>
/// <param name="Password" example="a long enough password">The current password.</param>
/// <param name="Otp" example="123456">A code of the authenticator app or a recovery code, if two-factor is on.</param>
public sealed record DeleteAccountRequest(
    [Text(1, PasswordAttribute.MaxLength)] string Password, [Text(64)] string? Otp = null);

/// <summary>The progress of one service.</summary>
/// <param name="Service" example="reporting">The service's name.</param>
/// <param name="ErasedAt" example="2026-11-20T08:30:01Z">When the service last confirmed an erasure; null until it does.</param>
internal sealed record ServiceErasure(string Service, DateTimeOffset? ErasedAt);

/// <summary>The progress of a deletion.</summary>
/// <param name="Id">The deletion's id. It needs no token: keep it to follow the progress.</param>
/// <param name="Status" example="erasing">Whether all services have erased the user's data.</param>
/// <param name="RequestedAt">When the user asked for the deletion.</param>
/// <param name="CompletedAt" example="null">When every service had confirmed; null until then.</param>
/// <param name="Services">The progress of each service.</param>
internal sealed record DeletionResponse(
    Guid Id, [property: Values("erasing", "completed")] string Status, DateTimeOffset RequestedAt, DateTimeOffset? CompletedAt, IReadOnlyList<ServiceErasure> Services);

internal static class DeletionEndpoints
{
    public static IEndpointRouteBuilder MapDeletion(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapDelete("/me", DeleteMeAsync).RequireAuthorization(Policies.Session).WithTags("Accounts")
            .WithName("DeleteMe").WithSummary("Delete my account and my data in all services")
            .WithProblems(404, "not_found").WithProblems(422, "mfa_required", "invalid_otp", "last_admin").WithPasswordProblems();
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

    /// <param name="id">The deletion's id.</param>
    private static async Task<Results<Ok<DeletionResponse>, ProblemHttpResult>> GetAsync(Guid id, AuthDbContext database, CancellationToken cancellationToken) =>
        await database.Deletions.AsNoTracking().SingleOrDefaultAsync(deletion => deletion.Id == id, cancellationToken) is { } found
            ? TypedResults.Ok(await DescribeAsync(found, database, cancellationToken))
            : Error.NotFound("Deletion not found.").ToProblem();

    public static async Task<DeletionResponse> DescribeAsync(AccountDeletion deletion, AuthDbContext database, CancellationToken cancellationToken)
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

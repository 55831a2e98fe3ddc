using System.Security.Claims;
using Kashif.Auth.ApiKeys;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Sessions;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Admin;

/// <summary>
/// Changes roles and disables users. New roles apply from the next refresh, at most the lifetime of an access token later; a lost role
/// and a disabled account apply within seconds (<see cref="TokenDenials"/>).
/// </summary>
internal static class UserAdministration
{
    public static Error NoSuchUser { get; } = Error.NotFound("Account not found.");

    private static Error OwnAccount { get; } = Error.Rule("own_account", "You cannot remove your own admin role or disable your own account. Ask another admin.");

    /// <summary>A stranger may have registered the address, and the admin means its owner.</summary>
    private static Error NotVerified { get; } = Error.Rule(
        "email_not_verified", "This user has not verified the e-mail address. Roles other than citizen need a verified one.");

    private static Error NoLongerAdmin { get; } = Error.Forbidden("forbidden", "You are no longer an admin.");

    /// <param name="id">The user's id.</param>
    public static async Task<Results<Ok<AdminUserResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeUserRequest request, ClaimsPrincipal caller, AuthDbContext database, SessionTokens sessions, ApiKeyRevocation keys, AuditLog audit, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var callerId = caller.UserId;
        // One change at a time: of two admins who remove each other's role at the same time the second is refused below.
        await using var transaction = await database.BeginExclusiveAsync(AdvisoryLock.Admins, cancellationToken);

        // An access token outlives the role: a former admin must not take it back.
        if (!await database.Users.AnyAsync(
            admin => admin.Id == callerId && admin.DisabledAt == null && admin.Roles.Contains(Roles.Admin), cancellationToken))
        {
            return NoLongerAdmin.ToProblem();
        }

        // An admin always remains: the caller.
        if (id == callerId && (request.Disabled == true || request.Roles?.Contains(Roles.Admin) == false))
        {
            return OwnAccount.ToProblem();
        }

        if (await database.Users.SingleOrDefaultAsync(user => user.Id == id, cancellationToken) is not { } user)
        {
            return NoSuchUser.ToProblem();
        }

        if (!user.EmailConfirmed && request.Roles?.Except(user.Roles).Any(role => role != Roles.Citizen) == true)
        {
            return NotVerified.ToProblem();
        }

        var (now, isChanged) = (time.GetUtcNow(), false);
        if (request.Roles is not null && UserRoles.Sorted(request.Roles) is var roles && !roles.SequenceEqual(user.Roles))
        {
            audit.Record(id, AuditActions.RolesChanged, AuditLog.RolesChanged(user.Roles, roles));
            user.Roles = roles;
            isChanged = true;
        }

        if (request.Disabled is { } disabled && disabled != user.DisabledAt is not null)
        {
            user.DisabledAt = disabled ? now : null;
            isChanged = true;
            audit.Record(id, disabled ? AuditActions.Disabled : AuditActions.Enabled);
        }

        if (isChanged)
        {
            user.AccessChangedAt = now;
            database.Publish(new UserRolesChanged(id, user.Roles, callerId, user.DisabledAt is not null), now);
        }

        await database.SaveChangesAsync(cancellationToken);
        if (user.DisabledAt is not null)
        {
            await sessions.CloseAllAsync(id, cancellationToken);
            await keys.RevokeAllAsync(id, cancellationToken);
            await database.SaveChangesAsync(cancellationToken);
        }

        var changed = await UserEndpoints.FindAsync(database, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return changed is null ? NoSuchUser.ToProblem() : TypedResults.Ok(changed);
    }
}

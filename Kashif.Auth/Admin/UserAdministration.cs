using System.Security.Claims;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Sessions;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Admin;

/// <summary>Changes what somebody may do. Roles count from the next refresh on, at most the life of an access token later.</summary>
internal static class UserAdministration
{
    private static readonly Guid AdminRole = RolesConfiguration.Ids[Roles.Admin];

    public static Error NoSuchUser { get; } = Error.NotFound("There is no such account.");

    private static Error OwnAccount { get; } = Error.Rule("own_account", "You cannot take your own admin role or keep yourself out: another admin can.");

    private static Error NoLongerAdmin { get; } = Error.Forbidden("forbidden", "Your roles do not allow this any more.");

    public static async Task<Results<Ok<AdminUserResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeUserRequest request, ClaimsPrincipal caller, AuthDbContext database, SessionTokens sessions, AuditLog audit, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (request.Roles is { } named && (named.Length == 0 || named.Except(RolesConfiguration.Ids.Keys).Any()))
        {
            return Error.Field("roles", "Name at least one role, of citizen, partner, staff, moderator and admin.");
        }

        var callerId = caller.UserId;
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // One change at a time: two admins who take each other's role at once must not both succeed.
        await database.Database.ExecuteSqlAsync($"SELECT 1 FROM roles WHERE id = {AdminRole} FOR UPDATE", cancellationToken);

        // An access token outlives the role: whoever lost it may not take it back.
        if (!await database.Users.AnyAsync(
            admin => admin.Id == callerId && admin.DisabledAt == null && database.UserRoles.Any(role => role.UserId == callerId && role.RoleId == AdminRole),
            cancellationToken))
        {
            return NoLongerAdmin.ToProblem();
        }

        // So there is always an admin left: the caller.
        if (id == callerId && (request.Disabled == true || request.Roles?.Contains(Roles.Admin) == false))
        {
            return OwnAccount.ToProblem();
        }

        if (await database.Users.SingleOrDefaultAsync(user => user.Id == id, cancellationToken) is not { } user)
        {
            return NoSuchUser.ToProblem();
        }

        var held = await database.UserRoles.Where(role => role.UserId == id).ToListAsync(cancellationToken);
        if (request.Roles is not null)
        {
            Give(request.Roles, id, held, database, audit);
        }

        if (request.Disabled is { } disabled && disabled != user.DisabledAt is not null)
        {
            user.DisabledAt = disabled ? time.GetUtcNow() : null;
            audit.Record(id, disabled ? AuditActions.Disabled : AuditActions.Enabled);
        }

        await database.SaveChangesAsync(cancellationToken);
        if (user.DisabledAt is not null)
        {
            await sessions.CloseAllAsync(id, cancellationToken);
        }

        var changed = await UserEndpoints.FindAsync(database, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return changed is null ? NoSuchUser.ToProblem() : TypedResults.Ok(changed);
    }

    private static void Give(string[] wanted, Guid id, List<IdentityUserRole<Guid>> held, AuthDbContext database, AuditLog audit)
    {
        var before = RolesConfiguration.Ids.Where(role => held.Exists(one => one.RoleId == role.Value)).Select(role => role.Key).Order().ToArray();
        var after = wanted.Distinct().Order().ToArray();
        if (after.SequenceEqual(before))
        {
            return;
        }

        var keep = after.Select(role => RolesConfiguration.Ids[role]).ToHashSet();
        database.UserRoles.RemoveRange(held.Where(role => !keep.Contains(role.RoleId)));
        database.UserRoles.AddRange(after.Except(before).Select(role => new IdentityUserRole<Guid> { UserId = id, RoleId = RolesConfiguration.Ids[role] }));
        audit.Record(id, AuditActions.RolesChanged, new Dictionary<string, string> { ["before"] = string.Join(' ', before), ["after"] = string.Join(' ', after) });
    }
}

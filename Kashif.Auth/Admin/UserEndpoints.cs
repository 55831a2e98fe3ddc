using System.ComponentModel.DataAnnotations;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Admin;

/// <summary>The filters of <c>GET /users</c>.</summary>
public sealed class UserQuery
{
    /// <summary>A prefix of the e-mail address or the name, in upper or lower case.</summary>
    [FromQuery(Name = "query"), Text(EmailAttribute.MaxLength)]
    public string? Query { get; set; }

    [FromQuery(Name = "role"), RegularExpression("citizen|partner|staff|moderator|admin", ErrorMessage = "Must be one of citizen, partner, staff, moderator, admin.")]
    public string? Role { get; set; }

    [FromQuery(Name = "disabled")]
    public bool? Disabled { get; set; }
}

/// <summary>Fields that are left out do not change.</summary>
/// <param name="Roles">Replaces all roles of the user: any of citizen, partner, staff, moderator and admin.</param>
/// <param name="Disabled">True disables the user and ends their sessions; false enables them again.</param>
public sealed record ChangeUserRequest([Roles] string[]? Roles = null, bool? Disabled = null);

/// <param name="LockedUntil">The end of the last lockout after too many wrong passwords.</param>
internal sealed record AdminUserResponse(
    Guid Id, string Email, bool EmailVerified, string FullName, string? Phone, string[] Roles, string Language, bool MfaEnabled,
    DateTimeOffset? DisabledAt, DateTimeOffset? LockedUntil, DateTimeOffset CreatedAt);

/// <summary>Accounts as admins see them.</summary>
internal static class UserEndpoints
{
    public static RouteGroupBuilder MapUsers(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/users").WithTags("Admin").RequireAuthorization(Policies.Admin, Policies.Session);
        group.MapGet("", ListAsync).WithName("ListUsers").WithSummary("Search users");
        group.MapGet("/{id:guid}", GetAsync).WithName("GetUser").WithSummary("Get a user");
        group.MapPatch("/{id:guid}", UserAdministration.ChangeAsync).WithName("ChangeUser")
            .WithSummary("Change roles or disable a user");
        return group;
    }

    public static Task<AdminUserResponse?> FindAsync(AuthDbContext database, Guid id, CancellationToken cancellationToken) =>
        Shown(database.Users.AsNoTracking().Where(user => user.Id == id), database).SingleOrDefaultAsync(cancellationToken);

    private static async Task<Results<Ok<Page<AdminUserResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] UserQuery query, [AsParameters] PageRequest page, AuthDbContext database, CancellationToken cancellationToken)
    {
        var before = default(Guid);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var users = database.Users.AsNoTracking();
        if (page.Cursor is not null)
        {
            users = users.Where(user => user.Id < before);
        }

        if (EmailAttribute.Clean(query.Query ?? "").ToUpperInvariant() is { Length: > 0 } beginning)
        {
            var pattern = $"{beginning.Replace("\\", "\\\\").Replace("%", "\\%").Replace("_", "\\_")}%";
            users = users.Where(user => EF.Functions.Like(user.NormalizedEmail, pattern, "\\") || EF.Functions.Like(user.NormalizedFullName, pattern, "\\"));
        }

        if (query.Role is { } role)
        {
            users = users.Where(user => user.Roles.Contains(role));
        }

        if (query.Disabled is { } disabled)
        {
            users = users.Where(user => user.DisabledAt != null == disabled);
        }

        var rows = await Shown(users.OrderByDescending(user => user.Id).Take(page.Size + 1), database).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, last => Cursor.Encode(last.Id)));
    }

    private static async Task<Results<Ok<AdminUserResponse>, ProblemHttpResult>> GetAsync(
        Guid id, AuthDbContext database, CancellationToken cancellationToken) =>
        await FindAsync(database, id, cancellationToken) is { } user ? TypedResults.Ok(user) : UserAdministration.NoSuchUser.ToProblem();

    private static IQueryable<AdminUserResponse> Shown(IQueryable<User> users, AuthDbContext database) => users.Select(user => new AdminUserResponse(
        user.Id, user.Email, user.EmailConfirmed, user.FullName, user.PhoneNumber, user.Roles, user.Language,
        database.TotpCredentials.Any(totp => totp.UserId == user.Id && totp.ConfirmedAt != null),
        user.DisabledAt, user.LockoutEnd, user.CreatedAt));
}

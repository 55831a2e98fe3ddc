using System.ComponentModel.DataAnnotations;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Admin;

/// <summary>The filters of <c>GET /users</c>.</summary>
public sealed class UserQuery
{
    /// <summary>
    /// A prefix of the e-mail address or the name, in upper or lower case. Domains are stored in Punycode: of a domain in another script the
    /// prefix has whole labels, so `amina@مثال.إخت` does not find `amina@مثال.إختبار`, and `amina@مثال.` does.
    /// </summary>
    /// <example>amina</example>
    [FromQuery(Name = "query"), Text(EmailAddress.MaxLength)]
    public string? Query { get; set; }

    /// <summary>Only users with this role.</summary>
    [FromQuery(Name = "role"), RegularExpression("citizen|partner|staff|counter|moderator|admin", ErrorMessage = "Must be one of citizen, partner, staff, counter, moderator, admin.")]
    public string? Role { get; set; }

    /// <summary>True: only disabled users; false: only enabled ones.</summary>
    [FromQuery(Name = "disabled")]
    public bool? Disabled { get; set; }
}

/// <summary>Fields that are left out do not change.</summary>
/// <param name="Roles" example='["citizen", "staff"]'>Replaces all roles of the user; at least one. A new role other than `citizen` needs a verified address.</param>
/// <param name="Disabled" example="false">True disables the user, ends their sessions and revokes their API keys; false enables them again.</param>
public sealed record ChangeUserRequest([Roles, Values(typeof(UserRoles))] string[]? Roles = null, bool? Disabled = null);

/// <summary>A user as admins see it.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="Email" example="amina@example.org">The address to sign in with.</param>
/// <param name="EmailVerified">Whether the user has opened the link sent to the address.</param>
/// <param name="FullName" example="Amina Haddad">The user's name.</param>
/// <param name="Phone" example="+963 11 123 4567">The phone number; null if there is none.</param>
/// <param name="Roles" example='["citizen", "staff"]'>The user's roles.</param>
/// <param name="Language" example="en">The language of notifications and e-mails.</param>
/// <param name="MfaEnabled">Whether logins ask for a code of an authenticator app.</param>
/// <param name="DisabledAt" example="null">When an admin disabled the user; null if the user is enabled.</param>
/// <param name="LockedUntil" example="null">The end of the last lockout after too many wrong passwords; null if there was none.</param>
/// <param name="CreatedAt">When the user registered.</param>
internal sealed record AdminUserResponse(
    Guid Id, string Email, bool EmailVerified, string FullName, string? Phone,
    [property: Values(typeof(UserRoles))] string[] Roles, [property: Values(typeof(Languages))] string Language, bool MfaEnabled,
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
            .WithSummary("Change roles or disable a user").WithProblems(422, "own_account", "email_not_verified");
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

        if (query.Query?.Trim().Normalize().ToUpperInvariant() is { Length: > 0 } beginning)
        {
            // An address from before the rules has its domain as it was typed.
            var (typed, stored) = (PrefixPattern(beginning), PrefixPattern(EmailAddress.Normalize(query.Query)));
            users = users.Where(user => EF.Functions.Like(user.NormalizedEmail, stored, "\\") || EF.Functions.Like(user.NormalizedEmail, typed, "\\")
                || EF.Functions.Like(user.NormalizedFullName, typed, "\\"));
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

    /// <param name="id">The user's id.</param>
    private static async Task<Results<Ok<AdminUserResponse>, ProblemHttpResult>> GetAsync(
        Guid id, AuthDbContext database, CancellationToken cancellationToken) =>
        await FindAsync(database, id, cancellationToken) is { } user ? TypedResults.Ok(user) : UserAdministration.NoSuchUser.ToProblem();

    private static string PrefixPattern(string beginning) => $"{SearchWords.Escape(beginning)}%";

    private static IQueryable<AdminUserResponse> Shown(IQueryable<User> users, AuthDbContext database) => users.Select(user => new AdminUserResponse(
        user.Id, user.Email, user.EmailConfirmed, user.FullName, user.PhoneNumber, user.Roles, user.Language,
        database.TotpCredentials.Any(totp => totp.UserId == user.Id && totp.ConfirmedAt != null),
        user.DisabledAt, user.LockoutEnd, user.CreatedAt));
}

using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.EmailLinks;
using Kashif.Auth.Sessions;
using Kashif.Auth.SignIn;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Accounts;

/// <summary>Fields that are left out do not change.</summary>
/// <param name="FullName" example="Amina Haddad">The new name, not blank.</param>
/// <param name="Phone" example="+963 11 123 4567">The new phone number. An empty string removes it.</param>
/// <param name="Email" example="amina@example.com">The new address, at most 254 characters. It needs `current_password`, and replaces the present one when the link sent to it is opened. The present address cancels a change that is waiting.</param>
/// <param name="CurrentPassword" example="a long enough password">The current password, to change the address.</param>
public sealed record ChangeProfileRequest(
    [Name(User.MaxNameLength)] string? FullName = null,
    [PhoneNumber] string? Phone = null,
    [Email] string? Email = null,
    [Text(PasswordAttribute.MaxLength)] string? CurrentPassword = null);

/// <summary>A new password.</summary>
/// <param name="CurrentPassword" example="a long enough password">The current password.</param>
/// <param name="NewPassword" example="an even longer password">8 to 256 characters, and not a common password.</param>
public sealed record ChangePasswordRequest([Text(PasswordAttribute.MaxLength)] string CurrentPassword, [Password] string NewPassword);

/// <summary>A user's preferences.</summary>
/// <param name="Language" example="en">The language of notifications and e-mails.</param>
/// <param name="Theme" example="system">The colours of the app.</param>
/// <param name="Channels">Where notifications go besides the inbox.</param>
public sealed record Preferences(
    [AllowedValues(Languages.English, Languages.Arabic, ErrorMessage = "Must be en or ar.")] string Language,
    [AllowedValues(Themes.System, Themes.Light, Themes.Dark, ErrorMessage = "Must be system, light or dark.")] string Theme,
    ChannelPreferences Channels);

/// <summary>Channels for notifications besides the inbox. E-mails about account security are always sent.</summary>
/// <param name="Push">Whether notifications are pushed to the user's devices.</param>
/// <param name="Email">Whether notifications are sent by e-mail. Takes effect once the address is verified.</param>
public sealed record ChannelPreferences(bool Push, bool Email);

/// <summary>Users change their own profile, password and preferences.</summary>
internal static class ProfileEndpoints
{
    private static readonly Error TooManyEmails = Error.TooMany("too_many_emails", "Too many verification e-mails were sent. Try again in an hour.");
    public static RouteGroupBuilder MapProfile(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/me").WithTags("Accounts").RequireAuthorization(Policies.Session).WithProblems(404, "not_found");
        group.MapPatch("", ChangeAsync).DisableValidation().WithName("ChangeMe").WithSummary("Update my name, phone number or e-mail address")
            .WithDescription("A new address is `pending_email` until the link sent to it is opened; until then the present one stays. The answer is the same if another account has the address.")
            .WithProblems(409, "password_changed").WithProblems(429, "too_many_emails").WithPasswordProblems();
        group.MapPut("/password", ChangePasswordAsync).WithName("ChangePassword").WithSummary("Change my password and end all my other sessions")
            .WithProblems(409, "password_changed").WithPasswordProblems();
        group.MapGet("/preferences", PreferencesAsync).WithName("GetPreferences").WithSummary("Get my language, theme and notification channels");
        group.MapPut("/preferences", ChangePreferencesAsync).WithName("ChangePreferences").WithSummary("Set my language, theme and notification channels");
        return group;
    }

    private static async Task<Results<Ok<UserResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        ChangeProfileRequest request, ClaimsPrincipal caller, AuthDbContext database, PasswordLogin login, EmailTokens tokens,
        SecurityNotices notices, AuditLog audit, UserReader users, TimeProvider time, HttpContext http, CancellationToken cancellationToken)
    {
        var id = caller.UserId;
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add(
            "current_password",
            request.Email is not null && request.CurrentPassword is null ? "The current password is required to change the e-mail address." : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var confirmed = request.Email is null
            ? null
            : await login.ReauthenticateAsync(id, request.CurrentPassword ?? "", otp: null, cancellationToken);
        if (confirmed is not null && login.ErrorFor(confirmed) is { } refused)
        {
            return refused.ToProblem();
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(database, id, cancellationToken) is not { } user)
        {
            return AccountProblems.Gone.ToProblem();
        }

        if (confirmed is not null && user.SecurityStamp != confirmed.Account?.SecurityStamp)
        {
            return PasswordProblems.PasswordChanged.ToProblem();
        }

        user.FullName = request.FullName?.Trim().Normalize() ?? user.FullName;
        if (request.Phone is { } phone)
        {
            user.PhoneNumber = PhoneNumberAttribute.Clean(phone);
        }

        if (EmailAddress.Clean(request.Email ?? "") is { Length: > 0 } email)
        {
            if (EmailAddress.Normalize(email) == user.NormalizedEmail)
            {
                (user.Email, user.PendingEmail) = (email, null);
            }
            else if (!await tokens.MaySendAsync(id, email, EmailTokenPurpose.VerifyEmail, cancellationToken))
            {
                http.Response.Headers.RetryAfter = "3600";
                return TooManyEmails.ToProblem();
            }
            else
            {
                user.PendingEmail = email;
                tokens.AddVerification(id, email, user.Language);
                await notices.AddAsync(id, SecurityChanges.EmailChangeRequested, cancellationToken);
                audit.Record(id, AuditActions.EmailChangeRequested);
            }
        }

        database.Publish(user.ToUpdated(), time.GetUtcNow());
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return await users.FindAsync(id, cancellationToken) is { } changed ? TypedResults.Ok(changed) : AccountProblems.Gone.ToProblem();
    }

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> ChangePasswordAsync(
        ChangePasswordRequest request, ClaimsPrincipal caller, AuthDbContext database, PasswordLogin login, PasswordHashing hashing, SessionTokens sessions,
        SecurityNotices notices, AuditLog audit, TimeProvider time, CancellationToken cancellationToken)
    {
        var id = caller.UserId;
        var confirmed = await login.ReauthenticateAsync(id, request.CurrentPassword, otp: null, cancellationToken);
        if (login.ErrorFor(confirmed) is { } refused)
        {
            return refused.ToProblem();
        }

        var hash = await hashing.HashAsync(request.NewPassword, cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(database, id, cancellationToken) is not { } user)
        {
            return AccountProblems.Gone.ToProblem();
        }

        if (user.SecurityStamp != confirmed.Account?.SecurityStamp)
        {
            return PasswordProblems.PasswordChanged.ToProblem();
        }

        user.PasswordHash = hash;
        user.SecurityStamp = User.NewSecurityStamp(time);
        user.PendingEmail = null; // who knew the former password may have asked for it
        audit.Record(id, AuditActions.PasswordChanged);
        await notices.AddAsync(id, SecurityChanges.PasswordChanged, cancellationToken);
        await sessions.CloseAllAsync(id, cancellationToken, except: caller.SessionId);
        await database.SaveChangesAsync(cancellationToken);

        // Reset links, which an attacker may have requested, stop working.
        await database.EmailTokens.Where(token => token.UserId == id && token.Purpose == EmailTokenPurpose.ResetPassword).ExecuteDeleteAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<Preferences>, ProblemHttpResult>> PreferencesAsync(
        ClaimsPrincipal caller, AuthDbContext database, CancellationToken cancellationToken)
    {
        var id = caller.UserId;
        return await database.Users.AsNoTracking().SingleOrDefaultAsync(user => user.Id == id, cancellationToken) is { } user
            ? TypedResults.Ok(PreferencesOf(user))
            : AccountProblems.Gone.ToProblem();
    }

    private static async Task<Results<Ok<Preferences>, ValidationProblem, ProblemHttpResult>> ChangePreferencesAsync(
        Preferences request, ClaimsPrincipal caller, AuthDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(database, caller.UserId, cancellationToken) is not { } user)
        {
            return AccountProblems.Gone.ToProblem();
        }

        user.Language = request.Language;
        user.Theme = request.Theme;
        user.PushEnabled = request.Channels.Push;
        user.EmailEnabled = request.Channels.Email;
        database.Publish(user.ToUpdated(), time.GetUtcNow());
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.Ok(PreferencesOf(user));
    }

    /// <summary>Locks the user's row: changes and their events are written in the same order, and each event has the whole state.</summary>
    private static async Task<User?> LockAsync(AuthDbContext database, Guid id, CancellationToken cancellationToken) =>
        (await database.Users.FromSql($"SELECT * FROM users WHERE id = {id} FOR UPDATE").ToListAsync(cancellationToken)).SingleOrDefault();

    private static Preferences PreferencesOf(User user) => new(user.Language, user.Theme, new ChannelPreferences(user.PushEnabled, user.EmailEnabled));
}

using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging.Events;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Users;

internal sealed class User
{
    public const int MaxNameLength = 200;
    public const int MaxPhoneLength = 32;

    public required Guid Id { get; init; }
    public required string Email { get; set; }

    /// <summary>The unique key of an account: <see cref="EmailAddress.Normalize"/> of <see cref="Email"/>.</summary>
    public required string NormalizedEmail { get; set; }
    public bool EmailConfirmed { get; set; }

    /// <summary>The address that replaces <see cref="Email"/> once its link is opened; null if no change is waiting.</summary>
    public string? PendingEmail { get; set; }

    /// <summary>In the format of ASP.NET Core Identity's password hasher.</summary>
    public required string PasswordHash { get; set; }

    /// <summary>Changes with the password, not when the same password is hashed again.</summary>
    public required string SecurityStamp { get; set; }

    /// <summary>Wrong passwords and codes since the last success or lockout.</summary>
    public int AccessFailedCount { get; init; }
    public DateTimeOffset? LockoutEnd { get; init; }

    public required string FullName { get; set; }

    /// <summary>A generated column, for the search by admins.</summary>
    public string? NormalizedFullName { get; private set; }
    public string? PhoneNumber { get; set; }

    /// <summary>Of <see cref="UserRoles"/>, in alphabetical order.</summary>
    public required string[] Roles { get; set; }

    /// <summary>One of <see cref="Localization.Languages"/>.</summary>
    public required string Language { get; set; }

    /// <summary>One of <see cref="Themes"/>.</summary>
    public string Theme { get; set; } = Themes.System;

    /// <summary>Whether notifications may be pushed to the user's devices.</summary>
    public bool PushEnabled { get; set; } = true;

    /// <summary>Whether notifications may be sent by e-mail, once the address is verified.</summary>
    public bool EmailEnabled { get; set; } = true;

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When an admin disabled the account; null if it is enabled.</summary>
    public DateTimeOffset? DisabledAt { get; set; }

    /// <summary>When an admin last changed the roles or disabled or enabled the account: earlier access tokens may say more than is true now.</summary>
    public DateTimeOffset? AccessChangedAt { get; set; }

    /// <summary>The event for services that keep a copy. It lists the e-mail channel only for a verified address.</summary>
    public UserUpdated ToUpdated() => new(
        Id, FullName, Email, Language, [.. PushEnabled ? ["push"] : Array.Empty<string>(), .. EmailEnabled && EmailConfirmed ? ["email"] : Array.Empty<string>()]);

    /// <summary>For the migration: tells the other services of the staff from before the event, once.</summary>
    public const string PublishStaffSql = """
        INSERT INTO outbox (id, type, subject, payload, occurred_at)
        SELECT gen_random_uuid(), 'user.roles_changed', id::text, jsonb_build_object('user_id', id, 'roles', roles, 'changed_by', null), now()
        FROM users WHERE roles && ARRAY['admin', 'moderator', 'staff']
        """;

    /// <summary>For the migration: tells the other services of the accounts that were disabled before the event said so, once.</summary>
    public const string PublishDisabledSql = """
        INSERT INTO outbox (id, type, subject, payload, occurred_at)
        SELECT gen_random_uuid(), 'user.roles_changed', id::text, jsonb_build_object('user_id', id, 'roles', roles, 'changed_by', null, 'disabled', true), now()
        FROM users WHERE disabled_at IS NOT NULL
        """;

    public static string NewSecurityStamp(TimeProvider time) => Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
}

/// <summary>The roles that a user can have; services have their own.</summary>
internal static class UserRoles
{
    public static IReadOnlyList<string> All { get; } = [Roles.Admin, Roles.Citizen, Roles.Counter, Roles.Moderator, Roles.Partner, Roles.Staff];

    /// <summary>In alphabetical order, each once.</summary>
    public static string[] Sorted(IEnumerable<string> roles) => [.. roles.Distinct().Order(StringComparer.Ordinal)];
}

internal static class Themes
{
    public const string System = "system";
    public const string Light = "light";
    public const string Dark = "dark";
}

internal sealed class UserConfiguration : IEntityTypeConfiguration<User>
{
    public void Configure(EntityTypeBuilder<User> builder)
    {
        var roles = string.Join(", ", UserRoles.All.Select(role => $"'{role}'"));
        builder.ToTable("users", table => table.HasCheckConstraint("ck_users_roles", $"roles <@ ARRAY[{roles}]"));
        builder.Property(user => user.Id).ValueGeneratedNever();
        builder.Property(user => user.Email).HasMaxLength(EmailAddress.MaxLength);
        builder.Property(user => user.NormalizedEmail).HasMaxLength(EmailAddress.MaxLength);
        builder.Property(user => user.PendingEmail).HasMaxLength(EmailAddress.MaxLength);
        builder.Property(user => user.PhoneNumber).HasMaxLength(User.MaxPhoneLength);
        builder.Property(user => user.FullName).HasMaxLength(User.MaxNameLength);
        builder.Property(user => user.NormalizedFullName).HasComputedColumnSql("upper(full_name)", stored: true);
        builder.Property(user => user.Language).HasMaxLength(2);
        builder.Property(user => user.Theme).HasMaxLength(10).HasDefaultValue(Themes.System).HasSentinel(Themes.System);
        builder.Property(user => user.PushEnabled).HasDefaultValue(true).HasSentinel(true);
        builder.Property(user => user.EmailEnabled).HasDefaultValue(true).HasSentinel(true);
        builder.HasIndex(user => user.NormalizedEmail).IsUnique();
        builder.HasIndex(user => user.Roles).HasMethod("gin");
        builder.HasIndex(user => user.AccessChangedAt).HasFilter("access_changed_at IS NOT NULL");

        // A prefix search cannot use an index in the database's collation.
        builder.HasIndex(user => user.NormalizedEmail, "ix_users_email_prefix").HasDatabaseName("ix_users_email_prefix").HasOperators("text_pattern_ops");
        builder.HasIndex(user => user.NormalizedFullName, "ix_users_full_name_prefix").HasDatabaseName("ix_users_full_name_prefix").HasOperators("text_pattern_ops");
    }
}

/// <summary>A user as the user sees it.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="Email" example="amina@example.org">The address to sign in with.</param>
/// <param name="EmailVerified">Whether the user has opened the link sent to the address.</param>
/// <param name="PendingEmail" example="null">The address that replaces it once the link sent there is opened; null if there is none.</param>
/// <param name="FullName" example="Amina Haddad">The user's name.</param>
/// <param name="Phone" example="+963 11 123 4567">The phone number; null if there is none.</param>
/// <param name="Roles" example='["citizen"]'>The user's roles.</param>
/// <param name="Language" example="en">The language of notifications and e-mails.</param>
/// <param name="MfaEnabled" example="false">Whether logins ask for a code of an authenticator app.</param>
/// <param name="CreatedAt">When the user registered.</param>
internal sealed record UserResponse(
    Guid Id, string Email, bool EmailVerified, string? PendingEmail, string FullName, string? Phone, [property: Values(typeof(UserRoles))] string[] Roles,
    [property: Values(typeof(Languages))] string Language, bool MfaEnabled, DateTimeOffset CreatedAt);

using Kashif.Messaging.Events;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Accounts;

internal sealed class User : IdentityUser<Guid>
{
    public const int MaxNameLength = 200;
    public const int MaxPhoneLength = 32;

    public required string FullName { get; set; }

    /// <summary>By which admins find people; PostgreSQL makes it.</summary>
    public string? NormalizedFullName { get; private set; }

    /// <summary>One of <see cref="Languages"/>.</summary>
    public required string Language { get; set; }

    /// <summary>One of <see cref="Themes"/>.</summary>
    public string Theme { get; set; } = Themes.System;

    /// <summary>Where notifications may reach the person, beside the inbox.</summary>
    public bool PushEnabled { get; set; } = true;
    public bool EmailEnabled { get; set; } = true;

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Since when an admin keeps this person out.</summary>
    public DateTimeOffset? DisabledAt { get; set; }

    /// <summary>The event for whoever keeps a copy. Notifications go by e-mail to an address only that is proven to be the person's.</summary>
    public UserUpdated ToUpdated() => new(
        Id, FullName, Email ?? "", Language, [.. PushEnabled ? ["push"] : Array.Empty<string>(), .. EmailEnabled && EmailConfirmed ? ["email"] : Array.Empty<string>()]);
}

internal static class Languages
{
    public const string English = "en";
    public const string Arabic = "ar";
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
        builder.ToTable("users");
        builder.Property(user => user.Id).ValueGeneratedNever();
        builder.Property(user => user.Email).IsRequired().HasMaxLength(EmailAttribute.MaxLength);
        builder.Property(user => user.NormalizedEmail).IsRequired().HasMaxLength(EmailAttribute.MaxLength);
        builder.Property(user => user.UserName).HasMaxLength(EmailAttribute.MaxLength);
        builder.Property(user => user.NormalizedUserName).HasMaxLength(EmailAttribute.MaxLength);
        builder.Property(user => user.PhoneNumber).HasMaxLength(User.MaxPhoneLength);
        builder.Property(user => user.FullName).HasMaxLength(User.MaxNameLength);
        builder.Property(user => user.NormalizedFullName).HasComputedColumnSql("upper(full_name)", stored: true);
        builder.Property(user => user.Language).HasMaxLength(2);
        builder.Property(user => user.Theme).HasMaxLength(10).HasDefaultValue(Themes.System).HasSentinel(Themes.System);
        builder.Property(user => user.PushEnabled).HasDefaultValue(true).HasSentinel(true);
        builder.Property(user => user.EmailEnabled).HasDefaultValue(true).HasSentinel(true);
        builder.HasIndex(user => user.NormalizedEmail).HasDatabaseName("ix_users_normalized_email").IsUnique();

        // For searches by the beginning of a word, which the database's collation cannot answer.
        builder.HasIndex(user => user.NormalizedEmail, "ix_users_email_prefix").HasDatabaseName("ix_users_email_prefix").HasOperators("text_pattern_ops");
        builder.HasIndex(user => user.NormalizedFullName, "ix_users_full_name_prefix").HasDatabaseName("ix_users_full_name_prefix").HasOperators("text_pattern_ops");
        builder.HasIndex(user => user.NormalizedUserName).HasDatabaseName("ix_users_normalized_user_name").IsUnique();
    }
}

/// <param name="Roles">Of citizen, partner, staff, moderator and admin.</param>
internal sealed record UserResponse(
    Guid Id, string Email, bool EmailVerified, string FullName, string? Phone, string[] Roles, string Language, bool MfaEnabled, DateTimeOffset CreatedAt);

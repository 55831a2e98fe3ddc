using Kashif.Auth.Users;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Customers;

/// <summary>
/// A person for whom customer service has made an account, and who has not taken it over yet. It is no <see cref="User"/>, so it cannot sign in, reset its
/// password or have a role. Taken over, it becomes the user with the same id.
/// </summary>
internal sealed class Customer
{
    public required Guid Id { get; init; }
    public required string FullName { get; set; }

    /// <summary>As the person has said it: not verified. Null without one, like the phone number.</summary>
    public string? Email { get; set; }

    /// <summary><see cref="EmailAddress.Normalize"/> of <see cref="Email"/>. Neither another customer nor a user has it.</summary>
    public string? NormalizedEmail { get; set; }
    public string? PhoneNumber { get; set; }

    /// <summary>A generated column with the digits of <see cref="PhoneNumber"/>, for the search.</summary>
    public string? PhoneDigits { get; private set; }

    /// <summary>One of <see cref="Localization.Languages"/>.</summary>
    public required string Language { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the last link to take the account over was sent; null if none was.</summary>
    public DateTimeOffset? InvitedAt { get; set; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

/// <summary>The single-use token of a link to take an account over. It goes with the customer's row.</summary>
internal sealed class Invitation
{
    /// <summary>SHA-256 of the token: 256 random bits need no slower hash.</summary>
    public required byte[] Hash { get; init; }
    public required Guid CustomerId { get; init; }

    /// <summary>The address that the link was sent to. The token is valid while the customer has this one.</summary>
    public required string NormalizedEmail { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>When a later link replaced it; the row stays, because it counts for the hourly limit.</summary>
    public DateTimeOffset? ReplacedAt { get; init; }
}

internal sealed class CustomerConfiguration : IEntityTypeConfiguration<Customer>, IEntityTypeConfiguration<Invitation>
{
    public void Configure(EntityTypeBuilder<Customer> builder)
    {
        builder.ToTable("customers");
        builder.Property(customer => customer.Id).ValueGeneratedNever();
        builder.Property(customer => customer.FullName).HasMaxLength(User.MaxNameLength);
        builder.Property(customer => customer.Email).HasMaxLength(EmailAddress.MaxLength);
        builder.Property(customer => customer.NormalizedEmail).HasMaxLength(EmailAddress.MaxLength);
        builder.Property(customer => customer.PhoneNumber).HasMaxLength(User.MaxPhoneLength);
        builder.Property(customer => customer.PhoneDigits).HasComputedColumnSql("regexp_replace(phone_number, '[^0-9]', '', 'g')", stored: true);
        builder.Property(customer => customer.Language).HasMaxLength(2);
        builder.Property(customer => customer.Version).IsConcurrencyToken();
        builder.HasIndex(customer => customer.NormalizedEmail).IsUnique();
    }

    public void Configure(EntityTypeBuilder<Invitation> builder)
    {
        builder.ToTable("invitations");
        builder.HasKey(invitation => invitation.Hash);
        builder.Property(invitation => invitation.NormalizedEmail).HasMaxLength(EmailAddress.MaxLength);
        builder.HasOne<Customer>().WithMany().HasForeignKey(invitation => invitation.CustomerId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(invitation => invitation.CustomerId);
        builder.HasIndex(invitation => invitation.ExpiresAt);
    }
}

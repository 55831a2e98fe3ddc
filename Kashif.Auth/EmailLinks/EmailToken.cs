using Kashif.Auth.Users;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.EmailLinks;

/// <summary>What a link may be used for.</summary>
internal enum EmailTokenPurpose
{
    VerifyEmail,
    ResetPassword,
}

/// <summary>The single-use token of an e-mailed link.</summary>
internal sealed class EmailToken
{
    /// <summary>SHA-256 of the token: 256 random bits need no slower hash.</summary>
    public required byte[] Hash { get; init; }
    public required Guid UserId { get; init; }
    public required EmailTokenPurpose Purpose { get; init; }

    /// <summary>The address that the link was sent to. The token is valid while the account has or wants this one.</summary>
    public required string Email { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? UsedAt { get; init; }
}

internal sealed class EmailTokenConfiguration : IEntityTypeConfiguration<EmailToken>
{
    public void Configure(EntityTypeBuilder<EmailToken> builder)
    {
        builder.ToTable("email_tokens");
        builder.HasKey(token => token.Hash);
        builder.Property(token => token.Purpose).HasConversion<string>().HasMaxLength(20);
        builder.Property(token => token.Email).HasMaxLength(EmailAddress.MaxLength);
        builder.HasOne<User>().WithMany().HasForeignKey(token => token.UserId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(token => token.ExpiresAt);
    }
}

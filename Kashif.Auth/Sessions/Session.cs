using Kashif.Auth.Audit;
using Kashif.Auth.Users;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Sessions;

/// <summary>A login on one device: the family of refresh tokens that follow from it.</summary>
internal sealed class Session
{
    public required Guid Id { get; init; }
    public required Guid UserId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset LastUsedAt { get; init; }

    /// <summary>Each refresh extends it, up to <see cref="AuthOptions.LongestSession"/> after the login.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public string? IpAddress { get; init; }
    public string? UserAgent { get; init; }
}

/// <summary>An issued refresh token. Each session has exactly one that is unused.</summary>
internal sealed class RefreshToken
{
    /// <summary>SHA-256 of the token: 256 random bits need no slower hash.</summary>
    public required byte[] Hash { get; init; }
    public required Guid SessionId { get; init; }
    public DateTimeOffset? UsedAt { get; init; }
}

internal sealed class SessionConfiguration : IEntityTypeConfiguration<Session>, IEntityTypeConfiguration<RefreshToken>
{
    public void Configure(EntityTypeBuilder<Session> builder)
    {
        builder.ToTable("sessions");
        builder.Property(session => session.Id).ValueGeneratedNever();
        builder.Property(session => session.IpAddress).HasMaxLength(ClientInfo.MaxAddressLength);
        builder.Property(session => session.UserAgent).HasMaxLength(ClientInfo.MaxUserAgentLength);
        builder.HasOne<User>().WithMany().HasForeignKey(session => session.UserId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(session => session.ExpiresAt);
        builder.HasIndex(session => session.RevokedAt).HasFilter("revoked_at IS NOT NULL");
    }

    public void Configure(EntityTypeBuilder<RefreshToken> builder)
    {
        builder.ToTable("refresh_tokens");
        builder.HasKey(token => token.Hash);
        builder.HasOne<Session>().WithMany().HasForeignKey(token => token.SessionId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(token => token.UsedAt);
    }
}

using System.Security.Cryptography;
using System.Text;
using Kashif.Auth.Users;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.ApiKeys;

/// <summary>Lets a program act for its owner within the scopes of the key.</summary>
internal sealed class ApiKey
{
    public const int MaxNameLength = 100;
    public const int PrefixLength = 12;
    public const int MaxKeyLength = 100;

    /// <summary>The prefix of every key, by which secret scanners recognize a leaked one.</summary>
    public const string Marker = "kashif_";

    public required Guid Id { get; init; }
    public required Guid UserId { get; init; }
    public required string Name { get; init; }

    /// <summary>The first characters of the key, shown in the list so that the owner recognizes it.</summary>
    public required string Prefix { get; init; }

    /// <summary>SHA-256 of the key: 256 random bits need no slower hash.</summary>
    public required byte[] Hash { get; init; }
    public required string[] Scopes { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }

    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}

internal sealed class ApiKeyConfiguration : IEntityTypeConfiguration<ApiKey>
{
    public void Configure(EntityTypeBuilder<ApiKey> builder)
    {
        builder.ToTable("api_keys");
        builder.Property(key => key.Id).ValueGeneratedNever();
        builder.Property(key => key.Name).HasMaxLength(ApiKey.MaxNameLength);
        builder.Property(key => key.Prefix).HasMaxLength(ApiKey.PrefixLength);
        builder.HasIndex(key => key.Hash).IsUnique();
        builder.HasOne<User>().WithMany().HasForeignKey(key => key.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}

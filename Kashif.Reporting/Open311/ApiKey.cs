using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Open311;

/// <summary>Lets a program send requests and updates. It has no owner and no other rights.</summary>
internal sealed class ApiKey
{
    public const int NameMax = 100;
    public const int JurisdictionMax = 200;
    public const int PrefixLength = 14;

    /// <summary>The prefix of every key, by which secret scanners recognize a leaked one. Not that of Auth's keys.</summary>
    private const string Marker = "open311_";

    public required Guid Id { get; init; }
    public required string Name { get; init; }

    /// <summary>The only jurisdiction that requests with the key may name; null for any.</summary>
    public string? Jurisdiction { get; init; }

    /// <summary>The first characters of the key, for the list.</summary>
    public required string Prefix { get; init; }

    /// <summary>SHA-256 of the key: 256 random bits need no slower hash.</summary>
    public required byte[] Hash { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>To the minute, so that a busy key does not write at each request.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }

    public static string NewKey() => Marker + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}

internal sealed class ApiKeyConfiguration : IEntityTypeConfiguration<ApiKey>
{
    public void Configure(EntityTypeBuilder<ApiKey> key)
    {
        key.ToTable("open311_keys");
        key.HasKey(row => row.Id);
        key.Property(row => row.Id).ValueGeneratedNever();
        key.Property(row => row.Prefix).HasMaxLength(ApiKey.PrefixLength);
        key.HasIndex(row => row.Hash).IsUnique();
    }
}

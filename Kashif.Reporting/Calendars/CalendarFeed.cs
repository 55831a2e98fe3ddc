using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kashif.Reporting.Workforce;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Calendars;

/// <summary>A secret address at which calendar apps read visits: those of a crew, or the owner's own appointments.</summary>
internal sealed class CalendarFeed
{
    public const int MaxPerUser = 20;

    public Guid Id { get; init; }
    public Guid UserId { get; init; }

    /// <summary>Null for the appointments of the owner's own reports.</summary>
    public Guid? CrewId { get; init; }

    /// <summary>SHA-256 of the secret: 256 random bits need no slower hash.</summary>
    public required byte[] Hash { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static byte[] HashOf(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}

internal sealed class CalendarFeedConfiguration : IEntityTypeConfiguration<CalendarFeed>
{
    public void Configure(EntityTypeBuilder<CalendarFeed> feed)
    {
        feed.ToTable("calendar_feeds");
        feed.HasKey(row => row.Id);
        feed.Property(row => row.Id).ValueGeneratedNever();
        feed.HasOne<Crew>().WithMany().HasForeignKey(row => row.CrewId).OnDelete(DeleteBehavior.Cascade);
        feed.HasIndex(row => row.Hash).IsUnique();
        feed.HasIndex(row => row.UserId);
        feed.HasIndex(row => row.CrewId);
    }
}

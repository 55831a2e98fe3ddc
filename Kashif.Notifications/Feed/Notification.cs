using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Feed;

/// <summary>What a user is told, in the words and the language they are told it in.</summary>
internal sealed class Notification
{
    public const int MaxTitleLength = 200;

    /// <summary>Version 7, of the event's time: the inbox is sorted by it.</summary>
    public Guid Id { get; init; }

    /// <summary>The event that this tells of. Unique: told once, however often the event arrives.</summary>
    public Guid EventId { get; init; }
    public Guid UserId { get; init; }

    /// <summary>The event's wire name.</summary>
    public required string Type { get; init; }
    public required string Title { get; init; }
    public required string Body { get; init; }

    /// <summary>What a client needs to open the thing that this is about: a JSON object of texts.</summary>
    public required string Data { get; init; }
    public DateTimeOffset? ReadAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class NotificationConfiguration : IEntityTypeConfiguration<Notification>
{
    public void Configure(EntityTypeBuilder<Notification> builder)
    {
        builder.ToTable("notifications");
        builder.HasKey(notification => notification.Id);
        builder.Property(notification => notification.Id).ValueGeneratedNever();
        builder.Property(notification => notification.Type).HasMaxLength(100);
        builder.Property(notification => notification.Title).HasMaxLength(Notification.MaxTitleLength);
        builder.Property(notification => notification.Data).HasColumnType("jsonb");
        builder.HasIndex(notification => notification.EventId).IsUnique();
        builder.HasIndex(notification => new { notification.UserId, notification.Id }).IsDescending(false, true);
        builder.HasIndex(notification => new { notification.UserId, notification.Id }, "ix_notifications_unread").HasDatabaseName("ix_notifications_unread")
            .IsDescending(false, true)
            .HasFilter("read_at IS NULL");
    }
}

using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Inbox;

/// <summary>A notification of one event to one user, in the user's language at that time.</summary>
internal sealed class Notification
{
    public const int MaxTitleLength = 200;

    /// <summary>From <see cref="Messaging.TimeOrderedId"/> with the event's time: the feed's sort key.</summary>
    public Guid Id { get; init; }

    /// <summary>The event. Unique, so that a redelivered event notifies once.</summary>
    public Guid EventId { get; init; }
    public Guid UserId { get; init; }

    /// <summary>The event's wire name.</summary>
    public required string Type { get; init; }
    public required string Title { get; init; }
    public required string Body { get; init; }

    /// <summary>Ids and amounts that a client needs to open the subject: a JSON object of strings.</summary>
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

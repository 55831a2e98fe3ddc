using System.Text.Json.Serialization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Inbox;

/// <summary>A notification to one user. Its text is rendered when it is read or sent, in the user's language at that time.</summary>
internal sealed class Notification
{
    public const int MaxTitleLength = 200;

    /// <summary>From <see cref="Messaging.TimeOrderedId"/> with the time of the cause.</summary>
    public Guid Id { get; init; }

    /// <summary>The event that caused it, or a <see cref="Dispatch.CauseId"/>. Unique, so that a redelivered event notifies once.</summary>
    public Guid EventId { get; init; }

    /// <summary>The <see cref="Sending.SendRequest"/> of which it is a part; null for an event's.</summary>
    public Guid? RequestId { get; init; }
    public Guid UserId { get; init; }

    /// <summary>The event's wire name, or another name for clients and preferences.</summary>
    public required string Type { get; init; }

    /// <summary>Null for a notification from before there were templates; it has a <see cref="Title"/> and a <see cref="Body"/>.</summary>
    public string? TemplateCode { get; init; }

    /// <summary>The template's variables: a JSON object.</summary>
    public string? Variables { get; init; }
    public string? Title { get; init; }
    public string? Body { get; init; }
    public Priority Priority { get; init; } = Priority.Normal;

    /// <summary>Not delivered after this instant.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Ids and amounts that a client needs to open the subject: a JSON object of strings.</summary>
    public required string Data { get; init; }
    public DateTimeOffset? ReadAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>One of <see cref="Folders"/>.</summary>
    public string Folder { get; init; } = Folders.Inbox;

    /// <summary>Only in the archive.</summary>
    public DateTimeOffset? ArchivedAt { get; init; }

    /// <summary>Only while snoozed.</summary>
    public DateTimeOffset? SnoozedUntil { get; init; }

    /// <summary>The sort key of lists: the id, or after a snooze one of the time when it ended.</summary>
    public Guid SortKey { get; init; }

    /// <summary>The place in the user's stream, from <see cref="InboxHead"/>. A later commit has a higher one; ids, which have the time of their cause, do not.</summary>
    public long Position { get; init; }

    public NotificationContent Content => new(TemplateCode, Variables, Title, Body);
}

/// <summary>The folders as stored. A notification is in one.</summary>
internal static class Folders
{
    public const string Inbox = "inbox";
    public const string Archive = "archive";

    /// <summary>Hidden until its time.</summary>
    public const string Snoozed = "snoozed";

    /// <summary>Not of the user: a push or an e-mail that merges others.</summary>
    public const string Digest = "digest";

    public const int MaxLength = 10;
}

/// <summary>How urgent a notification is: a higher one overtakes a lower one on its way to the provider. Stored as its number.</summary>
public enum Priority : short
{
    [JsonStringEnumMemberName("low")]
    Low = 0,

    [JsonStringEnumMemberName("normal")]
    Normal = 1,

    [JsonStringEnumMemberName("high")]
    High = 2,
}

internal sealed class NotificationConfiguration : IEntityTypeConfiguration<Notification>
{
    public void Configure(EntityTypeBuilder<Notification> builder)
    {
        builder.ToTable("notifications");
        builder.HasKey(notification => notification.Id);
        builder.Property(notification => notification.Id).ValueGeneratedNever();
        builder.Property(notification => notification.Type).HasMaxLength(100);
        builder.Property(notification => notification.TemplateCode).HasMaxLength(100);
        builder.Property(notification => notification.Variables).HasColumnType("jsonb");
        builder.Property(notification => notification.Title).HasMaxLength(Notification.MaxTitleLength);
        builder.Property(notification => notification.Priority).HasDefaultValue(Priority.Normal).HasSentinel(Priority.Normal);
        builder.Ignore(notification => notification.Content);
        builder.Property(notification => notification.Data).HasColumnType("jsonb");
        builder.HasIndex(notification => notification.EventId).IsUnique();
        builder.HasIndex(notification => notification.RequestId).HasFilter("request_id IS NOT NULL");
        builder.Property(notification => notification.Folder).HasMaxLength(Folders.MaxLength).HasDefaultValue(Folders.Inbox).HasSentinel(Folders.Inbox);
        builder.HasIndex(notification => new { notification.UserId, notification.Folder, notification.SortKey }).IsDescending(false, false, true);
        builder.HasIndex(notification => new { notification.UserId, notification.SortKey }, "ix_notifications_unread").HasDatabaseName("ix_notifications_unread")
            .IsDescending(false, true)
            .HasFilter($"read_at IS NULL AND folder = '{Folders.Inbox}'");
        builder.HasIndex(notification => new { notification.UserId, notification.Position });
        builder.HasIndex(notification => notification.SnoozedUntil).HasFilter("snoozed_until IS NOT NULL"); // for SnoozeWorker
        builder.HasIndex(notification => notification.CreatedAt).HasFilter($"folder = '{Folders.Digest}'"); // for DigestCleanup
    }
}

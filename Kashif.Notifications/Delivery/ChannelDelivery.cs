using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Delivery;

/// <summary>
/// The delivery of one notification to one device or address, or of one account mail: the durable truth, of which the queues hold
/// only references. It has the device's id without a foreign key, because it outlives the device.
/// </summary>
internal sealed class ChannelDelivery
{
    public long Id { get; init; }

    /// <summary>One of <see cref="ChannelNames"/>.</summary>
    public required string Channel { get; init; }

    /// <summary>Null for an account mail.</summary>
    public Guid? NotificationId { get; init; }

    /// <summary>Only for a push.</summary>
    public Guid? DeviceId { get; init; }

    /// <summary>Only for an account mail: its user. Otherwise the notification has it.</summary>
    public Guid? UserId { get; init; }

    /// <summary>An <see cref="Templates.AccountMail"/> as JSON; erased when the delivery ends, because it contains a secret and an address.</summary>
    public string? AccountMail { get; init; }

    /// <summary>One of <see cref="DeliveryState"/>.</summary>
    public required string State { get; init; }

    public Priority Priority { get; init; } = Priority.Normal;

    /// <summary>How often sending it was started. Only the latest attempt may record an outcome.</summary>
    public int Attempts { get; init; }

    /// <summary>When it is due; while it is queued or sent, when its lease ends.</summary>
    public DateTimeOffset NextAttemptAt { get; init; }

    /// <summary>Null: it is sent however late it is.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Why the last attempt failed: a code, not a text, which could contain a token or an address.</summary>
    public string? LastError { get; init; }

    /// <summary>The provider's name of the message: FCM's message name, or the mail's Message-ID.</summary>
    public string? ProviderId { get; init; }

    /// <summary>When an attempt last ended; before that, when it was stored.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Only for a dead one: whether it is in <c>failed.queue</c>.</summary>
    public bool Reported { get; init; }
}

/// <summary>The states as stored.</summary>
internal static class DeliveryState
{
    /// <summary>Waits for its first attempt.</summary>
    public const string Queued = "queued";

    /// <summary>Accepted by the push service or the mail server.</summary>
    public const string Sent = "sent";

    /// <summary>Its arrival is confirmed, which neither FCM nor SMTP does.</summary>
    public const string Delivered = "delivered";

    /// <summary>The last attempt failed; another follows.</summary>
    public const string Failed = "failed";

    /// <summary>Refused, expired, or given up after the last attempt.</summary>
    public const string Dead = "dead";

    /// <summary>In SQL: it has not ended. Also true for the states of earlier versions.</summary>
    public const string IsOpen = "state NOT IN ('sent', 'delivered', 'dead')";
}

internal sealed class ChannelDeliveryConfiguration : IEntityTypeConfiguration<ChannelDelivery>
{
    public void Configure(EntityTypeBuilder<ChannelDelivery> builder)
    {
        builder.ToTable("deliveries");
        builder.HasKey(delivery => delivery.Id);
        builder.Property(delivery => delivery.Channel).HasMaxLength(10);
        builder.Property(delivery => delivery.AccountMail).HasColumnName("letter").HasColumnType("jsonb");
        builder.Property(delivery => delivery.State).HasMaxLength(10);
        builder.Property(delivery => delivery.Priority).HasDefaultValue(Priority.Normal).HasSentinel(Priority.Normal);
        builder.Property(delivery => delivery.LastError).HasMaxLength(50);
        builder.Property(delivery => delivery.ProviderId).HasMaxLength(400);
        builder.Property(delivery => delivery.UpdatedAt).HasDefaultValueSql("now()");
        builder.HasOne<Notification>().WithMany().HasForeignKey(delivery => delivery.NotificationId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(delivery => new { delivery.Channel, delivery.Priority, delivery.NextAttemptAt }).HasFilter(DeliveryState.IsOpen);
        builder.HasIndex(delivery => delivery.NextAttemptAt).HasFilter("state IN ('sent', 'delivered', 'dead')"); // for DeliveryCleanup
        builder.HasIndex(delivery => delivery.Id, "ix_deliveries_dead").HasDatabaseName("ix_deliveries_dead").HasFilter("state = 'dead'");
        builder.HasIndex(delivery => new { delivery.Channel, delivery.Id }, "ix_deliveries_unreported").HasDatabaseName("ix_deliveries_unreported")
            .HasFilter("state = 'dead' AND NOT reported");
        builder.HasIndex(delivery => delivery.UserId).HasFilter("user_id IS NOT NULL");
    }
}

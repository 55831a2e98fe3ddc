using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Delivery;

/// <summary>
/// The delivery of one notification to one device or address, or of one account mail. It has the device's id without a foreign
/// key, because it outlives the device.
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

    /// <summary>How often it was leased. Only the latest attempt may record an outcome.</summary>
    public int Attempts { get; init; }

    /// <summary>When it is due; during an attempt, when its lease expires.</summary>
    public DateTimeOffset NextAttemptAt { get; init; }

    /// <summary>Why the last attempt failed: a code, not a text, which could contain a token or an address.</summary>
    public string? LastError { get; init; }
}

/// <summary>The states as stored.</summary>
internal static class DeliveryState
{
    public const string Pending = "pending";

    /// <summary>Accepted by the push service or the mail server.</summary>
    public const string Sent = "sent";

    /// <summary>Permanently refused.</summary>
    public const string Failed = "failed";

    /// <summary>Given up after the last attempt.</summary>
    public const string Dead = "dead";
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
        builder.Property(delivery => delivery.LastError).HasMaxLength(50);
        builder.HasOne<Notification>().WithMany().HasForeignKey(delivery => delivery.NotificationId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(delivery => new { delivery.Channel, delivery.NextAttemptAt }).HasFilter($"state = '{DeliveryState.Pending}'");
        builder.HasIndex(delivery => delivery.NextAttemptAt).HasFilter($"state <> '{DeliveryState.Pending}'"); // for DeliveryCleanup
        builder.HasIndex(delivery => delivery.UserId).HasFilter("user_id IS NOT NULL");
    }
}

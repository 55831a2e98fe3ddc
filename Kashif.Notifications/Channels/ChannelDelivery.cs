using Kashif.Notifications.Feed;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Channels;

/// <summary>
/// One message's way over one channel: a notification's to a device or to the person's address, or a letter's to the address
/// that it names. It outlives the device, so it only names it.
/// </summary>
internal sealed class ChannelDelivery
{
    public long Id { get; init; }

    /// <summary>Of <see cref="DeliveryChannel"/>.</summary>
    public required string Channel { get; init; }

    /// <summary>Null for a letter.</summary>
    public Guid? NotificationId { get; init; }

    /// <summary>For a push.</summary>
    public Guid? DeviceId { get; init; }

    /// <summary>Whose letter it is, where there is no notification that says so.</summary>
    public Guid? UserId { get; init; }

    /// <summary>A <see cref="Channels.AccountMail"/> as JSON, until it is settled: it holds a secret and an address.</summary>
    public string? AccountMail { get; init; }

    /// <summary>Of <see cref="DeliveryState"/>.</summary>
    public required string State { get; init; }

    /// <summary>How often it has been taken up, and so which attempt may still decide about it.</summary>
    public int Attempts { get; init; }

    /// <summary>When it is due; while an attempt is under way, when that counts as lost.</summary>
    public DateTimeOffset NextAttemptAt { get; init; }

    /// <summary>Why the last attempt did not succeed: a code, never a text that could hold a token or an address.</summary>
    public string? LastError { get; init; }
}

/// <summary>The channels, as they are stored.</summary>
internal static class DeliveryChannel
{
    public const string Push = "push";
    public const string Email = "email";
}

/// <summary>The states, as they are stored.</summary>
internal static class DeliveryState
{
    public const string Pending = "pending";

    /// <summary>Leased by the push service or the mail server.</summary>
    public const string Sent = "sent";

    /// <summary>Refused for good: trying again would not help.</summary>
    public const string Failed = "failed";

    /// <summary>Given up after the last try.</summary>
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
        builder.HasIndex(delivery => delivery.UserId).HasFilter("user_id IS NOT NULL");
    }
}

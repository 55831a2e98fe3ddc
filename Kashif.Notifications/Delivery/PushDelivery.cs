using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Delivery;

/// <summary>One notification's way to one device. It outlives the device, so it only names it.</summary>
internal sealed class PushDelivery
{
    public long Id { get; init; }
    public Guid NotificationId { get; init; }
    public Guid DeviceId { get; init; }

    /// <summary>Of <see cref="DeliveryState"/>.</summary>
    public required string State { get; init; }

    /// <summary>How often it has been taken up, and so which attempt may still decide about it.</summary>
    public int Attempts { get; init; }

    /// <summary>When it is due; while an attempt is under way, when that counts as lost.</summary>
    public DateTimeOffset NextAttemptAt { get; init; }

    /// <summary>Why the last attempt did not succeed: a code, never a text that could hold a token.</summary>
    public string? LastError { get; init; }
}

/// <summary>The states, as they are stored.</summary>
internal static class DeliveryState
{
    public const string Pending = "pending";

    /// <summary>Taken by the push service.</summary>
    public const string Sent = "sent";

    /// <summary>Refused for good: trying again would not help.</summary>
    public const string Failed = "failed";

    /// <summary>Given up after the last try.</summary>
    public const string Dead = "dead";
}

internal sealed class PushDeliveryConfiguration : IEntityTypeConfiguration<PushDelivery>
{
    public void Configure(EntityTypeBuilder<PushDelivery> builder)
    {
        builder.ToTable("deliveries");
        builder.HasKey(delivery => delivery.Id);
        builder.Property(delivery => delivery.State).HasMaxLength(10);
        builder.Property(delivery => delivery.LastError).HasMaxLength(50);
        builder.HasOne<Notification>().WithMany().HasForeignKey(delivery => delivery.NotificationId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(delivery => delivery.NextAttemptAt).HasFilter($"state = '{DeliveryState.Pending}'");
    }
}

using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Preferences;

/// <summary>A push or an e-mail that waits for the end of quiet hours or a pause, or for the digest. <see cref="DigestWorker"/> merges what a user has waiting.</summary>
internal sealed class HeldDelivery
{
    public Guid NotificationId { get; init; }

    /// <summary>One of <see cref="ChannelNames"/>.</summary>
    public required string Channel { get; init; }
    public Guid UserId { get; init; }
    public DateTimeOffset ReleaseAt { get; init; }
}

internal sealed class HeldDeliveryConfiguration : IEntityTypeConfiguration<HeldDelivery>
{
    public void Configure(EntityTypeBuilder<HeldDelivery> builder)
    {
        builder.ToTable("held_deliveries");
        builder.HasKey(held => new { held.NotificationId, held.Channel });
        builder.Property(held => held.Channel).HasMaxLength(10);
        builder.HasOne<Notification>().WithMany().HasForeignKey(held => held.NotificationId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(held => held.ReleaseAt);
        builder.HasIndex(held => new { held.UserId, held.ReleaseAt });
    }
}

using Kashif.Messaging;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Preferences;
using Kashif.Notifications.Unsubscribe;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Data;

internal sealed class NotificationsDbContext(DbContextOptions<NotificationsDbContext> options) : DbContext(options)
{
    public DbSet<Notification> Notifications => Set<Notification>();
    public DbSet<InboxHead> InboxHeads => Set<InboxHead>();
    public DbSet<Recipient> Recipients => Set<Recipient>();
    public DbSet<UserPreferences> Preferences => Set<UserPreferences>();
    public DbSet<HeldDelivery> HeldDeliveries => Set<HeldDelivery>();
    public DbSet<UnsubscribeKey> UnsubscribeKeys => Set<UnsubscribeKey>();
    public DbSet<Device> Devices => Set<Device>();
    public DbSet<EndedSession> EndedSessions => Set<EndedSession>();
    public DbSet<ChannelDelivery> Deliveries => Set<ChannelDelivery>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.ApplyKashifConventions(this);
}

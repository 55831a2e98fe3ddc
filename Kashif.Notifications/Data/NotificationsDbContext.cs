using Kashif.Messaging;
using Kashif.Notifications.Alerts;
using Kashif.Notifications.Assistant;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Sending;
using Kashif.Notifications.Topics;
using Kashif.Notifications.Templates;
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
    public DbSet<SendRequest> SendRequests => Set<SendRequest>();
    public DbSet<TopicSubscription> TopicSubscriptions => Set<TopicSubscription>();
    public DbSet<Alert> Alerts => Set<Alert>();
    public DbSet<PendingReport> PendingReports => Set<PendingReport>();
    public DbSet<AssistantMessage> AssistantMessages => Set<AssistantMessage>();
    public DbSet<KnownCoupon> KnownCoupons => Set<KnownCoupon>();
    public DbSet<TemplateVersion> TemplateVersions => Set<TemplateVersion>();
    public DbSet<OwnTemplate> OwnTemplates => Set<OwnTemplate>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasPostgresExtension("cube");
        modelBuilder.ApplyKashifConventions(this);
    }
}

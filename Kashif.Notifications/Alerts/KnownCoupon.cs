using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Alerts;

/// <summary>
/// A coupon as its events tell: every coupon that was published or watched and has not ended, so that no event is lost between the reading of a coupon and its alert.
/// </summary>
internal sealed class KnownCoupon
{
    public int Id { get; init; }
    public required string Title { get; set; }

    /// <summary>Only whether it is 0 is up to date.</summary>
    public int Stock { get; set; }
    public DateTimeOffset? EndsAt { get; set; }

    /// <summary>Of the latest event; 0 for a coupon read from Coupons, which any event replaces.</summary>
    public int Version { get; set; }

    /// <summary>Adds the coupons that are not known yet.</summary>
    public static Task AddAsync(NotificationsDbContext database, IEnumerable<KnownCoupon> coupons, CancellationToken cancellationToken)
    {
        // In one order, so that two batches wait for each other instead of deadlocking.
        var rows = coupons.OrderBy(coupon => coupon.Id).ToList();
        return database.Database.ExecuteSqlAsync($"""
            INSERT INTO known_coupons (id, title, stock, ends_at, version)
            SELECT * FROM unnest({rows.ConvertAll(row => row.Id)}, {rows.ConvertAll(row => row.Title)}, {rows.ConvertAll(row => row.Stock)}, {rows.ConvertAll(row => row.EndsAt)}, {rows.ConvertAll(row => row.Version)})
            ON CONFLICT (id) DO NOTHING
            """, cancellationToken);
    }
}

/// <summary>Deletes coupons that have ended, unless an alert watches one: it may be offered again.</summary>
internal sealed class KnownCouponCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<KnownCouponCleanup> logger) : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<NotificationsDbContext>();
        var before = _time.GetUtcNow().AddDays(-1);
        return database.KnownCoupons.Where(coupon => coupon.EndsAt < before && !database.Alerts.Any(alert => alert.CouponId == coupon.Id)).ExecuteDeleteAsync(cancellationToken);
    }
}

internal sealed class KnownCouponConfiguration : IEntityTypeConfiguration<KnownCoupon>
{
    public void Configure(EntityTypeBuilder<KnownCoupon> builder)
    {
        builder.ToTable("known_coupons");
        builder.HasKey(coupon => coupon.Id);
        builder.Property(coupon => coupon.Id).ValueGeneratedNever();
        builder.HasIndex(coupon => coupon.EndsAt).HasFilter("ends_at IS NOT NULL");
    }
}

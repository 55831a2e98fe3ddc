using System.ComponentModel.DataAnnotations;
using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Alerts;

/// <summary>Section <c>Alerts</c>.</summary>
internal sealed class AlertOptions
{
    public const string Section = "Alerts";

    /// <summary>How long before its end a coupon is about to expire.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00", ErrorMessage = "Alerts:CouponExpiry must be between one minute and a year, such as 3.00:00:00.")]
    public TimeSpan CouponExpiry { get; set; } = TimeSpan.FromDays(3);

    /// <summary>How often coupons that are about to expire are looked for.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00", ErrorMessage = "Alerts:Poll must be between 10 ms and one day, such as 00:01:00.")]
    public TimeSpan Poll { get; set; } = TimeSpan.FromMinutes(1);
}

/// <summary>
/// Tells the users who watch a coupon that it is about to expire, once for each end. Replicas share the work: each takes rows that no other
/// has locked. A muted alert is marked all the same, so that it does not catch up.
/// </summary>
internal sealed class CouponExpiry(IServiceScopeFactory scopes, TimeProvider time, IOptions<AlertOptions> options, ILogger<CouponExpiry> logger)
    : PeriodicService(scopes, options.Value.Poll, time, logger)
{
    private const int Batch = 500;
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        while (await AnnounceAsync(services, cancellationToken) == Batch)
        {
        }
    }

    /// <returns>The number of alerts marked.</returns>
    private async Task<int> AnnounceAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var database = services.GetRequiredService<NotificationsDbContext>();
        var notifications = services.GetRequiredService<NotificationWriter>();
        var writer = services.GetRequiredService<AlertWriter>();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var expiring = await database.Database
            .SqlQuery<ExpiringAlert>($"""
                WITH due AS (
                    SELECT alerts.id, coupon.title, coupon.ends_at
                    FROM known_coupons coupon JOIN alerts ON alerts.coupon_id = coupon.id
                    WHERE coupon.ends_at > {now} AND coupon.ends_at <= {now + options.Value.CouponExpiry} AND alerts.expiring_for IS DISTINCT FROM coupon.ends_at
                    LIMIT {Batch} FOR UPDATE OF alerts SKIP LOCKED
                )
                UPDATE alerts SET expiring_for = due.ends_at FROM due WHERE alerts.id = due.id
                RETURNING alerts.id, alerts.user_id, alerts.muted, alerts.coupon_id, due.title, due.ends_at
                """)
            .ToListAsync(cancellationToken);
        writer.Add([.. expiring.Where(alert => !alert.Muted).Select(alert => Draft(alert, now))]);
        await notifications.CompleteAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        notifications.Committed();
        writer.Committed();
        return expiring.Count;
    }

    private static NotificationDraft Draft(ExpiringAlert alert, DateTimeOffset now)
    {
        var end = new Guid(0, 0, 0, BitConverter.GetBytes(alert.EndsAt.UtcTicks)); // once for each end
        return AlertWriter.Draft(
            CauseId.Of(alert.Id, end), alert.UserId, alert.Id, AlertTemplates.CouponExpiring, new() { ["title"] = alert.Title, ["ends_at"] = alert.EndsAt }, now,
            ("coupon_id", alert.CouponId)) with
        { ExpiresAt = alert.EndsAt };
    }

    private sealed record ExpiringAlert(Guid Id, Guid UserId, bool Muted, int CouponId, string Title, DateTimeOffset EndsAt);
}

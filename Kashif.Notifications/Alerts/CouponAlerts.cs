using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Data;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Alerts;

/// <summary>Keeps the coupons up to date, and tells the users who watch one that it is back in stock.</summary>
internal sealed class CouponUpdatedHandler(NotificationsDbContext database, AlertWriter writer) : IEventHandler<CouponUpdated>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<CouponUpdated>> events, CancellationToken cancellationToken)
    {
        var inOrder = events.OrderBy(received => received.Data.Version).ToList();
        await KnownCoupon.AddAsync(database, inOrder.DistinctBy(received => received.Data.CouponId).Select(received => ToCoupon(received.Data)), cancellationToken);
        var ids = inOrder.ConvertAll(received => received.Data.CouponId);
        var known = await database.KnownCoupons
            .FromSql($"SELECT * FROM known_coupons WHERE id = ANY ({ids}) ORDER BY id FOR UPDATE")
            .ToDictionaryAsync(coupon => coupon.Id, cancellationToken);
        var back = inOrder.Where(received => IsBack(known[received.Data.CouponId], received)).ToList();
        if (back.Count == 0)
        {
            return;
        }

        var coupons = back.ConvertAll(received => (int?)received.Data.CouponId);
        var alerts = (await database.Alerts.AsNoTracking().Where(alert => coupons.Contains(alert.CouponId) && !alert.Muted).ToListAsync(cancellationToken))
            .ToLookup(alert => alert.CouponId);
        writer.Add(
            [
                .. from received in back
                   from alert in alerts[received.Data.CouponId]
                   where alert.ActiveSince <= received.Time
                   select AlertWriter.Draft(
                       CauseId.Of(received.Id, alert.Id), alert.UserId, alert.Id, AlertTemplates.CouponBack, new() { ["title"] = received.Data.Title }, received.Time,
                       ("coupon_id", received.Data.CouponId)),
            ]);
    }

    /// <summary>Applies the event, unless a later one was applied before.</summary>
    private static bool IsBack(KnownCoupon coupon, ReceivedEvent<CouponUpdated> received)
    {
        var data = received.Data;
        if (data.Version <= coupon.Version)
        {
            return false;
        }

        var isBack = coupon.Stock == 0 && data.Stock > 0 && !(data.EndsAt <= received.Time);
        (coupon.Title, coupon.Stock, coupon.EndsAt, coupon.Version) = (data.Title, data.Stock, data.EndsAt, data.Version);
        return isBack;
    }

    private static KnownCoupon ToCoupon(CouponUpdated data) => new()
    {
        Id = data.CouponId,
        Title = data.Title,
        Stock = data.Stock,
        EndsAt = data.EndsAt,
        Version = data.Version,
    };
}

using Kashif.Coupons.Data;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Shop;

/// <summary>
/// Keeps a deleted user's orders, for the stock and the sellers, without the user's id and addresses. An order that is not shipped yet
/// has no address any more: it is cancelled, and its points go back to the shared account of former users.
/// </summary>
internal static class OrderErasure
{
    public static Task<bool> HasOpenAsync(CouponsDbContext database, Guid userId, CancellationToken cancellationToken) =>
        database.Orders.AnyAsync(row => row.UserId == userId && (row.Status == OrderStatus.Placed || row.Status == OrderStatus.Cancelling), cancellationToken);

    public static async Task EraseAsync(CouponsDbContext database, Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var waiting = await database.Orders
            .FromSql($"SELECT * FROM orders WHERE user_id = {userId} AND status IN ('paid', 'packed') ORDER BY id FOR NO KEY UPDATE")
            .ToListAsync(cancellationToken);
        foreach (var order in waiting)
        {
            var from = order.Status;
            order.Reach(OrderStatus.Cancelling, now, CancelReasons.AccountDeleted);
            order.LeasedUntil = now;
            database.Publish(new OrderUpdated(order.Id, ErasedUser.Id, from.WireName, order.Status.WireName, order.Version), now);
        }

        await database.SaveChangesAsync(cancellationToken);

        // One that was placed or cancelled meanwhile is still to be debited or refunded under the user's id; a later event of the deletion finds it.
        await database.Orders
            .Where(row => row.UserId == userId && row.Status != OrderStatus.Placed && (row.Status != OrderStatus.Cancelling || row.CancelReason == CancelReasons.AccountDeleted))
            .ExecuteUpdateAsync(
                set => set.SetProperty(row => row.UserId, ErasedUser.Id).SetProperty(row => row.ShippingAddress, (Address?)null).SetProperty(row => row.BillingAddress, (Address?)null),
                cancellationToken);
    }
}

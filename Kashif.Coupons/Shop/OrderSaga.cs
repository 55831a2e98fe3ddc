using System.Diagnostics;
using System.Security.Claims;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Points;
using Kashif.Coupons.Redemptions;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Coupons.Shop;

/// <summary>
/// Sells products in three steps, with their state in the database, like <see cref="RedemptionSaga"/>: reserve all items or none, debit
/// the points in Gamification under the order's id, then sell the reserved items or release them. A cancellation is a saga too: from
/// <see cref="OrderStatus.Cancelling"/> on no worker pays the order; then the points are given back, then the items. An order that waits
/// for its debit for too long (<see cref="RedemptionOptions.ReserveFor"/>) is cancelled in the same way. Any worker may
/// repeat a step at any time: debit and refund are idempotent by id, and each change of the order is made under its lock, once. Locks
/// are taken in one order: the user, the order, its products by sku.
/// </summary>
internal sealed class OrderSaga(
    CouponsDbContext database, UnitOfWork work, PointsClient points, CompanyAccess access, OrderMetrics metrics, TimeProvider time,
    IOptions<RedemptionOptions> options)
{
    public static Error NotFound { get; } = Error.NotFound("Order not found.");

    public static Error InsufficientPoints { get; } = Error.Rule("insufficient_points", "You do not have enough points for this order.");

    public static Error ReservationExpired { get; } = Error.Rule(
        CancelReasons.ReservationExpired, "Your points could not be debited in time, so this order is cancelled. Try again.");

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The order's version does not match If-Match. Read the order again.");

    private static Error NotYours { get; } = Error.Forbidden(
        "forbidden", "This order also has products that you do not manage. Ask an admin.");

    /// <summary>Reserves all items for the user, or none.</summary>
    /// <param name="quantities">By the product's sku.</param>
    /// <param name="answer">The answer for the client's idempotency key if it stops here.</param>
    public async Task<(Order? Placed, Error? Refusal)> PlaceAsync(
        OrderRequest request, Dictionary<string, int> quantities, Guid userId, Func<Order, IResult> answer, CancellationToken cancellationToken)
    {
        await using var transaction = await BeginAsync(cancellationToken);

        // One request of a user at a time, so that the count of open orders is exact.
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended({userId.ToString()}, 0))", cancellationToken);
        if (await database.Orders.CountAsync(
            row => row.UserId == userId && (row.Status == OrderStatus.Placed || row.Status == OrderStatus.Cancelling), cancellationToken) >= options.Value.OpenPerUser)
        {
            return (null, Error.Rule("too_many_open_orders", "You have too many open orders. Wait until one of them is paid."));
        }

        var products = await database.LockAsync([.. quantities.Keys], cancellationToken);
        foreach (var (sku, quantity) in quantities)
        {
            if (products[sku].WithdrawnAt is not null)
            {
                return (null, Error.Rule("product_not_available", Localized.Format($"The product {sku} is not on offer any more.")));
            }

            if (products[sku].Available < quantity)
            {
                return (null, Error.Rule("out_of_stock", Localized.Format($"Not enough of {sku} is in stock.")));
            }
        }

        var now = time.GetUtcNow();
        var order = new Order
        {
            Id = TimeOrderedId.Create(now),
            UserId = userId,
            TotalPoints = quantities.Sum(item => item.Value * products[item.Key].PointsCost),
            ShippingAddress = request.ShippingAddress,
            BillingAddress = request.BillingAddress,
            CreatedAt = now,
            UpdatedAt = now,
            ReservedUntil = now + options.Value.ReserveFor,
            LeasedUntil = now + options.Value.Lease,
        };
        if (request.TotalPoints is { } shown && shown != order.TotalPoints)
        {
            return (null, Error.Rule("price_changed", "The price of a product has changed. Load the products again."));
        }

        foreach (var (sku, quantity) in quantities)
        {
            var product = products[sku];
            order.Items.Add(new OrderItem
            {
                ProductId = product.Id,
                Sku = sku,
                Name = product.Name,
                CompanyId = product.CompanyId,
                Quantity = quantity,
                PointsCost = product.PointsCost,
            });
            database.Move(product, MovementKind.Reserved, quantity, now, order.Id);
        }

        database.Orders.Add(order);
        database.Publish(
            new OrderCreated(order.Id, userId, [.. order.Items.Select(item => new OrderedProduct(item.Sku, item.Quantity, item.PointsCost))], order.TotalPoints, order.Version), now);
        await work.CommitAsync(answer(order), cancellationToken);
        metrics.Reached(OrderStatus.Placed);
        return (order, null);
    }

    /// <summary>Pays an open order or gives its points back, or leaves it open if the outcome is unknown.</summary>
    /// <param name="answer">The answer for the client's idempotency key.</param>
    /// <returns>The order; null if it is still open.</returns>
    public async Task<Order?> SettleAsync(Order open, Func<Order, IResult> answer, CancellationToken cancellationToken)
    {
        if (open.Status == OrderStatus.Placed && open.ReservedUntil <= time.GetUtcNow())
        {
            open = await ExpireAsync(open.Id, answer, cancellationToken);
            if (open.Status != OrderStatus.Cancelling)
            {
                return open; // another worker has settled it
            }
        }

        if (open.Status == OrderStatus.Placed)
        {
            var settled = await points.DebitAsync(open.Id, DebitOf(open), options.Value.DebitTimeout, cancellationToken) switch
            {
                DebitOutcome.Debited => await EndAsync(open.Id, OrderStatus.Placed, OrderStatus.Paid, answer, cancellationToken),
                DebitOutcome.Refused => await EndAsync(open.Id, OrderStatus.Placed, OrderStatus.Cancelled, answer, cancellationToken),
                DebitOutcome.Unknown => null,
                _ => throw new UnreachableException(),
            };
            if (settled?.Status is not OrderStatus.Cancelling)
            {
                return settled;
            }

            open = settled; // Cancelled meanwhile.
        }

        return await points.RefundAsync(open.Id, DebitOf(open), options.Value.DebitTimeout, cancellationToken) == DebitOutcome.Unknown
            ? null
            : await EndAsync(open.Id, OrderStatus.Cancelling, OrderStatus.Cancelled, answer, cancellationToken);
    }

    /// <summary>Begins to cancel an order whose points were not debited in time, unless another worker has settled it.</summary>
    private async Task<Order> ExpireAsync(Guid id, Func<Order, IResult> answer, CancellationToken cancellationToken)
    {
        await using var transaction = await BeginAsync(cancellationToken);
        var order = await LockOrderAsync(id, cancellationToken) ?? throw new InvalidOperationException("Orders are not deleted.");
        var isFirst = order.Status == OrderStatus.Placed;
        if (isFirst)
        {
            Change(order, OrderStatus.Cancelling, time.GetUtcNow(), CancelReasons.ReservationExpired);
        }

        await work.CommitAsync(answer(order), cancellationToken);
        if (isFirst)
        {
            metrics.Reached(OrderStatus.Cancelling);
        }

        return order;
    }

    /// <summary>Begins to cancel an order: its buyer until it is packed, its seller until it is shipped. Repeating changes nothing.</summary>
    /// <param name="answer">The answer for the client's idempotency key if it stops here.</param>
    public async Task<(Order? Cancelling, Error? Refusal)> CancelAsync(
        Guid id, ClaimsPrincipal user, Func<Order, IResult> answer, CancellationToken cancellationToken)
    {
        await using var transaction = await BeginAsync(cancellationToken);
        if (await LockOrderAsync(id, cancellationToken) is not { } order)
        {
            return (null, NotFound);
        }

        var isBuyer = order.UserId == user.UserId;
        var denied = await DeniedAsync(order, user, cancellationToken);
        if (denied is not null && !isBuyer)
        {
            return (null, denied);
        }

        if (order.Status is OrderStatus.Cancelling or OrderStatus.Cancelled)
        {
            await work.CommitAsync(answer(order), cancellationToken);
            return (order, null);
        }

        if (!(order.Status is OrderStatus.Placed or OrderStatus.Paid || (order.Status == OrderStatus.Packed && denied is null)))
        {
            return (null, InvalidTransition(order.Status, OrderStatus.Cancelled));
        }

        var now = time.GetUtcNow();
        order.LeasedUntil = now + options.Value.Lease;
        Change(order, OrderStatus.Cancelling, now, isBuyer ? CancelReasons.Buyer : CancelReasons.Seller);
        await work.CommitAsync(answer(order), cancellationToken);
        metrics.Reached(OrderStatus.Cancelling);
        return (order, null);
    }

    /// <summary>Moves a paid order on to its buyer, one step at a time.</summary>
    public async Task<(Order? Changed, Error? Refusal)> AdvanceAsync(Guid id, OrderStatus to, HttpContext http, CancellationToken cancellationToken)
    {
        await using var transaction = await BeginAsync(cancellationToken);
        if (await LockOrderAsync(id, cancellationToken) is not { } order)
        {
            return (null, NotFound);
        }

        if (await DeniedAsync(order, http.User, cancellationToken) is { } denied)
        {
            return (null, denied);
        }

        if (http.IsStale(order.Version))
        {
            return (null, Stale);
        }

        if ((order.Status, to) is not ((OrderStatus.Paid, OrderStatus.Packed) or (OrderStatus.Packed, OrderStatus.Shipped) or (OrderStatus.Shipped, OrderStatus.Delivered)))
        {
            return (null, InvalidTransition(order.Status, to));
        }

        Change(order, to, time.GetUtcNow());
        await work.CommitAsync(TypedResults.Ok(), cancellationToken);
        metrics.Reached(to);
        return (order, null);
    }

    private static DebitRequest DebitOf(Order order) => new(order.UserId, order.TotalPoints, OrderId: order.Id);

    private static Error InvalidTransition(OrderStatus from, OrderStatus to) => Error.Rule(
        "invalid_status_transition", Localized.Format($"An order cannot change from {from.WireName} to {to.WireName}."));

    /// <summary>Begins a step of its own: an order that a former step has loaded would hide the changes of other workers.</summary>
    private Task<IAsyncDisposable> BeginAsync(CancellationToken cancellationToken)
    {
        database.ChangeTracker.Clear();
        return work.BeginAsync(cancellationToken);
    }

    private async Task<Order?> LockOrderAsync(Guid id, CancellationToken cancellationToken)
    {
        var order = (await database.Orders.FromSql($"SELECT * FROM orders WHERE id = {id} FOR NO KEY UPDATE").ToListAsync(cancellationToken)).SingleOrDefault();
        if (order is not null)
        {
            await database.OrderItems.Where(item => item.OrderId == id).OrderBy(item => item.Sku).LoadAsync(cancellationToken);
        }

        return order;
    }

    /// <summary>Null for an admin and for a partner who manages all products of the order.</summary>
    private async Task<Error?> DeniedAsync(Order order, ClaimsPrincipal user, CancellationToken cancellationToken)
    {
        if (user.IsInRole(Roles.Admin))
        {
            return null;
        }

        var managed = user.IsInRole(Roles.Partner) ? await access.Managed(user).ToListAsync(cancellationToken) : [];
        return order.Items.Count(item => item.CompanyId is { } company && managed.Contains(company)) switch
        {
            0 => NotFound,
            var own when own < order.Items.Count => NotYours,
            _ => null,
        };
    }

    /// <summary>Ends the open state <paramref name="from"/>, unless another worker has ended it, and moves the items accordingly.</summary>
    private async Task<Order> EndAsync(
        Guid id, OrderStatus from, OrderStatus to, Func<Order, IResult> answer, CancellationToken cancellationToken)
    {
        await using var transaction = await BeginAsync(cancellationToken);
        var order = await LockOrderAsync(id, cancellationToken) ?? throw new InvalidOperationException("Orders are not deleted.");
        var isFirst = order.Status == from;
        if (isFirst)
        {
            var now = time.GetUtcNow();
            var kind = to == OrderStatus.Paid ? MovementKind.Sold : order.PaidAt is null ? MovementKind.Released : MovementKind.Returned;
            var products = await database.LockAsync([.. order.Items.Select(item => item.Sku)], cancellationToken);
            foreach (var item in order.Items)
            {
                database.Move(products[item.Sku], kind, item.Quantity, now, id);
            }

            Change(order, to, now, from == OrderStatus.Placed && to == OrderStatus.Cancelled ? CancelReasons.InsufficientPoints : null);
        }

        await work.CommitAsync(answer(order), cancellationToken);
        if (isFirst)
        {
            metrics.Reached(to);
        }

        return order;
    }

    private void Change(Order order, OrderStatus to, DateTimeOffset now, string? cancelReason = null)
    {
        var from = order.Status;
        order.Reach(to, now, cancelReason);
        if (to == OrderStatus.Cancelled)
        {
            database.Publish(new OrderCancelled(order.Id, order.UserId, order.CancelReason ?? "", order.PaidAt is null ? 0 : order.TotalPoints, order.Version), order.UpdatedAt);
        }
        else
        {
            database.Publish(new OrderUpdated(order.Id, order.UserId, from.WireName, to.WireName, order.Version), order.UpdatedAt);
        }

        if (to == OrderStatus.Paid)
        {
            database.Publish(new PaymentProcessed(order.Id, order.UserId, PaymentProcessed.Debit, order.TotalPoints), order.UpdatedAt);
        }
        else if (to == OrderStatus.Cancelled && order.PaidAt is not null)
        {
            database.Publish(new PaymentProcessed(order.Id, order.UserId, PaymentProcessed.Refund, order.TotalPoints), order.UpdatedAt);
        }
    }
}

using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Security.Claims;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Points;
using Kashif.Coupons.Redemptions;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using CancelResult = Microsoft.AspNetCore.Http.HttpResults.Results<
    Microsoft.AspNetCore.Http.HttpResults.Ok<Kashif.Coupons.Shop.OrderResponse>,
    Microsoft.AspNetCore.Http.HttpResults.Accepted<Kashif.Coupons.Shop.OrderResponse>,
    Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult>;
using PlaceResult = Microsoft.AspNetCore.Http.HttpResults.Results<
    Microsoft.AspNetCore.Http.HttpResults.Created<Kashif.Coupons.Shop.OrderResponse>,
    Microsoft.AspNetCore.Http.HttpResults.Accepted<Kashif.Coupons.Shop.OrderResponse>,
    Microsoft.AspNetCore.Http.HttpResults.ValidationProblem,
    Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult>;

namespace Kashif.Coupons.Shop;

/// <summary>A product to order.</summary>
/// <param name="Sku" example="MUG-01">The product's code, in upper or lower case.</param>
/// <param name="Quantity" example="2">How many.</param>
public sealed record OrderLine(
    [Text(1, Shop.Sku.MaxLength), RegularExpression(Shop.Sku.Pattern, ErrorMessage = Shop.Sku.Invalid)] string Sku,
    [Between(1, 100)] int Quantity);

/// <summary>A new order.</summary>
/// <param name="Items">The products, each once.</param>
/// <param name="ShippingAddress">Where the items are sent.</param>
/// <param name="BillingAddress">The address for the papers; null if it is the shipping address.</param>
/// <param name="TotalPoints" example="240">The total that the client has shown: 422 `price_changed` if it is another. Null for any.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record OrderRequest(
    [MinLength(1, ErrorMessage = "At least one item."), MaxLength(20, ErrorMessage = "At most 20 items.")] IReadOnlyList<OrderLine> Items,
    Address ShippingAddress,
    Address? BillingAddress = null,
    [Between(1, int.MaxValue)] int? TotalPoints = null);

/// <summary>A step of an order on its way.</summary>
/// <param name="Status" example="packed">The next status: a paid order is `packed`, then `shipped`, then `delivered`.</param>
public sealed record OrderStatusRequest(OrderStatus Status);

/// <summary>A product of an order.</summary>
/// <param name="Sku" example="MUG-01">The product's code.</param>
/// <param name="Name" example="A mug of the city">Its name when it was ordered.</param>
/// <param name="Quantity" example="2">How many.</param>
/// <param name="PointsCost" example="120">The price of one when it was ordered.</param>
/// <param name="CompanyId" example="7">The company that offers it; null for the city's own products.</param>
internal sealed record OrderItemResponse(string Sku, string Name, int Quantity, int PointsCost, int? CompanyId);

/// <summary>A user's order.</summary>
/// <param name="Id">The order's id.</param>
/// <param name="Status" example="paid">`placed` until the points are debited; `paid`, `packed`, `shipped`, `delivered`; `cancelling` until the points are given back, then `cancelled`.</param>
/// <param name="Items">The products; for a partner only those of their companies.</param>
/// <param name="TotalPoints" example="240">The price of these items, fixed when the order was placed.</param>
/// <param name="CancelReason" example="buyer">Why it is cancelled: `buyer`, `seller`, `insufficient_points`, `reservation_expired` (the points could not be debited in time), `account_deleted`; null if it is not.</param>
/// <param name="ShippingAddress">Where the items are sent. For sellers only while they need it: from `paid` to `shipped`.</param>
/// <param name="BillingAddress">For the buyer only; null if it is the shipping address.</param>
/// <param name="Version" example="2">1 when placed, incremented at each change; also the `ETag`.</param>
/// <param name="CreatedAt">When the order was placed.</param>
/// <param name="UpdatedAt">When it reached its status.</param>
internal sealed record OrderResponse(
    Guid Id, OrderStatus Status, IReadOnlyList<OrderItemResponse> Items, long TotalPoints, string? CancelReason, Address? ShippingAddress, Address? BillingAddress, int Version,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    /// <summary>The order as its buyer sees it.</summary>
    public static OrderResponse Of(Order order) => Of(order, order.Items, order.ShippingAddress, order.BillingAddress);

    /// <summary>The order as its sellers see it.</summary>
    /// <param name="managed">The caller's companies; null for an admin, who sees all items.</param>
    public static OrderResponse ForSeller(Order order, List<int>? managed) => Of(
        order,
        managed is null ? order.Items : order.Items.FindAll(item => item.CompanyId is { } company && managed.Contains(company)),
        order.Status is OrderStatus.Paid or OrderStatus.Packed or OrderStatus.Shipped ? order.ShippingAddress : null,
        null);

    private static OrderResponse Of(Order order, List<OrderItem> items, Address? shipping, Address? billing) => new(
        order.Id,
        order.Status,
        [.. items.OrderBy(item => item.Sku, StringComparer.Ordinal).Select(item => new OrderItemResponse(item.Sku, item.Name, item.Quantity, item.PointsCost, item.CompanyId))],
        items.Sum(item => (long)item.Quantity * item.PointsCost),
        order.CancelReason,
        shipping,
        billing,
        order.Version,
        order.CreatedAt,
        order.UpdatedAt);
}

internal static class OrderEndpoints
{
    public static async Task<PlaceResult> PlaceAsync(
        OrderRequest request, HttpContext http, OrderSaga saga, PointsClient points, CouponsDbContext database, IOptions<RedemptionOptions> options,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        var quantities = new Dictionary<string, int>();
        foreach (var (index, line) in request.Items.Take(21).Index())
        {
            if (line is null)
            {
                errors.Add($"items[{index}]", "This field is required.");
            }
            else if (!quantities.TryAdd(line.Sku.ToUpperInvariant(), line.Quantity))
            {
                errors.Add($"items[{index}].sku", "This product is in the order already. Change its quantity instead.");
            }
        }

        if (errors.ToProblem() is { } malformed)
        {
            return malformed;
        }

        var prices = await database.Products.Where(product => quantities.Keys.Contains(product.Sku))
            .ToDictionaryAsync(product => product.Sku, product => product.PointsCost, cancellationToken);
        foreach (var (index, line) in request.Items.Index())
        {
            errors.Add($"items[{index}].sku", prices.ContainsKey(line.Sku.ToUpperInvariant()) ? null : "Product not found.");
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        // Spares a reservation that the debit would refuse. The debit still decides, and if the balance is unknown, it alone does.
        var userId = http.User.UserId;
        if (await points.BalanceAsync(userId, options.Value.DebitTimeout / 4, cancellationToken) < quantities.Sum(item => (long)item.Value * prices[item.Key]))
        {
            return OrderSaga.InsufficientPoints.ToProblem();
        }

        return await saga.PlaceAsync(request, quantities, userId, ToResult, cancellationToken) switch
        {
            (_, { } refusal) => refusal.ToProblem(),

            // The reservation is committed: settle it even if the client disconnects.
            ({ } placed, _) => ToResult(await saga.SettleAsync(placed, ToResult, CancellationToken.None) ?? placed),
            _ => throw new UnreachableException(),
        };
    }

    public static Task<Results<Ok<Page<OrderResponse>>, ValidationProblem>> ListMineAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var userId = user.UserId;
        return ListAsync(database.Orders.Where(order => order.UserId == userId), page, OrderResponse.Of, cancellationToken);
    }

    /// <param name="status" example="paid">Only orders with this status.</param>
    public static async Task<Results<Ok<Page<OrderResponse>>, ValidationProblem>> ListManagedAsync(
        [FromQuery(Name = "status"), Values(typeof(OrderStatus))] string? status, [AsParameters] PageRequest page, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database,
        CancellationToken cancellationToken)
    {
        var managed = await ManagedAsync(user, access, cancellationToken);
        var orders = database.Orders.AsQueryable();
        if (managed is not null)
        {
            orders = orders.Where(order => order.Items.Any(item => item.CompanyId != null && managed.Contains(item.CompanyId.Value)));
        }

        if (status is not null)
        {
            if (!Enum.TryParse<OrderStatus>(status, ignoreCase: true, out var wanted) || wanted.WireName != status)
            {
                return Error.Field("status", "Must be a status of orders, such as paid.");
            }

            orders = orders.Where(order => order.Status == wanted);
        }

        return await ListAsync(orders, page, order => OrderResponse.ForSeller(order, managed), cancellationToken);
    }

    /// <param name="id">The order's id.</param>
    public static async Task<Results<Ok<OrderResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, CompanyAccess access, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var order = await database.Orders.AsNoTracking().Include(row => row.Items).SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (order is null || View(order, http.User, await ManagedAsync(http.User, access, cancellationToken)) is not { Items: not [] } view)
        {
            return OrderSaga.NotFound.ToProblem();
        }

        http.SendVersion(order.Version);
        return TypedResults.Ok(view);
    }

    /// <param name="id">The order's id.</param>
    public static async Task<CancelResult> CancelAsync(
        Guid id, ClaimsPrincipal user, OrderSaga saga, CompanyAccess access, CancellationToken cancellationToken)
    {
        var managed = await ManagedAsync(user, access, cancellationToken);
        return await saga.CancelAsync(id, user, ToCancelled, cancellationToken) switch
        {
            (_, { } refusal) => refusal.ToProblem(),

            // The cancellation is committed: settle it even if the client disconnects.
            ({ IsOpen: true } cancelling, _) => ToCancelled(await saga.SettleAsync(cancelling, ToCancelled, CancellationToken.None) ?? cancelling),
            ({ } cancelled, _) => ToCancelled(cancelled),
            _ => throw new UnreachableException(),
        };

        CancelResult ToCancelled(Order order) => order.IsOpen
            ? TypedResults.Accepted($"{ShopEndpoints.Orders}/{id}", View(order, user, managed))
            : TypedResults.Ok(View(order, user, managed));
    }

    /// <param name="id">The order's id.</param>
    public static async Task<Results<Ok<OrderResponse>, ProblemHttpResult>> ChangeStatusAsync(
        Guid id, OrderStatusRequest request, HttpContext http, OrderSaga saga, CompanyAccess access, CancellationToken cancellationToken)
    {
        var (order, refusal) = await saga.AdvanceAsync(id, request.Status, http, cancellationToken);
        if (order is null)
        {
            return (refusal ?? throw new UnreachableException()).ToProblem();
        }

        http.SendVersion(order.Version);
        return TypedResults.Ok(OrderResponse.ForSeller(order, await ManagedAsync(http.User, access, cancellationToken)));
    }

    private static PlaceResult ToResult(Order order)
    {
        var location = $"{ShopEndpoints.Orders}/{order.Id}";
        return order switch
        {
            { IsOpen: true } => TypedResults.Accepted(location, OrderResponse.Of(order)),
            { CancelReason: CancelReasons.InsufficientPoints } => OrderSaga.InsufficientPoints.ToProblem(),
            { CancelReason: CancelReasons.ReservationExpired } => OrderSaga.ReservationExpired.ToProblem(),
            _ => TypedResults.Created(location, OrderResponse.Of(order)),
        };
    }

    private static async Task<Results<Ok<Page<OrderResponse>>, ValidationProblem>> ListAsync(
        IQueryable<Order> orders, PageRequest page, Func<Order, OrderResponse> response, CancellationToken cancellationToken)
    {
        if (page.Cursor is { } cursor)
        {
            if (!Cursor.TryDecode(cursor, out Guid before))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            orders = orders.Where(order => order.Id < before);
        }

        var rows = await orders.AsNoTracking().Include(order => order.Items).OrderByDescending(order => order.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, response, last => Cursor.Encode(last.Id)));
    }

    private static OrderResponse View(Order order, ClaimsPrincipal user, List<int>? managed) =>
        order.UserId == user.UserId ? OrderResponse.Of(order) : OrderResponse.ForSeller(order, managed);

    /// <returns>The companies whose orders the user may see; null for an admin, who may see all.</returns>
    private static async Task<List<int>?> ManagedAsync(ClaimsPrincipal user, CompanyAccess access, CancellationToken cancellationToken) =>
        user.IsInRole(Roles.Admin) ? null
        : user.IsInRole(Roles.Partner) ? await access.Managed(user).ToListAsync(cancellationToken)
        : [];
}

using Kashif.Coupons.Catalog;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;

namespace Kashif.Coupons.Shop;

/// <summary>The reward shop: products, their stock, orders and payments.</summary>
internal static class ShopEndpoints
{
    public const string Products = CatalogEndpoints.Path + "/products";
    public const string Orders = CatalogEndpoints.Path + "/orders";

    /// <summary>How old a cached public response may be.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    public static void MapShop(this IEndpointRouteBuilder endpoints)
    {
        var products = endpoints.MapGroup(Products).WithTags("Shop").RequireAuthorization(Policies.Partner);
        products.MapGet("/", ProductEndpoints.ListAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("ListProducts").WithSummary("List products, newest first")
            .WithProblems(401, "unauthorized").WithProblems(503, "points_unavailable");
        products.MapGet("/{sku}", ProductEndpoints.GetAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("GetProduct").WithSummary("Get a product");
        products.MapPost("/", ProductEndpoints.CreateAsync).WithIdempotency().DisableValidation()
            .WithName("CreateProduct").WithSummary("Create a product").WithProblems(409, "sku_taken");
        products.MapPatch("/{sku}", ProductEndpoints.ChangeAsync).DisableValidation()
            .WithName("ChangeProduct").WithSummary("Change a product").WithDescription("Orders keep the price at which they were placed.");
        products.MapDelete("/{sku}", ProductEndpoints.WithdrawAsync)
            .WithName("WithdrawProduct").WithSummary("Withdraw a product").WithDescription("Its orders go on. Its sku stays taken.");

        var inventory = endpoints.MapGroup(CatalogEndpoints.Path + "/inventory/{sku}").WithTags("Shop").RequireAuthorization(Policies.Partner);
        inventory.MapGet("/", InventoryEndpoints.GetAsync)
            .WithName("GetInventory").WithSummary("Get a product's stock, or check whether a quantity is available");
        inventory.MapGet("/movements", InventoryEndpoints.ListMovementsAsync)
            .WithName("ListProductMovements").WithSummary("List the movements of a product's stock, newest first");
        inventory.MapPost("/adjust", InventoryEndpoints.AdjustAsync).WithIdempotency().DisableValidation()
            .WithName("AdjustInventory").WithSummary("Adjust a product's stock").WithProblems(422, "stock_out_of_range");

        var orders = endpoints.MapGroup(Orders).WithTags("Orders").RequireAuthorization();
        orders.MapPost("/", OrderEndpoints.PlaceAsync).WithIdempotency().DisableValidation()
            .WithName("PlaceOrder").WithSummary("Order products with points")
            .WithDescription("Returns 201 with the paid order. Returns 202 while it is not known whether the points were debited: follow `Location` until the status changes.")
            .WithProblems(422, "insufficient_points", "out_of_stock", "product_not_available", "price_changed", "reservation_expired", "too_many_open_orders");
        orders.MapGet("/me", OrderEndpoints.ListMineAsync).WithName("ListMyOrders").WithSummary("List my orders, newest first");
        orders.MapGet("/", OrderEndpoints.ListManagedAsync).RequireAuthorization(Policies.Partner)
            .WithName("ListOrders").WithSummary("List the orders with products that I manage, newest first");
        orders.MapGet("/{id:guid}", OrderEndpoints.GetAsync)
            .WithName("GetOrder").WithSummary("Get an order of mine, or with products that I manage");
        orders.MapPost("/{id:guid}/cancel", OrderEndpoints.CancelAsync).WithIdempotency()
            .WithName("CancelOrder").WithSummary("Cancel an order")
            .WithDescription("The buyer can cancel until the order is packed, its seller until it is shipped. Points and stock return once, however often this is called. Returns 202 while it is not known whether the points were given back.")
            .WithProblems(403, "forbidden").WithProblems(422, "invalid_status_transition");
        orders.MapPatch("/{id:guid}/status", OrderEndpoints.ChangeStatusAsync).RequireAuthorization(Policies.Partner)
            .WithMetadata(VersionConditions.IfMatch("order"))
            .WithName("ChangeOrderStatus").WithSummary("Mark an order as packed, shipped or delivered")
            .WithProblems(412, "precondition_failed").WithProblems(422, "invalid_status_transition");

        endpoints.MapGet(CatalogEndpoints.Path + "/payments/me", PaymentEndpoints.ListMineAsync).WithTags("Orders").RequireAuthorization()
            .WithName("ListMyPayments").WithSummary("List my payments and refunds, newest first");
    }
}

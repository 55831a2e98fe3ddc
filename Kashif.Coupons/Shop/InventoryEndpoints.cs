using System.Security.Claims;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Shop;

/// <summary>Why a stock is adjusted.</summary>
public enum AdjustmentType
{
    /// <summary>A correction: counted, lost, damaged.</summary>
    Adjusted,

    /// <summary>New items arrived.</summary>
    Received,
}

/// <summary>A change of a stock.</summary>
/// <param name="Quantity" example="-2">How many more there are, or fewer; not 0. Positive for <c>received</c>.</param>
/// <param name="Reason" example="Two broke in transit.">A text for the stock ledger.</param>
/// <param name="Type" example="adjusted">`adjusted`, a correction, or `received`, new items.</param>
public sealed record AdjustmentRequest(
    [Between(-1_000_000, 1_000_000)] int Quantity,
    [Title(1, ProductMovement.ReasonLength)] string Reason,
    AdjustmentType Type = AdjustmentType.Adjusted);

/// <summary>The stock of a product.</summary>
/// <param name="Sku" example="MUG-01">The product's code.</param>
/// <param name="OnHand" example="40">The items in the warehouse, reserved ones included.</param>
/// <param name="Reserved" example="2">The items of orders that are not paid yet.</param>
/// <param name="Available" example="38">The items that can be ordered: on hand less reserved.</param>
/// <param name="Version" example="5">Incremented at each movement.</param>
/// <param name="IsAvailable" example="true">Whether the requested <c>quantity</c> can be ordered; null without one.</param>
internal sealed record InventoryResponse(string Sku, int OnHand, int Reserved, int Available, int Version, bool? IsAvailable)
{
    public static InventoryResponse Of(Product product, int? quantity = null) => new(
        product.Sku, product.OnHand, product.Reserved, product.Available, product.StockVersion,
        quantity is { } wanted ? product.WithdrawnAt is null && product.Available >= wanted : null);
}

/// <summary>A movement of a stock.</summary>
/// <param name="Version" example="5">The version of the stock after it.</param>
/// <param name="Type" example="adjusted">`reserved`, `released`, `sold` and `returned` are of an order; `received` and `adjusted` of a person.</param>
/// <param name="Quantity" example="-2">How many items; negative only for a correction downwards.</param>
/// <param name="OnHand" example="40">The items in the warehouse after it.</param>
/// <param name="Reserved" example="2">The reserved items after it.</param>
/// <param name="OrderId">The order; null without one.</param>
/// <param name="Reason" example="Two broke in transit.">The reason; null for a movement of an order.</param>
/// <param name="ActorId">The partner or admin who booked it; null for a movement of an order. The empty id once that account is deleted.</param>
/// <param name="CreatedAt">When.</param>
internal sealed record ProductMovementResponse(
    int Version, MovementKind Type, int Quantity, int OnHand, int Reserved, Guid? OrderId, string? Reason, Guid? ActorId, DateTimeOffset CreatedAt)
{
    public static ProductMovementResponse Of(ProductMovement movement) => new(
        movement.Version, movement.Kind, movement.Quantity, movement.OnHand, movement.Reserved, movement.OrderId, movement.Reason, movement.ActorId, movement.CreatedAt);
}

internal static class InventoryEndpoints
{
    /// <param name="sku" example="MUG-01">The product's code.</param>
    /// <param name="quantity" example="2">How many shall be available.</param>
    public static async Task<Results<Ok<InventoryResponse>, ProblemHttpResult>> GetAsync(
        string sku, [FromQuery(Name = "quantity"), Between(1, Product.MaxStock)] int? quantity, ClaimsPrincipal user, CompanyAccess access,
        CouponsDbContext database, CancellationToken cancellationToken) =>
        await FindManagedAsync(sku, user, access, database, cancellationToken) is { } product
            ? TypedResults.Ok(InventoryResponse.Of(product, quantity))
            : ProductEndpoints.NotFound.ToProblem();

    /// <param name="sku" example="MUG-01">The product's code.</param>
    public static async Task<Results<Ok<Page<ProductMovementResponse>>, ValidationProblem, ProblemHttpResult>> ListMovementsAsync(
        string sku, [AsParameters] PageRequest page, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var before = int.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (await FindManagedAsync(sku, user, access, database, cancellationToken) is not { } product)
        {
            return ProductEndpoints.NotFound.ToProblem();
        }

        var rows = await database.ProductMovements.AsNoTracking().Where(movement => movement.ProductId == product.Id && movement.Version < before)
            .OrderByDescending(movement => movement.Version).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, ProductMovementResponse.Of, last => Cursor.Encode(last.Version)));
    }

    /// <param name="sku" example="MUG-01">The product's code.</param>
    public static async Task<Results<Ok<InventoryResponse>, ValidationProblem, ProblemHttpResult>> AdjustAsync(
        string sku, AdjustmentRequest request, HttpContext http, CompanyAccess access, CouponsDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("quantity", request.Quantity == 0 ? "Must not be 0."
            : request is { Type: AdjustmentType.Received, Quantity: < 0 } ? "Must be positive with the type received." : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await ProductEndpoints.LockManagedAsync(sku, http.User, access, database, cancellationToken) is not { } product)
        {
            return ProductEndpoints.NotFound.ToProblem();
        }

        if (product.Available + request.Quantity < 0 || product.OnHand + request.Quantity > Product.MaxStock)
        {
            return Error.Rule("stock_out_of_range", "The stock cannot be less than nothing, less than what orders have reserved, or more than a billion.").ToProblem();
        }

        var kind = request.Type == AdjustmentType.Received ? MovementKind.Received : MovementKind.Adjusted;
        database.Move(product, kind, request.Quantity, time.GetUtcNow(), actorId: http.User.UserId, reason: request.Reason.Trim());
        return await work.CommitAsync(TypedResults.Ok(InventoryResponse.Of(product)), cancellationToken);
    }

    private static async Task<Product?> FindManagedAsync(
        string sku, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var stored = Sku.Parse(sku);
        return stored is not null
            && await database.Products.AsNoTracking().SingleOrDefaultAsync(product => product.Sku == stored, cancellationToken) is { } product
            && await access.MayManageProductAsync(user, product.CompanyId, cancellationToken)
            ? product
            : null;
    }
}

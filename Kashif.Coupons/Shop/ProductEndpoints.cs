using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Points;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Shop;

/// <summary>A new product.</summary>
/// <param name="Sku" example="MUG-01">The product's code, unique in upper and lower case.</param>
/// <param name="Name" example="A mug of the city">The name.</param>
/// <param name="Description" example="Porcelain, 300 ml.">A text for people.</param>
/// <param name="CategoryId" example="3">The category.</param>
/// <param name="PointsCost" example="120">The price in points.</param>
/// <param name="StockQuantity" example="40">How many there are.</param>
/// <param name="CompanyId" example="7">The company that offers it; null for the city's own products, which need an admin.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ProductRequest(
    [Text(1, Shop.Sku.MaxLength), RegularExpression(Shop.Sku.Pattern, ErrorMessage = Shop.Sku.Invalid)] string Sku,
    [Title(1, Product.NameLength)] string Name,
    [Text(1, Product.TextLength)] string Description,
    [Between(1, int.MaxValue)] int CategoryId,
    [Between(1, Product.MaxPointsCost)] int PointsCost,
    [Between(0, 1_000_000)] int StockQuantity,
    [Between(1, int.MaxValue)] int? CompanyId = null);

/// <summary>A change of a product. A field that is missing or null stays as it is.</summary>
/// <param name="Name" example="A mug of the city">The name.</param>
/// <param name="Description" example="Porcelain, 300 ml.">A text for people.</param>
/// <param name="CategoryId" example="3">The category.</param>
/// <param name="PointsCost" example="120">The price in points of later orders.</param>
public sealed record ProductChange(
    [Title(1, Product.NameLength)] string? Name = null,
    [Text(1, Product.TextLength)] string? Description = null,
    [Between(1, int.MaxValue)] int? CategoryId = null,
    [Between(1, Product.MaxPointsCost)] int? PointsCost = null);

/// <summary>A physical reward that users order with points.</summary>
/// <param name="Sku" example="MUG-01">The product's code.</param>
/// <param name="Name" example="A mug of the city">The name.</param>
/// <param name="Description" example="Porcelain, 300 ml.">A text for people.</param>
/// <param name="CategoryId" example="3">The category.</param>
/// <param name="CompanyId" example="7">The company that offers it; null for the city's own products.</param>
/// <param name="PointsCost" example="120">The price in points.</param>
/// <param name="StockQuantity" example="38">How many can be ordered.</param>
internal sealed record ProductResponse(
    string Sku, string Name, string Description, int CategoryId, int? CompanyId, int PointsCost, int StockQuantity)
{
    public static ProductResponse Of(Product product) => new(
        product.Sku, product.Name, product.Description, product.CategoryId, product.CompanyId, product.PointsCost, product.Available);
}

public sealed class ProductFilter
{
    /// <summary>Only products of this category.</summary>
    /// <example>3</example>
    [FromQuery(Name = "category_id")]
    public int? CategoryId { get; set; }

    /// <summary>Words that all occur in the sku, the name or the description, in upper or lower case.</summary>
    /// <example>mug</example>
    [FromQuery(Name = "q"), Text(100)]
    public string? Query { get; set; }

    /// <summary>Only products that the signed-in user has enough points for. True requires a token.</summary>
    [FromQuery(Name = "affordable")]
    public bool? Affordable { get; set; }
}

internal static class ProductEndpoints
{
    public static Error NotFound { get; } = Error.NotFound("Product not found.");

    private static Error SignInRequired { get; } = new(
        StatusCodes.Status401Unauthorized, "unauthorized", "Sign in to list the products that you can afford.");

    public static async Task<Results<Ok<Page<ProductResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        [AsParameters] PageRequest page, [AsParameters] ProductFilter filter, ClaimsPrincipal user, PointsClient points, HttpContext http,
        CouponsDbContext database, CancellationToken cancellationToken)
    {
        var before = int.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var products = database.Products.AsNoTracking().Where(product => product.WithdrawnAt == null && product.Id < before);
        if (filter.CategoryId is { } categoryId)
        {
            products = products.Where(product => product.CategoryId == categoryId);
        }

        foreach (var pattern in SearchWords.Patterns(filter.Query))
        {
            products = products.Where(product => EF.Functions.ILike(product.Sku, pattern, @"\")
                || EF.Functions.ILike(product.Name, pattern, @"\") || EF.Functions.ILike(product.Description, pattern, @"\"));
        }

        if (filter.Affordable is true)
        {
            if (user.UserIdOrNull is not { } userId)
            {
                return SignInRequired.ToProblem();
            }

            if (await points.BalanceAsync(userId, CouponEndpoints.PointsTimeout, cancellationToken) is not { } balance)
            {
                return CouponEndpoints.PointsUnavailable.ToProblem();
            }

            http.Response.Headers.CacheControl = "private, no-store";
            products = products.Where(product => product.PointsCost <= balance);
        }

        var rows = await products.OrderByDescending(product => product.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, ProductResponse.Of, last => Cursor.Encode(last.Id)));
    }

    /// <param name="sku" example="MUG-01">The product's code.</param>
    public static async Task<Results<Ok<ProductResponse>, ProblemHttpResult>> GetAsync(
        string sku, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var stored = Sku.Parse(sku);
        return stored is not null
            && await database.Products.AsNoTracking().SingleOrDefaultAsync(product => product.Sku == stored && product.WithdrawnAt == null, cancellationToken) is { } product
            ? TypedResults.Ok(ProductResponse.Of(product))
            : NotFound.ToProblem();
    }

    public static async Task<Results<Created<ProductResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        ProductRequest request, HttpContext http, CompanyAccess access, CouponsDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("company_id", await CompanyErrorAsync(request.CompanyId, http.User, access, cancellationToken));
        errors.Add("category_id", await CategoryErrorAsync(request.CategoryId, database, cancellationToken));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var now = time.GetUtcNow();
        var product = new Product
        {
            Sku = request.Sku.ToUpperInvariant(),
            Name = request.Name.Trim(),
            Description = request.Description,
            CategoryId = request.CategoryId,
            CompanyId = request.CompanyId,
            PointsCost = request.PointsCost,
            CreatedAt = now,
        };
        await using var transaction = await work.BeginAsync(cancellationToken);
        database.Add(product);
        database.Publish(product.ToCreated(), now);
        try
        {
            await database.SaveChangesAsync(cancellationToken); // generates the id
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return Error.Conflict("sku_taken", "This sku is already taken.").ToProblem();
        }

        if (request.StockQuantity > 0)
        {
            database.Move(product, MovementKind.Received, request.StockQuantity, now, actorId: http.User.UserId);
        }

        return await work.CommitAsync(
            TypedResults.Created($"{ShopEndpoints.Products}/{product.Sku}", ProductResponse.Of(product)), cancellationToken);
    }

    /// <param name="sku" example="MUG-01">The product's code.</param>
    public static async Task<Results<Ok<ProductResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        string sku, ProductChange request, HttpContext http, CompanyAccess access, CouponsDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("category_id", request.CategoryId is { } id ? await CategoryErrorAsync(id, database, cancellationToken) : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await LockManagedAsync(sku, http.User, access, database, cancellationToken) is not { WithdrawnAt: null } product)
        {
            return NotFound.ToProblem();
        }

        product.Name = request.Name?.Trim() ?? product.Name;
        product.Description = request.Description ?? product.Description;
        product.CategoryId = request.CategoryId ?? product.CategoryId;
        product.PointsCost = request.PointsCost ?? product.PointsCost;
        product.Version++;
        database.Publish(product.ToUpdated(), time.GetUtcNow());
        return await work.CommitAsync(TypedResults.Ok(ProductResponse.Of(product)), cancellationToken);
    }

    /// <param name="sku" example="MUG-01">The product's code.</param>
    public static async Task<Results<NoContent, ProblemHttpResult>> WithdrawAsync(
        string sku, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await LockManagedAsync(sku, user, access, database, cancellationToken) is not { WithdrawnAt: null } product)
        {
            return NotFound.ToProblem();
        }

        var now = time.GetUtcNow();
        product.WithdrawnAt = now;
        product.Version++;
        database.Publish(new ProductDeleted(product.Sku, product.CompanyId, product.Version), now);
        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    /// <returns>Null if there is no such product, or the user may not manage it.</returns>
    public static async Task<Product?> LockManagedAsync(
        string sku, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, CancellationToken cancellationToken) =>
        Sku.Parse(sku) is { } stored
        && (await database.LockAsync([stored], cancellationToken)).Values.SingleOrDefault() is { } product
        && await access.MayManageProductAsync(user, product.CompanyId, cancellationToken)
            ? product
            : null;

    private static async Task<string?> CompanyErrorAsync(
        int? companyId, ClaimsPrincipal user, CompanyAccess access, CancellationToken cancellationToken) => companyId switch
        {
            null => user.IsInRole(Roles.Admin) ? null : "This field is required.",
            { } id => await access.MayManageAsync(user, id, cancellationToken) ? null : "Company not found.",
        };

    private static async Task<string?> CategoryErrorAsync(int categoryId, CouponsDbContext database, CancellationToken cancellationToken) =>
        await database.Categories.AnyAsync(category => category.Id == categoryId, cancellationToken) ? null : "Category not found.";
}

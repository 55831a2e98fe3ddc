using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Points;
using Kashif.Messaging;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Partners;

/// <summary>A new coupon.</summary>
/// <param name="Title" example="A free coffee">The title.</param>
/// <param name="Description" example="One cup of any size.">What the coupon is good for.</param>
/// <param name="CompanyId" example="7">The company that offers it.</param>
/// <param name="CategoryId" example="3">The category.</param>
/// <param name="PointsCost" example="15">The price in points.</param>
/// <param name="Stock" example="100">How many can be redeemed.</param>
/// <param name="PerUserLimit" example="1">The most one user may redeem; null means no limit.</param>
/// <param name="StartsAt" example="2026-11-01T00:00:00Z">When the offer begins; null means now.</param>
/// <param name="EndsAt" example="2027-11-01T00:00:00Z">When the offer and its codes expire, after <c>starts_at</c>; null means never.</param>
/// <param name="Terms" example="One coupon for each visit.">The terms of the company; null if there are none.</param>
/// <param name="MinLevel" example="2">The lowest level of users who may redeem it; null for all.</param>
/// <param name="Area" example="old_town">The code of an area: only for users who have points from there that were not taken back, nor earned with anonymous or private reports. Null for all.</param>
/// <param name="CodeMode">`generated` (the default): each redemption gets a new random code. `pool`: it gets a code that the company has added with `POST /{id}/codes`; `stock` must be 0. `shared`: all get `shared_code`. It cannot be changed.</param>
/// <param name="SharedCode" example="null">The code of all redemptions, for `shared` only.</param>
public sealed record CouponRequest(
    [Title(1, Coupon.TitleLength)] string Title,
    [Text(1, Coupon.TextLength)] string Description,
    [Between(1, int.MaxValue)] int CompanyId,
    [Between(1, int.MaxValue)] int CategoryId,
    [Between(1, Coupon.MaxPointsCost)] int PointsCost,
    [Between(0, Coupon.MaxStock)] int Stock,
    [Between(1, 1_000_000)] int? PerUserLimit = null,
    DateTimeOffset? StartsAt = null,
    DateTimeOffset? EndsAt = null,
    [Text(Coupon.TextLength)] string? Terms = null,
    [Between(1, Coupon.MaxLevel)] int? MinLevel = null,
    [Identifier(Coupon.AreaLength)] string? Area = null,
    CodeMode CodeMode = CodeMode.Generated,
    [Text(CodeFormat.MaxLength)] string? SharedCode = null);

internal static class NewCoupon
{
    public const string EndsBeforeStart = "Must be after starts_at.";
    public const string CategoryNotFound = "Category not found.";
    public const string AreaNotFound = "Area not found.";

    public static async Task<Results<Created<CouponResponse>, ValidationProblem>> CreateAsync(
        CouponRequest request, HttpContext http, CompanyAccess access, PointsClient points, CouponsDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var startsAt = request.StartsAt ?? now;
        var managed = access.Managed(http.User);
        var companyName = await database.Companies.Where(company => company.Id == request.CompanyId && managed.Contains(company.Id)).Select(company => company.Name)
            .SingleOrDefaultAsync(cancellationToken);
        var categoryExists = await database.Categories.AnyAsync(category => category.Id == request.CategoryId, cancellationToken);
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("ends_at", request.EndsAt <= startsAt ? EndsBeforeStart : null);
        errors.Add("company_id", companyName is null ? "Company not found." : null);
        errors.Add("category_id", categoryExists ? null : CategoryNotFound);
        errors.Add("area", request.Area is { } area && await points.LacksAreaAsync(area.Trim(), CouponEndpoints.PointsTimeout, cancellationToken) ? AreaNotFound : null);
        errors.Add("stock", request is { CodeMode: CodeMode.Pool, Stock: not 0 } ? "Must be 0: the codes of the pool are the stock." : null);
        errors.Add("shared_code", (request.CodeMode, request.SharedCode) switch
        {
            (CodeMode.Shared, null) => "This field is required.",
            (CodeMode.Shared, { } code) when !CodeFormat.Allows(code) => "Must have 4 to 64 letters, digits, dots, slashes, hyphens or underscores.",
            (not CodeMode.Shared, not null) => "Only for code_mode shared.",
            _ => null,
        });
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var coupon = new Coupon
        {
            CompanyId = request.CompanyId,
            CategoryId = request.CategoryId,
            Title = request.Title.Trim(),
            Description = request.Description,
            PointsCost = request.PointsCost,
            Stock = request.Stock,
            InitialStock = request.Stock,
            PerUserLimit = request.PerUserLimit,
            StartsAt = startsAt,
            EndsAt = request.EndsAt,
            Terms = request.Terms,
            MinLevel = request.MinLevel,
            Area = request.Area?.Trim(),
            CodeMode = request.CodeMode,
            SharedCode = request.SharedCode,
            CreatedAt = now,
        };
        await using var transaction = await work.BeginAsync(cancellationToken);
        database.Add(coupon);
        await database.SaveChangesAsync(cancellationToken); // generates the id
        if (coupon.Stock > 0)
        {
            database.Add(StockMovement.Of(coupon, StockMovementKind.Initial, coupon.Stock, http.User.UserId, now));
        }

        database.Publish(coupon.ToEvent(), now);
        return await work.CommitAsync(
            TypedResults.Created($"{CatalogEndpoints.Path}/{coupon.Id}", CouponResponse.Of(coupon, companyName ?? "")), cancellationToken);
    }
}

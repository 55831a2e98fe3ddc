using System.Security.Claims;
using Kashif.Coupons.Data;
using Kashif.Coupons.Points;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Catalog;

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
public sealed record CouponRequest(
    [Title(1, Coupon.TitleLength)] string Title,
    [Text(1, Coupon.TextLength)] string Description,
    [Between(1, int.MaxValue)] int CompanyId,
    [Between(1, int.MaxValue)] int CategoryId,
    [Between(1, Coupon.MaxPointsCost)] int PointsCost,
    [Between(0, 1_000_000)] int Stock,
    [Between(1, 1_000_000)] int? PerUserLimit = null,
    DateTimeOffset? StartsAt = null,
    DateTimeOffset? EndsAt = null,
    [Text(Coupon.TextLength)] string? Terms = null);

/// <summary>A company's offer that users buy with points.</summary>
/// <param name="Id" example="12">The coupon's id.</param>
/// <param name="Title" example="A free coffee">The title.</param>
/// <param name="Description" example="One cup of any size.">What the coupon is good for.</param>
/// <param name="CompanyId" example="7">The company that offers it.</param>
/// <param name="CompanyName" example="Corner Café">The company's name.</param>
/// <param name="CategoryId" example="3">The category.</param>
/// <param name="PointsCost" example="15">The price in points.</param>
/// <param name="Stock" example="98">How many are left.</param>
/// <param name="PerUserLimit" example="1">The most one user may redeem; null means no limit.</param>
/// <param name="StartsAt" example="2026-11-01T00:00:00Z">When the offer begins.</param>
/// <param name="EndsAt" example="2027-11-01T00:00:00Z">When the offer and its codes expire; null means never.</param>
/// <param name="Terms" example="One coupon for each visit.">The terms of the company; null if there are none.</param>
internal sealed record CouponResponse(
    int Id, string Title, string Description, int CompanyId, string CompanyName, int CategoryId, int PointsCost, int Stock, int? PerUserLimit,
    DateTimeOffset StartsAt, DateTimeOffset? EndsAt, string? Terms)
{
    public static CouponResponse Of(Coupon coupon, string companyName) => new(
        coupon.Id, coupon.Title, coupon.Description, coupon.CompanyId, companyName, coupon.CategoryId, coupon.PointsCost, coupon.Stock,
        coupon.PerUserLimit, coupon.StartsAt, coupon.EndsAt, coupon.Terms);
}

public sealed class CouponFilter
{
    /// <summary>Only coupons of this category.</summary>
    /// <example>3</example>
    [FromQuery(Name = "category_id")]
    public int? CategoryId { get; set; }

    /// <summary>Only coupons of this company.</summary>
    /// <example>7</example>
    [FromQuery(Name = "company_id")]
    public int? CompanyId { get; set; }

    /// <summary>Words that all occur in the title or the description, in upper or lower case.</summary>
    /// <example>coffee</example>
    [FromQuery(Name = "q"), Text(100)]
    public string? Query { get; set; }

    /// <summary>Only coupons that the signed-in user has enough points for. True requires a token.</summary>
    [FromQuery(Name = "affordable")]
    public bool? Affordable { get; set; }
}

internal static class CouponEndpoints
{
    public static Error NotFound { get; } = Error.NotFound("Coupon not found.");

    public static readonly TimeSpan PointsTimeout = TimeSpan.FromSeconds(4);

    private static Error SignInRequired { get; } = new(
        StatusCodes.Status401Unauthorized, "unauthorized", "Sign in to list the coupons that you can afford.");

    public static Error PointsUnavailable { get; } = Error.Unavailable("points_unavailable", "Your points are temporarily unavailable. Try again.");

    public static async Task<Results<Ok<Page<CouponResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        [AsParameters] PageRequest page, [AsParameters] CouponFilter filter, ClaimsPrincipal user, PointsClient points, HttpContext http,
        CouponsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var before = int.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var now = time.GetUtcNow();
        var coupons = database.Coupons
            .Where(coupon => coupon.StartsAt <= now && (coupon.EndsAt == null || coupon.EndsAt > now) && coupon.Id < before);
        if (filter.CategoryId is { } categoryId)
        {
            coupons = coupons.Where(coupon => coupon.CategoryId == categoryId);
        }

        if (filter.CompanyId is { } companyId)
        {
            coupons = coupons.Where(coupon => coupon.CompanyId == companyId);
        }

        foreach (var word in filter.Query?.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
        {
            var pattern = $"%{EscapeLike(word)}%";
            coupons = coupons.Where(coupon => EF.Functions.ILike(coupon.Title, pattern, @"\") || EF.Functions.ILike(coupon.Description, pattern, @"\"));
        }

        if (filter.Affordable is true)
        {
            if (user.UserIdOrNull is not { } userId)
            {
                return SignInRequired.ToProblem();
            }

            if (await points.BalanceAsync(userId, PointsTimeout, cancellationToken) is not { } balance)
            {
                return PointsUnavailable.ToProblem();
            }

            http.Response.Headers.CacheControl = "private, no-store";
            coupons = coupons.Where(coupon => coupon.PointsCost <= balance);
        }

        var rows = await WithCompany(coupons, database).Take(page.Size + 1)
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => CouponResponse.Of(row.Coupon, row.CompanyName), last => Cursor.Encode(last.Coupon.Id)));
    }

    /// <param name="id" example="12">The coupon's id.</param>
    public static async Task<Results<Ok<CouponResponse>, ProblemHttpResult>> GetAsync(
        int id, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var row = await WithCompany(database.Coupons.Where(coupon => coupon.Id == id), database).SingleOrDefaultAsync(cancellationToken);
        return row is null ? NotFound.ToProblem() : TypedResults.Ok(CouponResponse.Of(row.Coupon, row.CompanyName));
    }

    public static async Task<Results<Created<CouponResponse>, ValidationProblem>> CreateAsync(
        CouponRequest request, HttpContext http, CouponsDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var startsAt = request.StartsAt ?? now;
        var companyName = await database.Companies.Where(company => company.Id == request.CompanyId).Select(company => company.Name)
            .SingleOrDefaultAsync(cancellationToken);
        var categoryExists = await database.Categories.AnyAsync(category => category.Id == request.CategoryId, cancellationToken);
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("ends_at", request.EndsAt <= startsAt ? "Must be after starts_at." : null);
        errors.Add("company_id", companyName is null ? "Company not found." : null);
        errors.Add("category_id", categoryExists ? null : "Category not found.");
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
            CreatedAt = now,
        };
        await using var transaction = await work.BeginAsync(cancellationToken);
        database.Add(coupon);
        await database.SaveChangesAsync(cancellationToken); // generates the id
        database.Publish(coupon.ToEvent(), now);
        return await work.CommitAsync(
            TypedResults.Created($"{CatalogEndpoints.Path}/{coupon.Id}", CouponResponse.Of(coupon, companyName ?? "")), cancellationToken);
    }

    private static IQueryable<CouponWithCompany> WithCompany(IQueryable<Coupon> coupons, CouponsDbContext database) =>
        from coupon in coupons.AsNoTracking()
        join company in database.Companies on coupon.CompanyId equals company.Id
        orderby coupon.Id descending
        select new CouponWithCompany(coupon, company.Name);

    public static string EscapeLike(string word) =>
        word.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);

    private sealed record CouponWithCompany(Coupon Coupon, string CompanyName);
}

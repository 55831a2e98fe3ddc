using System.Security.Claims;
using Kashif.Coupons.Data;
using Kashif.Coupons.Points;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Catalog;

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
/// <param name="MinLevel" example="2">The lowest level of users who may redeem it; null for all.</param>
/// <param name="Area" example="old_town">The code of an area: only for users who have points from there that were not taken back, nor earned with anonymous or private reports. Null for all.</param>
/// <param name="CodeMode">Where its codes come from.</param>
/// <param name="WithdrawnAt" example="null">When the coupon was withdrawn. Codes that were issued before stay valid.</param>
/// <param name="Version" example="1">1 when created, incremented at each change by the company. Redemptions do not count.</param>
internal sealed record CouponResponse(
    int Id, string Title, string Description, int CompanyId, string CompanyName, int CategoryId, int PointsCost, int Stock, int? PerUserLimit,
    DateTimeOffset StartsAt, DateTimeOffset? EndsAt, string? Terms, int? MinLevel, string? Area, CodeMode CodeMode,
    DateTimeOffset? WithdrawnAt, int Version)
{
    public static CouponResponse Of(Coupon coupon, string companyName) => new(
        coupon.Id, coupon.Title, coupon.Description, coupon.CompanyId, companyName, coupon.CategoryId, coupon.PointsCost, coupon.Stock,
        coupon.PerUserLimit, coupon.StartsAt, coupon.EndsAt, coupon.Terms, coupon.MinLevel, coupon.Area, coupon.CodeMode, coupon.WithdrawnAt, coupon.Revision);
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
        var order = CouponOrder.Of(filter.Sort);
        var now = time.GetUtcNow();
        if (!order.TryContinue(filter.Apply(database.Coupons.Where(coupon => coupon.WithdrawnAt == null), now), page.Cursor, out var coupons))
        {
            return Error.Field("cursor", Cursor.Invalid);
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

        var rows = await order.Sort(WithCompany(coupons, database)).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => CouponResponse.Of(row.Coupon, row.CompanyName), last => order.CursorOf(last.Coupon)));
    }

    /// <param name="id" example="12">The coupon's id.</param>
    public static async Task<Results<Ok<CouponResponse>, ProblemHttpResult>> GetAsync(
        int id, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var row = await WithCompany(database.Coupons.Where(coupon => coupon.Id == id), database).SingleOrDefaultAsync(cancellationToken);
        return row is null ? NotFound.ToProblem() : TypedResults.Ok(CouponResponse.Of(row.Coupon, row.CompanyName));
    }

    private static IQueryable<CouponWithCompany> WithCompany(IQueryable<Coupon> coupons, CouponsDbContext database) =>
        from coupon in coupons.AsNoTracking()
        join company in database.Companies on coupon.CompanyId equals company.Id
        select new CouponWithCompany { Coupon = coupon, CompanyName = company.Name };
}

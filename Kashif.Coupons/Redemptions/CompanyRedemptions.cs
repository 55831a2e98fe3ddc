using System.Security.Claims;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Redemptions;

/// <summary>A redemption as its company sees it: without the user and without the code.</summary>
/// <param name="Id">The redemption's id.</param>
/// <param name="Status" example="completed">As in the user's own view.</param>
/// <param name="CodeLast4" example="9RTD">The end of the code; null until completed.</param>
/// <param name="CreatedAt">When the user redeemed the coupon.</param>
/// <param name="ExpiresAt" example="2027-11-01T00:00:00Z">When the code expires; null means never.</param>
/// <param name="UsedAt" example="null">When the company accepted the code; null until then.</param>
internal sealed record CompanyRedemptionResponse(
    Guid Id, [property: Values("pending", "completed", "cancelled")] string Status, string? CodeLast4, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt,
    DateTimeOffset? UsedAt)
{
    public static CompanyRedemptionResponse Of(Redemption redemption) => new(
        redemption.Id, RedemptionResponse.StatusOf(redemption), redemption.Code?[^4..], redemption.CreatedAt, redemption.ExpiresAt, redemption.UsedAt);
}

/// <summary>A company's figures, and those of its coupons, newest first. Cancelled redemptions do not count.</summary>
/// <param name="Redemptions" example="340">The completed redemptions of all its coupons; null on the pages after the first, as are <c>used</c> and <c>points</c>.</param>
/// <param name="Used" example="295">How many of them were used.</param>
/// <param name="Points" example="5100">The points that users have spent on them.</param>
/// <param name="Items">A page of its coupons, also those that are withdrawn or have ended.</param>
/// <param name="NextCursor" example="null">The `cursor` of the next page; null on the last page.</param>
internal sealed record CompanyFigures(int? Redemptions, int? Used, long? Points, IReadOnlyList<CouponFigures> Items, string? NextCursor);

/// <summary>A coupon's figures.</summary>
/// <param name="CouponId" example="12">The coupon.</param>
/// <param name="Title" example="A free coffee">Its title.</param>
/// <param name="Stock" example="98">How many are left.</param>
/// <param name="Redemptions" example="34">Its completed redemptions.</param>
/// <param name="Used" example="29">How many of them were used.</param>
/// <param name="Points" example="510">The points that users have spent on them.</param>
internal sealed record CouponFigures(int CouponId, string Title, int Stock, int Redemptions, int Used, long Points);

internal static class CompanyRedemptions
{
    public static void MapCompanyRedemptions(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(CatalogEndpoints.Path).WithTags("Partners").RequireAuthorization(Policies.Partner);
        group.MapGet("/{id:int}/redemptions", ListAsync)
            .WithName("ListCouponRedemptions").WithSummary("List the redemptions of a coupon, newest first");
        group.MapGet("/companies/{id:int}/figures", FiguresAsync)
            .WithName("GetCompanyFigures").WithSummary("Get the figures of a company and its coupons");
    }

    /// <param name="id" example="12">The coupon's id.</param>
    private static async Task<Results<Ok<Page<CompanyRedemptionResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        int id, [AsParameters] PageRequest page, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var redemptions = database.Redemptions.AsNoTracking().Where(row => row.CouponId == id);
        if (page.Cursor is { } cursor)
        {
            if (!Cursor.TryDecode(cursor, out Guid before))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            redemptions = redemptions.Where(row => row.Id < before);
        }

        if (!await access.MayManageCouponAsync(user, id, cancellationToken))
        {
            return CouponEndpoints.NotFound.ToProblem();
        }

        var rows = await redemptions.OrderByDescending(row => row.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, CompanyRedemptionResponse.Of, last => Cursor.Encode(last.Id)));
    }

    /// <param name="id" example="7">The company's id.</param>
    private static async Task<Results<Ok<CompanyFigures>, ValidationProblem, ProblemHttpResult>> FiguresAsync(
        int id, [AsParameters] PageRequest page, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var before = int.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (!await access.MayManageAsync(user, id, cancellationToken))
        {
            return PartnerEndpoints.CompanyNotFound.ToProblem();
        }

        var completed = database.Redemptions.Where(row => row.Status == RedemptionStatus.Completed);
        var coupons = database.Coupons.Where(coupon => coupon.CompanyId == id);
        var items = await PageAsync(coupons, completed, before, page.Size, cancellationToken);
        if (page.Cursor is not null)
        {
            return TypedResults.Ok(new CompanyFigures(null, null, null, items.Items, items.NextCursor));
        }

        var total = await
            (from redemption in completed
             join coupon in coupons on redemption.CouponId equals coupon.Id
             group redemption by 1 into all
             select new { Count = all.Count(), Used = all.Count(row => row.UsedAt != null), Points = all.Sum(row => (long)row.PointsCost) })
            .SingleOrDefaultAsync(cancellationToken);
        return TypedResults.Ok(new CompanyFigures(total?.Count ?? 0, total?.Used ?? 0, total?.Points ?? 0, items.Items, items.NextCursor));
    }

    private static async Task<Page<CouponFigures>> PageAsync(
        IQueryable<Coupon> coupons, IQueryable<Redemption> completed, int before, int size, CancellationToken cancellationToken)
    {
        var rows = await
            (from coupon in coupons
             where coupon.Id < before
             orderby coupon.Id descending
             select new CouponFigures(
                 coupon.Id, coupon.Title, coupon.Stock, completed.Count(row => row.CouponId == coupon.Id),
                 completed.Count(row => row.CouponId == coupon.Id && row.UsedAt != null),
                 completed.Where(row => row.CouponId == coupon.Id).Sum(row => (long)row.PointsCost)))
            .Take(size + 1).ToListAsync(cancellationToken);
        return Page.Of(rows, size, last => Cursor.Encode(last.CouponId));
    }
}

using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Redemptions;

/// <param name="Companies">The companies that the user is a partner of.</param>
/// <param name="StockMovements">What the user has added to the stock of coupons.</param>
internal sealed record UserRedemptions(
    IAsyncEnumerable<RedemptionResponse> Redemptions, IAsyncEnumerable<CompanyResponse> Companies, IAsyncEnumerable<CouponMovementResponse> StockMovements);

internal static class RedemptionExport
{
    public static void MapRedemptionExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(Export);

    private static Ok<UserRedemptions> Export(Guid id, CouponsDbContext database) => TypedResults.Ok(new UserRedemptions(
        RedemptionEndpoints.WithCoupon(database.Redemptions.Where(row => row.UserId == id), database).AsAsyncEnumerable().Select(RedemptionResponse.Of),
        (from partner in database.CompanyPartners
         where partner.UserId == id
         join company in database.Companies on partner.CompanyId equals company.Id
         orderby company.Id
         select company).AsNoTracking().AsAsyncEnumerable().Select(CompanyResponse.Of),
        database.StockMovements.AsNoTracking().Where(row => row.ActorId == id).OrderBy(row => row.Id).AsAsyncEnumerable().Select(CouponMovementResponse.Of)));
}

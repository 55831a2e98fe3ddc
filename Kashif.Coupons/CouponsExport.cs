using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Shop;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons;

/// <param name="Companies">The companies that the user is a partner of.</param>
/// <param name="StockMovements">What the user has added to the stock of coupons.</param>
/// <param name="ProductMovements">What the user has changed in the stock of products.</param>
internal sealed record UserData(
    IAsyncEnumerable<RedemptionResponse> Redemptions, IAsyncEnumerable<CompanyResponse> Companies, IAsyncEnumerable<CouponMovementResponse> StockMovements,
    IAsyncEnumerable<OrderResponse> Orders, IAsyncEnumerable<ProductMovementResponse> ProductMovements);

internal static class CouponsExport
{
    public static void MapCouponsExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(Export);

    private static Ok<UserData> Export(Guid id, CouponsDbContext database) => TypedResults.Ok(new UserData(
        RedemptionEndpoints.WithCoupon(database.Redemptions.Where(row => row.UserId == id), database).AsAsyncEnumerable().Select(RedemptionResponse.Of),
        (from partner in database.CompanyPartners
         where partner.UserId == id
         join company in database.Companies on partner.CompanyId equals company.Id
         orderby company.Id
         select company).AsNoTracking().AsAsyncEnumerable().Select(CompanyResponse.Of),
        database.StockMovements.AsNoTracking().Where(row => row.ActorId == id).OrderBy(row => row.Id).AsAsyncEnumerable().Select(CouponMovementResponse.Of),
        database.Orders.AsNoTracking().Include(order => order.Items).Where(order => order.UserId == id).OrderBy(order => order.Id).AsAsyncEnumerable().Select(OrderResponse.Of),
        database.ProductMovements.AsNoTracking().Where(row => row.ActorId == id).OrderBy(row => row.CreatedAt).AsAsyncEnumerable().Select(ProductMovementResponse.Of)));
}

using Kashif.Coupons.Catalog;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Data;
<<<<<<< HEAD:Kashif.Coupons/CouponsExport.cs
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Shop;
=======
using Kashif.Coupons.Partners;
>>>>>>> 6484823aa22db5750e00b7f369d9d63d53996abf:Kashif.Coupons/Redemptions/RedemptionExport.cs
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons;

/// <param name="Companies">The companies that the user is a partner of.</param>
/// <param name="StockMovements">What the user has added to the stock of coupons.</param>
<<<<<<< HEAD:Kashif.Coupons/CouponsExport.cs
internal sealed record UserData(
    IAsyncEnumerable<RedemptionResponse> Redemptions, IAsyncEnumerable<CompanyResponse> Companies, IAsyncEnumerable<MovementResponse> StockMovements,
    IAsyncEnumerable<OrderResponse> Orders);
=======
internal sealed record UserRedemptions(
    IAsyncEnumerable<RedemptionResponse> Redemptions, IAsyncEnumerable<CompanyResponse> Companies, IAsyncEnumerable<CouponMovementResponse> StockMovements);
>>>>>>> 6484823aa22db5750e00b7f369d9d63d53996abf:Kashif.Coupons/Redemptions/RedemptionExport.cs

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
<<<<<<< HEAD:Kashif.Coupons/CouponsExport.cs
        database.StockMovements.AsNoTracking().Where(row => row.ActorId == id).OrderBy(row => row.Id).AsAsyncEnumerable().Select(MovementResponse.Of),
        database.Orders.AsNoTracking().Include(order => order.Items).Where(order => order.UserId == id).OrderBy(order => order.Id).AsAsyncEnumerable().Select(OrderResponse.Of)));
=======
        database.StockMovements.AsNoTracking().Where(row => row.ActorId == id).OrderBy(row => row.Id).AsAsyncEnumerable().Select(CouponMovementResponse.Of)));
>>>>>>> 6484823aa22db5750e00b7f369d9d63d53996abf:Kashif.Coupons/Redemptions/RedemptionExport.cs
}

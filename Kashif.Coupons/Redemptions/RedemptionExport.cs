using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Shop.Orders;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Redemptions;

/// <param name="Companies">The companies that the user is a partner of.</param>
internal sealed record UserRedemptions(
    IAsyncEnumerable<RedemptionResponse> Redemptions, IAsyncEnumerable<CompanyResponse> Companies, IAsyncEnumerable<OrderResponse> Orders);

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
        database.Orders.AsNoTracking().Include(order => order.Items).Where(order => order.UserId == id).OrderBy(order => order.Id).AsAsyncEnumerable().Select(OrderResponse.Of)));
}

using Kashif.Coupons.Data;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Redemptions;

internal sealed record UserRedemptions(IAsyncEnumerable<RedemptionResponse> Redemptions);

internal static class RedemptionExport
{
    public static void MapRedemptionExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(Export);

    private static Ok<UserRedemptions> Export(Guid id, CouponsDbContext database) => TypedResults.Ok(new UserRedemptions(
        RedemptionEndpoints.WithCoupon(database.Redemptions.Where(row => row.UserId == id), database).AsAsyncEnumerable().Select(RedemptionResponse.Of)));
}

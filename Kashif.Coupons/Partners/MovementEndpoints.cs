using System.Security.Claims;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Partners;

/// <summary>A change of a coupon's stock. The stock is the sum of all changes.</summary>
/// <param name="Id" example="4711">The movement's id.</param>
/// <param name="CouponId" example="12">The coupon.</param>
/// <param name="Kind" example="restocked">`initial` or `restocked` by the company; `reserved` by a redemption, `released` when it is cancelled, `voided` if its code cannot be given again; `corrected` for a difference from before the ledger.</param>
/// <param name="Quantity" example="50">Positive if added.</param>
/// <param name="RedemptionId" example="null">The redemption, if one caused it.</param>
/// <param name="ActorId">The partner or admin who caused it; null for a redemption.</param>
/// <param name="At">When.</param>
internal sealed record CouponMovementResponse(long Id, int CouponId, StockMovementKind Kind, int Quantity, Guid? RedemptionId, Guid? ActorId, DateTimeOffset At)
{
    public static CouponMovementResponse Of(StockMovement movement) =>
        new(movement.Id, movement.CouponId, movement.Kind, movement.Quantity, movement.RedemptionId, movement.ActorId, movement.At);
}

internal static class MovementEndpoints
{
    /// <param name="id" example="12">The coupon's id.</param>
    public static async Task<Results<Ok<Page<CouponMovementResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        int id, [AsParameters] PageRequest page, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var before = long.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (!await access.MayManageCouponAsync(user, id, cancellationToken))
        {
            return CouponEndpoints.NotFound.ToProblem();
        }

        var rows = await database.StockMovements.AsNoTracking().Where(row => row.CouponId == id && row.Id < before).OrderByDescending(row => row.Id)
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, CouponMovementResponse.Of, last => Cursor.Encode(last.Id)));
    }
}

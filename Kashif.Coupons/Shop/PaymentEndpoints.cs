using System.Security.Claims;
using Kashif.Coupons.Data;
using Kashif.Http;
using Kashif.Messaging.Events;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Shop;

/// <summary>Points that were paid or given back.</summary>
/// <param name="Type" example="debit">`debit`, or `refund` of an earlier one.</param>
/// <param name="Points" example="240">How many points.</param>
/// <param name="OrderId">The order; null for a redemption.</param>
/// <param name="RedemptionId" example="null">The redemption; null for an order.</param>
/// <param name="CreatedAt">When.</param>
internal sealed record PaymentResponse(
    [property: Values(PaymentProcessed.Debit, PaymentProcessed.Refund)] string Type, int Points, Guid? OrderId, Guid? RedemptionId, DateTimeOffset CreatedAt);

/// <summary>A row of the query below.</summary>
internal sealed class Payment
{
    public required string Type { get; init; }
    public int Points { get; init; }
    public Guid Id { get; init; }
    public bool IsOrder { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

internal static class PaymentEndpoints
{
    /// <summary>Payments have no table: orders and redemptions say when their points were debited and given back.</summary>
    public static async Task<Results<Ok<Page<PaymentResponse>>, ValidationProblem>> ListMineAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var (before, beforeId) = (DateTimeOffset.MaxValue, Guid.AllBitsSet);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before, out beforeId))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        before = before.ToUniversalTime(); // PostgreSQL's driver takes no other
        var userId = user.UserId;
        var rows = await database.Database.SqlQuery<Payment>($"""
            SELECT type, points, id, is_order, created_at FROM (
                SELECT 'debit' AS type, total_points AS points, id, true AS is_order, paid_at AS created_at FROM orders
                WHERE user_id = {userId} AND paid_at IS NOT NULL
                UNION ALL
                SELECT 'refund', total_points, id, true, updated_at FROM orders
                WHERE user_id = {userId} AND paid_at IS NOT NULL AND status = 'cancelled'
                UNION ALL
                SELECT 'debit', points_cost, id, false, created_at FROM redemptions
                WHERE user_id = {userId} AND (status = 'completed' OR cancelled_at IS NOT NULL)
                UNION ALL
                SELECT 'refund', points_cost, id, false, ended_at FROM redemptions
                WHERE user_id = {userId} AND cancelled_at IS NOT NULL AND status = 'cancelled') AS payments
            WHERE (created_at, id) < ({before}, {beforeId})
            ORDER BY created_at DESC, id DESC LIMIT {page.Size + 1}
            """).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows,
            page.Size,
            row => new PaymentResponse(row.Type, row.Points, row.IsOrder ? row.Id : null, row.IsOrder ? null : row.Id, row.CreatedAt),
            last => Cursor.Encode(last.CreatedAt, last.Id)));
    }
}

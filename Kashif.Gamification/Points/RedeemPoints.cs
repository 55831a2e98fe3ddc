using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Kashif.Gamification.Data;
using Kashif.Gamification.Leaderboard;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Gamification.Points;

/// <remarks>Public like every request: <c>AddValidation</c> passes over types that are not.</remarks>
public sealed record RedeemPointsRequest(
    [Range(1, RedeemPointsRequest.MaxPoints)] int Points, [Range(1, int.MaxValue)] int CouponId)
{
    public const int MaxPoints = 1_000_000;
}

internal static class RedeemPoints
{
    public static ProblemHttpResult InsufficientPoints =>
        Error.Rule("insufficient_points", "There are not enough points for this.");

    public static async Task<Results<Created<TransactionResponse>, ProblemHttpResult>> RedeemAsync(
        RedeemPointsRequest request, ClaimsPrincipal user, GamificationDbContext database, Ledger ledger, RankingCache ranking,
        PointsMetrics metrics, Idempotency idempotency, TimeProvider time, HttpContext http, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var debited = await ledger.DebitAsync(user.UserId, request.Points, request.CouponId, id, $"redeemed:{id}", cancellationToken);
        if (debited is null)
        {
            return InsufficientPoints;
        }

        var created = TypedResults.Created((string?)null, TransactionResponse.Of(debited.Transaction));
        await idempotency.SaveAsync(http, created, cancellationToken);
        await transaction.CommitAsync(cancellationToken);

        metrics.Redeemed(request.Points);
        await ranking.WriteAsync([debited.Balance], cancellationToken);
        return created;
    }
}

using System.Security.Claims;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Gamification.Points;

/// <summary>Points to debit.</summary>
/// <param name="Points" example="15">How many points to debit.</param>
/// <param name="CouponId" example="12">The coupon that they are for.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record RedeemPointsRequest(
    [Between(1, RedeemPointsRequest.MaxPoints)] int Points, [Between(1, int.MaxValue)] int CouponId)
{
    public const int MaxPoints = 1_000_000;
}

internal static class RedeemPoints
{
    public static ProblemHttpResult InsufficientPoints =>
        Error.Rule("insufficient_points", "Not enough points.");

    public static async Task<Results<Created<TransactionResponse>, ProblemHttpResult>> RedeemAsync(
        RedeemPointsRequest request, ClaimsPrincipal user, PointsLedger ledger, RankingCache ranking,
        PointsMetrics metrics, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        await using var transaction = await work.BeginAsync(cancellationToken);
        var debited = await ledger.DebitAsync(user.UserId, request.Points, request.CouponId, id, $"redeemed:{id}", cancellationToken);
        if (debited is null)
        {
            return InsufficientPoints;
        }

        var created = TypedResults.Created((string?)null, TransactionResponse.Of(debited.Transaction));
        await work.CommitAsync(created, cancellationToken);

        metrics.Redeemed(request.Points);
        await ranking.WriteAsync([debited.Balance], cancellationToken);
        return created;
    }
}

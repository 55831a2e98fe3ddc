using Kashif.Gamification.Data;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Http;
using Kashif.Messaging.Erasure;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

public sealed record DebitRequest(
    Guid UserId, [Between(1, 1_000_000)] int Points, [Between(1, int.MaxValue)] int CouponId);

internal sealed record BalanceResponse(long Points);

/// <summary>For Coupons only; the gateway does not route it.</summary>
internal static class DebitEndpoints
{
    private static ProblemHttpResult InsufficientPoints => Error.Rule("insufficient_points", "Not enough points.");

    public static IEndpointRouteBuilder MapDebits(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/internal/v1").ExcludeFromDescription().RequireAuthorization(ServiceScopes.DebitPoints);
        group.MapGet("/balances/{userId:guid}", GetBalanceAsync)
            .WithName("GetBalance")
            .WithSummary("Get a user's balance; 0 for a user without points");
        group.MapPut("/debits/{redemptionId:guid}", PutAsync)
            .WithName("PutDebit")
            .WithSummary("Debit a user's points for a redemption; a repeated request returns the first result");
        return group;
    }

    private static async Task<Ok<BalanceResponse>> GetBalanceAsync(Guid userId, GamificationDbContext database, CancellationToken cancellationToken) =>
        TypedResults.Ok(new BalanceResponse(await database.Balances.Where(balance => balance.UserId == userId)
            .Select(balance => balance.Points).SingleOrDefaultAsync(cancellationToken)));

    private static async Task<Results<Ok<TransactionResponse>, ProblemHttpResult>> PutAsync(
        Guid redemptionId, DebitRequest request, GamificationDbContext database, PointsLedger ledger, RankingCache ranking, PointsMetrics metrics,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // Waits for a concurrent request with the same id.
        var isFirst = await database.Database.ExecuteSqlAsync($"""
            INSERT INTO debits (id, user_id, points, coupon_id, created_at)
            VALUES ({redemptionId}, {request.UserId}, {request.Points}, {request.CouponId}, {now})
            ON CONFLICT (id) DO NOTHING
            """, cancellationToken) == 1;
        if (!isFirst)
        {
            return await RepeatAsync(redemptionId, request, database, cancellationToken);
        }

        var debited = await ledger.DebitAsync(
            request.UserId, request.Points, request.CouponId, Guid.CreateVersion7(now), Debit.Cause(redemptionId), cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (debited is null)
        {
            return InsufficientPoints;
        }

        metrics.Redeemed(request.Points);
        await ranking.WriteAsync([debited.Balance], cancellationToken);
        return TypedResults.Ok(TransactionResponse.Of(debited.Transaction));
    }

    private static async Task<Results<Ok<TransactionResponse>, ProblemHttpResult>> RepeatAsync(
        Guid redemptionId, DebitRequest request, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var first = await database.Debits.AsNoTracking().SingleAsync(debit => debit.Id == redemptionId, cancellationToken);
        var isSameUser = first.UserId == request.UserId || first.UserId == ErasedUser.Id; // The redemption may outlive the account.
        if (!isSameUser || first.Points != request.Points || first.CouponId != request.CouponId)
        {
            return Error.Conflict("debit_mismatch", "A different debit already has this id.").ToProblem();
        }

        var cause = Debit.Cause(redemptionId);
        var entry = await database.Transactions.AsNoTracking().SingleOrDefaultAsync(entry => entry.Cause == cause, cancellationToken);
        return entry is null ? InsufficientPoints : TypedResults.Ok(TransactionResponse.Of(entry));
    }
}

using System.ComponentModel.DataAnnotations;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Http;
using Kashif.Messaging.Erasure;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <summary>A debit for the redemption of a coupon, or for an order.</summary>
public sealed record DebitRequest(
    Guid UserId, [Between(1, int.MaxValue)] int Points, [Between(1, int.MaxValue)] int? CouponId = null, Guid? OrderId = null) : IValidatableObject
{
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        CouponId is null == OrderId is null ? [new ValidationResult("Send either coupon_id or order_id.", [nameof(CouponId), nameof(OrderId)])] : [];

    internal string CauseOf(Guid id) => OrderId is { } order ? Debit.OrderCause(order) : Debit.Cause(id);

    internal string ToReference() => OrderId is { } order ? Debit.OrderCause(order) : $"{CouponId}";
}

/// <param name="Areas">The codes of the areas on whose leaderboards the user has points, if the request asked for them.</param>
internal sealed record BalanceResponse(long Points, int Level, IReadOnlyList<string>? Areas = null);

/// <summary>For Coupons only; the gateway does not route it.</summary>
internal static class DebitEndpoints
{
    private static Error Mismatch { get; } = Error.Conflict("debit_mismatch", "A different debit already has this id.");

    private static ProblemHttpResult InsufficientPoints => Error.Rule("insufficient_points", "Not enough points.");

    public static IEndpointRouteBuilder MapDebits(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/internal/v1").ExcludeFromDescription().RequireAuthorization(ServiceScopes.DebitPoints);
        group.MapGet("/balances/{userId:guid}", GetBalanceAsync)
            .WithName("GetBalance")
            .WithSummary("Get a user's balance; 0 for a user without points");
        group.MapPut("/debits/{redemptionId:guid}", PutAsync)
            .WithName("PutDebit")
            .WithSummary("Debit a user's points for a redemption or an order; a repeated request returns the first result");
        group.MapPut("/refunds/{redemptionId:guid}", RefundAsync)
            .WithName("PutRefund")
            .WithSummary("Give the points of a redemption or an order back, and refuse its debit if it arrives later");
        return group;
    }

    private static async Task<Ok<BalanceResponse>> GetBalanceAsync(
        Guid userId, GamificationDbContext database, LevelCache levels, [FromQuery(Name = "areas")] bool? areas, CancellationToken cancellationToken)
    {
        var balance = await database.Balances.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken) ?? new Balance { UserId = userId };
        var earnedIn = areas is true
            ? await database.ScopedTotals.Where(total => total.UserId == userId && total.Period == Period.All && total.Category == "" && total.Area != "" && total.Points > 0)
                .Select(total => total.Area).Order().ToListAsync(cancellationToken)
            : null;
        return TypedResults.Ok(new BalanceResponse(balance.Points, (await levels.GetAsync(cancellationToken)).Of(balance.Kept), earnedIn));
    }

    private static async Task<Results<Ok<TransactionResponse>, ProblemHttpResult>> PutAsync(
        Guid redemptionId, DebitRequest request, GamificationDbContext database, PointsLedger ledger,
        TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (!await IsFirstAsync(redemptionId, request, database, time, cancellationToken))
        {
            return await RepeatAsync(redemptionId, request, database, cancellationToken);
        }

        var debited = await ledger.DebitAsync(
            request.UserId, request.Points, request.ToReference(), request.CauseOf(redemptionId), cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (debited is null)
        {
            return InsufficientPoints;
        }

        await ledger.CommittedAsync(CancellationToken.None); // it is committed
        return TypedResults.Ok(TransactionResponse.Of(debited));
    }

    private static async Task<Results<Ok<TransactionResponse>, ProblemHttpResult>> RepeatAsync(
        Guid redemptionId, DebitRequest request, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var first = await database.Debits.AsNoTracking().SingleAsync(debit => debit.Id == redemptionId, cancellationToken);
        if (!IsSame(first, request))
        {
            return Mismatch.ToProblem();
        }

        return await EntriesAsync(redemptionId, request, database, cancellationToken) is [var entry] ? TypedResults.Ok(TransactionResponse.Of(entry)) : InsufficientPoints;
    }

    private static async Task<Results<Ok<BalanceResponse>, ProblemHttpResult>> RefundAsync(
        Guid redemptionId, DebitRequest request, GamificationDbContext database, PointsLedger ledger, LevelCache levels,
        TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken); // before the debit, as an erasure does
        if (!await IsFirstAsync(redemptionId, request, database, time, cancellationToken))
        {
            // The lock makes a concurrent refund wait.
            var first = await database.Debits.FromSql($"SELECT * FROM debits WHERE id = {redemptionId} FOR UPDATE").AsNoTracking().SingleAsync(cancellationToken);
            if (!IsSame(first, request))
            {
                return Mismatch.ToProblem();
            }
        }

        // Also if this is the first request: an order can be cancelled when its debit has left the table (Debits:Retention), but not the ledger.
        var entries = await EntriesAsync(redemptionId, request, database, cancellationToken);
        if (entries is [var debit])
        {
            await ledger.RefundAsync(debit, Debit.RefundCause(redemptionId), cancellationToken);
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await ledger.CommittedAsync(CancellationToken.None); // it is committed
        return await GetBalanceAsync(request.UserId, database, levels, areas: null, cancellationToken);
    }

    /// <summary>Stores the debit. Waits for a concurrent request with the same id.</summary>
    private static async Task<bool> IsFirstAsync(
        Guid redemptionId, DebitRequest request, GamificationDbContext database, TimeProvider time, CancellationToken cancellationToken) =>
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO debits (id, user_id, points, coupon_id, order_id, created_at)
            VALUES ({redemptionId}, {request.UserId}, {request.Points}, {request.CouponId}, {request.OrderId}, {time.GetUtcNow()})
            ON CONFLICT (id) DO NOTHING
            """, cancellationToken) == 1;

    /// <returns>Nothing for a refused debit, otherwise its entry, and that of its refund.</returns>
    private static Task<List<PointTransaction>> EntriesAsync(
        Guid redemptionId, DebitRequest request, GamificationDbContext database, CancellationToken cancellationToken)
    {
        string[] causes = [request.CauseOf(redemptionId), Debit.RefundCause(redemptionId)];
        return database.Transactions.AsNoTracking().Where(entry => causes.Contains(entry.Cause)).ToListAsync(cancellationToken);
    }

    private static bool IsSame(Debit first, DebitRequest request) =>
        (first.UserId == request.UserId || first.UserId == ErasedUser.Id) // The purchase may outlive the account.
        && first.Points == request.Points && first.CouponId == request.CouponId && first.OrderId == request.OrderId;
}

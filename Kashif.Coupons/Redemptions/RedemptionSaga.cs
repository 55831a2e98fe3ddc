using System.Diagnostics;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Codes;
using Kashif.Coupons.Data;
using Kashif.Coupons.Points;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Kashif.Coupons.Redemptions;

/// <summary>
/// Redeems a coupon in three steps, with their state in the database: reserve an item from the stock, debit the points in
/// Gamification under the redemption's id, then complete with a code or cancel and restock. Any worker may repeat the last two
/// at any time: the debit is idempotent by id, and the end is a conditional UPDATE that only one worker wins. Users with too few
/// points or too many open redemptions reserve nothing, so they cannot make a coupon look sold out. A redemption whose offer ends
/// before its code is issued is refunded: the code would have expired. So is one that waits for its debit for too long
/// (<see cref="RedemptionOptions.ReserveFor"/>). Refunding is a state of its own, because from then on the debit must
/// not complete it. A completed redemption that its user cancels goes the same way.
/// </summary>
internal sealed class RedemptionSaga(
    CouponsDbContext database, UnitOfWork work, PointsClient points, RedemptionMetrics metrics, TimeProvider time, IOptions<RedemptionOptions> options)
{
    private const int CodeAttempts = 5;

    public static Error NotAvailable { get; } = Error.Rule("coupon_not_available", "This coupon is not on offer.");

    public static Error ReservationExpired { get; } = Error.Rule(
        "reservation_expired", "Your points could not be debited in time, so this redemption is cancelled. Try again.");

    public static Error InsufficientPoints { get; } = Error.Rule("insufficient_points", "You do not have enough points for this coupon.");

    public static Error Pending { get; } = Error.Conflict(CodeRefusals.Pending, "This redemption is still open. Try again when it is completed.");

    private static Error TooLate { get; } = Error.Rule("cancel_window_over", "It is too late to cancel this redemption.");

    private static Error NotCancellable { get; } = Error.Rule("not_cancellable", "All users of this coupon have the same code, so it cannot be taken back.");

    private static Error NotEligible { get; } = Error.Rule("not_eligible", "This coupon is for users of a higher level or of another area.");

    /// <summary>Whether the user could redeem the coupon now. Reserves nothing.</summary>
    /// <returns>The first reason against it; null if there is none.</returns>
    public async Task<(string? Reason, Error? Error)> ValidateAsync(int couponId, Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        switch (await database.Coupons.AsNoTracking().SingleOrDefaultAsync(row => row.Id == couponId, cancellationToken))
        {
            case null:
                return (null, CouponEndpoints.NotFound);
            case { WithdrawnAt: not null }:
                return (Refusals.Withdrawn, null);
            case var coupon when coupon.StartsAt > now:
                return (Refusals.NotStarted, null);
            case var coupon when coupon.EndsAt <= now:
                return (Refusals.Ended, null);
            case { Stock: 0 }:
                return (Refusals.OutOfStock, null);
            case { PerUserLimit: { } limit } when await CountAsync(couponId, userId, cancellationToken) >= limit:
                return (Refusals.PerUserLimit, null);
            case not null when await HasCancelledTooOftenAsync(couponId, userId, cancellationToken):
                return (Refusals.Cancellations, null);
            case var coupon:
                return await points.AccountAsync(userId, coupon.Area is not null, options.Value.DebitTimeout, cancellationToken) switch
                {
                    null => (null, CouponEndpoints.PointsUnavailable),
                    var account => coupon.IsFor(account) switch
                    {
                        null => (null, CouponEndpoints.PointsUnavailable),
                        false => (Refusals.NotEligible, null),
                        true => (account.Points < coupon.PointsCost ? Refusals.InsufficientPoints : null, null),
                    },
                };
        }
    }

    /// <summary>Takes one item from the stock for the user.</summary>
    /// <param name="price">The price that the client expects; null for any.</param>
    /// <param name="answer">The answer for the client's idempotency key if it stops here.</param>
    public async Task<(RedemptionWithCoupon? Reserved, Error? Error)> ReserveAsync(
        int couponId, int? price, Guid userId, Func<RedemptionWithCoupon, IResult> answer, CancellationToken cancellationToken)
    {
        if (await CheckAccountAsync(couponId, userId, cancellationToken) is { } refusal)
        {
            return (null, refusal);
        }

        await using var transaction = await work.BeginAsync(cancellationToken);

        // One request of a user at a time, so that the count of open redemptions is exact.
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended({userId.ToString()}, 0))", cancellationToken);
        if (await database.Redemptions.CountAsync(row => row.UserId == userId && row.EndedAt == null, cancellationToken) >= options.Value.OpenPerUser)
        {
            return (null, Error.Rule("too_many_open_redemptions", "You have too many open redemptions. Wait until one of them ends."));
        }

        var now = time.GetUtcNow();

        // The UPDATE locks the coupon's row until the commit, so the count below is exact.
        var taken = await database.Coupons
            .FromSql($"""
                UPDATE coupons SET stock = stock - 1, version = version + 1
                WHERE id = {couponId} AND stock > 0 AND withdrawn_at IS NULL AND starts_at <= {now} AND (ends_at IS NULL OR ends_at > {now})
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        if (taken is not [var coupon])
        {
            return (null, await ExplainRefusalAsync(couponId, now, cancellationToken));
        }

        if (price is not null && price != coupon.PointsCost)
        {
            return (null, Error.Rule("price_changed", "The price of this coupon has changed. Load the coupon again."));
        }

        if (coupon.PerUserLimit is { } limit && await CountAsync(couponId, userId, cancellationToken) >= limit)
        {
            return (null, Error.Rule("per_user_limit_reached", "You have reached the limit per user for this coupon."));
        }

        if (await HasCancelledTooOftenAsync(couponId, userId, cancellationToken))
        {
            return (null, Error.Rule(Refusals.Cancellations, "You have cancelled this coupon too often."));
        }

        var redemption = new Redemption
        {
            Id = TimeOrderedId.Create(now),
            CouponId = couponId,
            UserId = userId,
            Status = RedemptionStatus.Reserved,
            PointsCost = coupon.PointsCost,
            CodeMode = coupon.CodeMode,
            ExpiresAt = coupon.EndsAt,
            CreatedAt = now,
            ReservedUntil = now + options.Value.ReserveFor,
            LeasedUntil = now + options.Value.Lease,
        };
        database.Redemptions.Add(redemption);
        AddMovement(redemption, StockMovementKind.Reserved, -1, now);
        if (coupon.Stock == 0)
        {
            database.Publish(coupon.ToEvent(), now);
        }

        if (coupon.CodeMode == CodeMode.Pool)
        {
            await TakeCodeAsync(redemption, cancellationToken);
        }

        var reserved = new RedemptionWithCoupon(redemption, coupon);
        await work.CommitAsync(answer(reserved), cancellationToken);
        metrics.Reached(RedemptionStatus.Reserved);
        return (reserved, null);
    }

    /// <summary>Begins to cancel the user's completed redemption. From then on its code is not valid; <see cref="SettleAsync"/> gives the points back.</summary>
    /// <returns>The redemption, which may have been cancelled before.</returns>
    public async Task<(RedemptionWithCoupon? Cancelled, ProblemHttpResult? Error)> CancelAsync(
        Guid id, Guid userId, Func<RedemptionWithCoupon, IResult> answer, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var transaction = await work.BeginAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            UPDATE redemptions SET status = 'refunding', code = NULL, ended_at = NULL, cancelled_at = {now}, leased_until = {now + options.Value.Lease}
            WHERE id = {id} AND user_id = {userId} AND status = 'completed' AND code_mode <> 'shared' AND used_at IS NULL AND ended_at > {now - options.Value.CancelWithin}
            """, cancellationToken);
        var row = await RedemptionEndpoints.WithCoupon(database.Redemptions.Where(redemption => redemption.Id == id && redemption.UserId == userId), database)
            .SingleOrDefaultAsync(cancellationToken);
        switch (row?.Redemption)
        {
            case null:
                return (null, RedemptionEndpoints.NotFound.ToProblem());
            case { Status: RedemptionStatus.Reserved }:
                return (null, Pending.ToProblem());
            case { UsedAt: { } usedAt }:
                return (null, Till.AlreadyUsed(usedAt));
            case { Status: RedemptionStatus.Completed, CodeMode: CodeMode.Shared }:
                return (null, NotCancellable.ToProblem());
            case { Status: RedemptionStatus.Completed }:
                return (null, TooLate.ToProblem());
            default:
                await work.CommitAsync(answer(row), cancellationToken);
                return (row, null);
        }
    }

    /// <summary>Debits the points and ends the redemption, or leaves it reserved if the outcome is unknown.</summary>
    /// <param name="answer">The answer for the client's idempotency key.</param>
    /// <returns>The ended redemption; null if it is still open.</returns>
    public async Task<RedemptionWithCoupon?> SettleAsync(
        Redemption open, Func<RedemptionWithCoupon, IResult> answer, CancellationToken cancellationToken)
    {
        var debit = new DebitRequest(open.UserId, open.PointsCost, open.CouponId);
        var now = time.GetUtcNow();
        if (open.Status == RedemptionStatus.Reserved && !(open.ExpiresAt <= now || open.ReservedUntil <= now))
        {
            var ended = await points.DebitAsync(open.Id, debit, options.Value.DebitTimeout, cancellationToken) switch
            {
                DebitOutcome.Debited => await CompleteAsync(open, answer, cancellationToken),
                DebitOutcome.Refused => await EndAsync(open.Id, RedemptionStatus.Reserved, RedemptionStatus.Cancelled, code: null, answer, cancellationToken),
                DebitOutcome.Unknown => null,
                _ => throw new UnreachableException(),
            };
            if (ended is null || ended.Redemption.EndedAt is not null)
            {
                return ended;
            }
        }

        return await RefundAsync(open.Id, debit, answer, cancellationToken);
    }

    /// <summary>Gives the points back and cancels the redemption, unless another worker has ended it.</summary>
    private async Task<RedemptionWithCoupon?> RefundAsync(
        Guid id, DebitRequest debit, Func<RedemptionWithCoupon, IResult> answer, CancellationToken cancellationToken)
    {
        // From now on no worker completes it.
        var now = time.GetUtcNow();
        var refunding = await database.Database.ExecuteSqlAsync($"""
            UPDATE redemptions SET status = 'refunding'
            WHERE id = {id} AND (status = 'refunding' OR status = 'reserved' AND (expires_at <= {now} OR reserved_until <= {now}))
            """, cancellationToken);
        return refunding == 1 && await points.RefundAsync(id, debit, options.Value.DebitTimeout, cancellationToken) == DebitOutcome.Unknown
            ? null
            : await EndAsync(id, RedemptionStatus.Refunding, RedemptionStatus.Cancelled, code: null, answer, cancellationToken);
    }

    /// <summary>
    /// Checks level and area. Also spares a reservation that the debit would refuse; the debit still decides, and if the balance is
    /// unknown, it alone does.
    /// </summary>
    /// <returns>Null if the points may suffice, or the coupon is not on offer.</returns>
    private async Task<Error?> CheckAccountAsync(int couponId, Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var coupon = await database.Coupons.AsNoTracking()
            .Where(row => row.Id == couponId && row.Stock > 0 && row.WithdrawnAt == null && row.StartsAt <= now && (row.EndsAt == null || row.EndsAt > now))
            .SingleOrDefaultAsync(cancellationToken);
        return coupon is null ? null : await points.AccountAsync(userId, coupon.Area is not null, options.Value.DebitTimeout / 4, cancellationToken) switch
        {
            null => coupon is { MinLevel: null, Area: null } ? null : CouponEndpoints.PointsUnavailable,
            var account => coupon.IsFor(account) switch
            {
                null => CouponEndpoints.PointsUnavailable,
                false => NotEligible,
                true => account.Points < coupon.PointsCost ? InsufficientPoints : null,
            },
        };
    }

    /// <summary>Takes an unused code of the pool. There is one: the coupon, whose stock is their number, is locked.</summary>
    private async Task TakeCodeAsync(Redemption redemption, CancellationToken cancellationToken)
    {
        var taken = await database.Database.ExecuteSqlAsync($"""
            UPDATE coupon_codes SET state = 'given', redemption_id = {redemption.Id}
            WHERE id = (SELECT id FROM coupon_codes WHERE coupon_id = {redemption.CouponId} AND state = 'unused' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
            """, cancellationToken);
        if (taken != 1)
        {
            throw new InvalidOperationException($"Coupon {redemption.CouponId} has stock, but no unused code.");
        }
    }

    private async Task<string> CodeAsync(Redemption open, CancellationToken cancellationToken) => open.CodeMode switch
    {
        CodeMode.Generated => RedemptionCode.Create(),
        CodeMode.Pool => await database.PoolCodes.Where(row => row.RedemptionId == open.Id).Select(row => row.Code).SingleOrDefaultAsync(cancellationToken)
            ?? RedemptionCode.Create(), // another worker has cancelled it: this code is discarded
        CodeMode.Shared => await database.Coupons.Where(row => row.Id == open.CouponId).Select(row => row.SharedCode).SingleAsync(cancellationToken)
            ?? throw new InvalidOperationException($"Coupon {open.CouponId} has no shared code."),
        _ => throw new UnreachableException(),
    };

    private async Task<RedemptionWithCoupon> CompleteAsync(Redemption open, Func<RedemptionWithCoupon, IResult> answer, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var code = await CodeAsync(open, cancellationToken);
                return await EndAsync(open.Id, RedemptionStatus.Reserved, RedemptionStatus.Completed, code, answer, cancellationToken);
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UniqueViolation && attempt < CodeAttempts)
            {
                // The code is already in use: try another.
            }
        }
    }

    /// <returns>The redemption, which is still open if its offer ended before it could complete.</returns>
    private async Task<RedemptionWithCoupon> EndAsync(
        Guid id, RedemptionStatus from, RedemptionStatus to, string? code, Func<RedemptionWithCoupon, IResult> answer, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var (before, after) = (from.ToString().ToLowerInvariant(), to.ToString().ToLowerInvariant());
        await using var transaction = await work.BeginAsync(cancellationToken);
        var ended = await database.Redemptions
            .FromSql($"""
                UPDATE redemptions SET status = {after}, code = {code}, ended_at = {now}
                WHERE id = {id} AND status = {before} AND ({code}::text IS NULL OR expires_at IS NULL OR expires_at > {now})
                RETURNING *
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);

        // No row: another worker ended it first, or the offer has ended.
        var redemption = ended is [var updated]
            ? updated
            : await database.Redemptions.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken);
        var coupon = await database.Coupons.AsNoTracking().SingleAsync(row => row.Id == redemption.CouponId, cancellationToken);
        if (ended.Count > 0)
        {
            await PublishOrRestockAsync(redemption, coupon, now, cancellationToken);
        }

        var redeemed = new RedemptionWithCoupon(redemption, coupon);
        await work.CommitAsync(answer(redeemed), cancellationToken);
        if (ended.Count > 0)
        {
            metrics.Reached(to);
        }

        return redeemed;
    }

    /// <summary>Publishes a completed redemption; restocks a cancelled one.</summary>
    private async Task PublishOrRestockAsync(Redemption ended, Coupon coupon, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (ended.Code is { } code)
        {
            database.Publish(new CouponRedeemed(ended.Id, ended.UserId, coupon.Id, coupon.Title, code, ended.PointsCost), now);
        }
        else
        {
            await RestockAsync(ended, now, cancellationToken);
        }
    }

    private async Task RestockAsync(Redemption cancelled, DateTimeOffset now, CancellationToken cancellationToken)
    {
        AddMovement(cancelled, StockMovementKind.Released, 1, now);
        if (cancelled is { CodeMode: CodeMode.Pool, CancelledAt: not null })
        {
            // Its user has seen the code.
            AddMovement(cancelled, StockMovementKind.Voided, -1, now);
            await database.Coupons.Where(row => row.Id == cancelled.CouponId)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Restocked, row => row.Restocked - 1), cancellationToken);
            await database.PoolCodes.Where(row => row.RedemptionId == cancelled.Id)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.State, PoolCodeState.Void), cancellationToken);
            return;
        }

        // The coupon first, as everywhere.
        var restocked = await database.Coupons
            .FromSql($"UPDATE coupons SET stock = stock + 1, version = version + 1 WHERE id = {cancelled.CouponId} RETURNING *")
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        if (cancelled.CodeMode == CodeMode.Pool)
        {
            await database.PoolCodes.Where(row => row.RedemptionId == cancelled.Id).ExecuteUpdateAsync(
                set => set.SetProperty(row => row.State, PoolCodeState.Unused).SetProperty(row => row.RedemptionId, (Guid?)null), cancellationToken);
        }

        if (restocked is [{ Stock: 1 } available])
        {
            database.Publish(available.ToEvent(), now);
        }
    }

    private void AddMovement(Redemption redemption, StockMovementKind kind, int quantity, DateTimeOffset now) => database.StockMovements.Add(
        new StockMovement { CouponId = redemption.CouponId, Kind = kind, Quantity = quantity, RedemptionId = redemption.Id, At = now });

    private Task<int> CountAsync(int couponId, Guid userId, CancellationToken cancellationToken) =>
        database.Redemptions.CountAsync(
            row => row.CouponId == couponId && row.UserId == userId && row.Status != RedemptionStatus.Cancelled, cancellationToken);

    private async Task<bool> HasCancelledTooOftenAsync(int couponId, Guid userId, CancellationToken cancellationToken) =>
        await database.Redemptions.CountAsync(row => row.CouponId == couponId && row.UserId == userId && row.CancelledAt != null, cancellationToken)
            >= options.Value.CancelsPerCoupon;

    private async Task<Error> ExplainRefusalAsync(int couponId, DateTimeOffset now, CancellationToken cancellationToken) =>
        await database.Coupons.AsNoTracking().SingleOrDefaultAsync(coupon => coupon.Id == couponId, cancellationToken) switch
        {
            null => CouponEndpoints.NotFound,
            var coupon when coupon.WithdrawnAt is not null || coupon.StartsAt > now || coupon.EndsAt <= now => NotAvailable,
            _ => Error.Rule("out_of_stock", "Out of stock."),
        };
}

/// <summary>A redemption and its coupon.</summary>
internal sealed record RedemptionWithCoupon(Redemption Redemption, Coupon Coupon);

using System.Diagnostics;
using System.Security.Claims;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using CancelResult = Microsoft.AspNetCore.Http.HttpResults.Results<
    Microsoft.AspNetCore.Http.HttpResults.Ok<Kashif.Coupons.Redemptions.RedemptionResponse>,
    Microsoft.AspNetCore.Http.HttpResults.Accepted<Kashif.Coupons.Redemptions.RedemptionResponse>,
    Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult>;
using RedeemResult = Microsoft.AspNetCore.Http.HttpResults.Results<
    Microsoft.AspNetCore.Http.HttpResults.Created<Kashif.Coupons.Redemptions.RedemptionResponse>,
    Microsoft.AspNetCore.Http.HttpResults.Accepted<Kashif.Coupons.Redemptions.RedemptionResponse>,
    Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult>;

namespace Kashif.Coupons.Redemptions;

/// <summary>A coupon to redeem, at the price that the client has shown.</summary>
/// <param name="Points" example="15">The coupon's price in points: 422 `price_changed` if it is another.</param>
/// <param name="CouponId" example="12">The coupon's id.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record RedeemPointsRequest(
    [Between(1, Coupon.MaxPointsCost)] int Points, [Between(1, int.MaxValue)] int CouponId);

/// <summary>The coupon of a redemption.</summary>
/// <param name="Id" example="12">The coupon's id.</param>
/// <param name="Title" example="A free coffee">The coupon's title.</param>
/// <param name="CompanyId" example="7">The company that offers it.</param>
internal sealed record RedeemedCoupon(int Id, string Title, int CompanyId);

/// <summary>A user's purchase of a coupon.</summary>
/// <param name="Id">The redemption's id.</param>
/// <param name="Status" example="completed">`pending` until the points are debited, then `completed`. `cancelled` if they were not enough, if they could not be debited in time, if the offer had ended by then, or if the user cancelled it: the points are given back.</param>
/// <param name="Coupon">The coupon.</param>
/// <param name="Code" example="7KQP2M4X9RTD">The code to show at the company; null until completed.</param>
/// <param name="PointsSpent" example="15">The points debited; 0 when cancelled.</param>
/// <param name="ExpiresAt" example="2027-11-01T00:00:00Z">When the code expires; null means never.</param>
/// <param name="CreatedAt">When the user redeemed the coupon.</param>
/// <param name="UsedAt" example="null">When the company accepted the code; null until then.</param>
internal sealed record RedemptionResponse(
    Guid Id, [property: Values("pending", "completed", "cancelled")] string Status, RedeemedCoupon Coupon, string? Code, int PointsSpent, DateTimeOffset? ExpiresAt, DateTimeOffset CreatedAt,
    DateTimeOffset? UsedAt)
{
    public static RedemptionResponse Of(RedemptionWithCoupon redeemed) => Of(redeemed.Redemption, redeemed.Coupon);

    private static RedemptionResponse Of(Redemption redemption, Coupon coupon) => new(
        redemption.Id,
        StatusOf(redemption),
        new RedeemedCoupon(coupon.Id, coupon.Title, coupon.CompanyId),
        redemption.Code,
        redemption.Status == RedemptionStatus.Cancelled ? 0 : redemption.PointsCost,
        redemption.ExpiresAt,
        redemption.CreatedAt,
        redemption.UsedAt);

    public static string StatusOf(Redemption redemption) => redemption.Status switch
    {
        RedemptionStatus.Reserved or RedemptionStatus.Refunding => "pending",
        RedemptionStatus.Completed => "completed",
        RedemptionStatus.Cancelled => "cancelled",
        _ => throw new UnreachableException(),
    };
}

/// <summary>Whether the caller can redeem a coupon now.</summary>
/// <param name="Valid" example="false">Whether there is no reason against it.</param>
/// <param name="Reason" example="insufficient_points">The first reason against it; null if there is none.</param>
internal sealed record ValidationResponse(bool Valid, [property: Values(typeof(Refusals))] string? Reason);

internal static class RedemptionEndpoints
{
    public static Error NotFound { get; } = Error.NotFound("Redemption not found.");

    private const string Path = CatalogEndpoints.Path + "/redemptions";
    private static readonly string[] Codes =
        ["insufficient_points", "not_eligible", "per_user_limit_reached", "too_many_cancellations", "too_many_open_redemptions", "coupon_not_available", "out_of_stock", "reservation_expired"];

    public static IEndpointRouteBuilder MapRedemptions(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(CatalogEndpoints.Path).WithTags("Redemptions").RequireAuthorization();
        group.MapPost("/{id:int}/redeem", RedeemAsync).WithIdempotency()
            .WithName("RedeemCoupon").WithSummary("Redeem a coupon with points")
            .WithDescription("Returns 201 with the code. Returns 202 while it is not known whether the points were debited: follow `Location` until the status changes.")
            .WithProblems(422, Codes).WithProblems(503, "points_unavailable");
        group.MapPost("/{id:int}/validate", ValidateAsync)
            .WithName("ValidateCoupon").WithSummary("Check whether I can redeem a coupon").WithDescription("Reserves nothing: redeeming can still be refused.")
            .WithProblems(503, "points_unavailable");
        group.MapGet("/redemptions/me", ListMineAsync).WithName("ListMyRedemptions").WithSummary("List my redemptions, newest first");
        group.MapGet("/redemptions/{id:guid}", GetMineAsync).WithName("GetRedemption").WithSummary("Get one of my redemptions");

        group.MapPost("/redemptions/{id:guid}/cancel", CancelAsync).WithIdempotency()
            .WithName("CancelRedemption").WithSummary("Cancel one of my redemptions")
            .WithDescription("Possible for a short time after the redemption (15 minutes by default), until the code is used. The points are given back. Returns 202 while that is not confirmed. Repeating the call is harmless.")
            .WithProblems(409, "already_used", "redemption_pending").WithProblems(422, "cancel_window_over", "not_cancellable");

        // The gateway routes this path here, so that both ways to spend points are one.
        endpoints.MapPost("/api/v1/gamification/points/redeem", RedeemPointsAsync).WithIdempotency().WithTags("Redemptions").RequireAuthorization()
            .WithName("RedeemPoints").WithSummary("Redeem points for a coupon")
            .WithDescription("The same as `POST /api/v1/coupons/{id}/redeem`, if the coupon still costs this many points.")
            .WithProblems(404, "not_found").WithProblems(422, [.. Codes, "price_changed"])
            .WithProblems(503, "points_unavailable");
        return group;
    }

    /// <param name="id" example="12">The coupon's id.</param>
    private static Task<RedeemResult> RedeemAsync(
        int id, ClaimsPrincipal user, RedemptionSaga saga, CancellationToken cancellationToken) =>
        RedeemAtAsync(price: null, id, user, saga, cancellationToken);

    /// <param name="id" example="12">The coupon's id.</param>
    private static async Task<Results<Ok<ValidationResponse>, ProblemHttpResult>> ValidateAsync(
        int id, ClaimsPrincipal user, RedemptionSaga saga, CancellationToken cancellationToken) =>
        await saga.ValidateAsync(id, user.UserId, cancellationToken) switch
        {
            (_, { } error) => error.ToProblem(),
            var (reason, _) => TypedResults.Ok(new ValidationResponse(reason is null, reason)),
        };

    private static Task<RedeemResult> RedeemPointsAsync(
        RedeemPointsRequest request, ClaimsPrincipal user, RedemptionSaga saga, CancellationToken cancellationToken) =>
        RedeemAtAsync(request.Points, request.CouponId, user, saga, cancellationToken);

    private static async Task<RedeemResult> RedeemAtAsync(
        int? price, int id, ClaimsPrincipal user, RedemptionSaga saga, CancellationToken cancellationToken) =>
        await saga.ReserveAsync(id, price, user.UserId, ToResult, cancellationToken) switch
        {
            (_, { } error) => error.ToProblem(),

            // The reservation is committed: settle it even if the client disconnects.
            ({ } reserved, _) => ToResult(await saga.SettleAsync(reserved.Redemption, ToResult, CancellationToken.None) ?? reserved),
            _ => throw new UnreachableException(),
        };

    /// <param name="id">The redemption's id.</param>
    private static async Task<CancelResult> CancelAsync(
        Guid id, ClaimsPrincipal user, RedemptionSaga saga, CancellationToken cancellationToken)
    {
        switch (await saga.CancelAsync(id, user.UserId, ToCancelled, cancellationToken))
        {
            case (_, { } error):
                return error;
            case ({ Redemption.Status: RedemptionStatus.Refunding } cancelling, _):
                // The cancellation is committed: settle it even if the client disconnects.
                return ToCancelled(await saga.SettleAsync(cancelling.Redemption, ToCancelled, CancellationToken.None) ?? cancelling);
            case ({ } cancelled, _):
                return ToCancelled(cancelled);
            default:
                throw new UnreachableException();
        }
    }

    private static CancelResult ToCancelled(RedemptionWithCoupon redeemed) => redeemed.Redemption.Status == RedemptionStatus.Cancelled
        ? TypedResults.Ok(RedemptionResponse.Of(redeemed))
        : TypedResults.Accepted($"{Path}/{redeemed.Redemption.Id}", RedemptionResponse.Of(redeemed));

    internal static RedeemResult ToResult(RedemptionWithCoupon redeemed)
    {
        var location = $"{Path}/{redeemed.Redemption.Id}";
        return redeemed.Redemption.Status switch
        {
            RedemptionStatus.Completed => TypedResults.Created(location, RedemptionResponse.Of(redeemed)),
            RedemptionStatus.Cancelled when redeemed.Redemption.CancelledAt is not null => TypedResults.Created(location, RedemptionResponse.Of(redeemed)),
            RedemptionStatus.Reserved or RedemptionStatus.Refunding => TypedResults.Accepted(location, RedemptionResponse.Of(redeemed)),
            RedemptionStatus.Cancelled when redeemed.Redemption is { ExpiresAt: { } end, EndedAt: { } ended } && end <= ended => RedemptionSaga.NotAvailable.ToProblem(),
            RedemptionStatus.Cancelled when redeemed.Redemption is { ReservedUntil: { } end, EndedAt: { } ended } && end <= ended => RedemptionSaga.ReservationExpired.ToProblem(),
            RedemptionStatus.Cancelled => RedemptionSaga.InsufficientPoints.ToProblem(),
            _ => throw new UnreachableException(),
        };
    }

    private static async Task<Results<Ok<Page<RedemptionResponse>>, ValidationProblem>> ListMineAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var userId = user.UserId;
        var redemptions = database.Redemptions.Where(redemption => redemption.UserId == userId);
        if (page.Cursor is { } cursor)
        {
            if (!Cursor.TryDecode(cursor, out Guid before))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            redemptions = redemptions.Where(redemption => redemption.Id < before);
        }

        var rows = await WithCoupon(redemptions, database).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows, page.Size, RedemptionResponse.Of, last => Cursor.Encode(last.Redemption.Id)));
    }

    /// <param name="id">The redemption's id.</param>
    private static async Task<Results<Ok<RedemptionResponse>, ProblemHttpResult>> GetMineAsync(
        Guid id, ClaimsPrincipal user, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var userId = user.UserId;
        var row = await WithCoupon(database.Redemptions.Where(redemption => redemption.Id == id && redemption.UserId == userId), database)
            .SingleOrDefaultAsync(cancellationToken);
        return row is null
            ? NotFound.ToProblem()
            : TypedResults.Ok(RedemptionResponse.Of(row));
    }

    public static IQueryable<RedemptionWithCoupon> WithCoupon(IQueryable<Redemption> redemptions, CouponsDbContext database) =>
        from redemption in redemptions.AsNoTracking()
        join coupon in database.Coupons on redemption.CouponId equals coupon.Id
        orderby redemption.Id descending
        select new RedemptionWithCoupon(redemption, coupon);
}

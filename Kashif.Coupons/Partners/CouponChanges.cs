using System.Security.Claims;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Points;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Partners;

/// <summary>Fields that are left out do not change.</summary>
/// <param name="Title" example="A free coffee">The title.</param>
/// <param name="Description" example="One cup of any size.">What the coupon is good for.</param>
/// <param name="CategoryId" example="3">The category.</param>
/// <param name="PointsCost" example="15">The price in points of redemptions from now on.</param>
/// <param name="PerUserLimit" example="1">The most one user may redeem; null means no limit.</param>
/// <param name="StartsAt" example="2026-11-01T00:00:00Z">When the offer begins.</param>
/// <param name="EndsAt" example="2027-11-01T00:00:00Z">When the offer expires, after <c>starts_at</c>; null means never. Codes that were issued keep their expiry.</param>
/// <param name="Terms" example="One coupon for each visit.">The terms of the company; null if there are none.</param>
/// <param name="MinLevel" example="2">The lowest level of users who may redeem it; null for all.</param>
/// <param name="Area" example="old_town">The code of an area: only for users who have points from there that were not taken back, nor earned with anonymous or private reports. Null for all.</param>
/// <param name="Version" example="1">The `version` that the client has read: 409 `coupon_changed` if it is another.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ChangeCouponRequest(
    [Title(1, Coupon.TitleLength)] string? Title = null,
    [Text(1, Coupon.TextLength)] string? Description = null,
    [Between(1, int.MaxValue)] int? CategoryId = null,
    [Between(1, Coupon.MaxPointsCost)] int? PointsCost = null,
    [Between(1, 1_000_000)] int? PerUserLimit = null,
    DateTimeOffset? StartsAt = null,
    DateTimeOffset? EndsAt = null,
    [Text(Coupon.TextLength)] string? Terms = null,
    [Between(1, Coupon.MaxLevel)] int? MinLevel = null,
    [Identifier(Coupon.AreaLength)] string? Area = null,
    int? Version = null);

/// <summary>An addition to a coupon's stock.</summary>
/// <param name="Quantity" example="50">How many.</param>
public sealed record RestockRequest([Between(1, Coupon.MaxStock)] int Quantity);

/// <summary>
/// Changes of a coupon by its company or an admin. Each locks the coupon's row, as a redemption does, so that no change is lost and
/// the versions of the events are in order.
/// </summary>
internal static class CouponChanges
{
    public static Error Withdrawn { get; } = Error.Rule("coupon_withdrawn", "This coupon is withdrawn.");

    public static Error StockTooLarge { get; } = Error.Rule("stock_too_large", "The stock would be too large.");

    private static Error IsPool { get; } = Error.Rule("pool_of_codes", "The stock of this coupon is its pool of codes. Add codes.");

    private static Error Conflict { get; } = Error.Conflict("coupon_changed", "Another request has changed this coupon. Load the coupon again.");

    /// <summary>Locks the coupon until the end of the transaction.</summary>
    /// <returns>Null if there is none, or it is another company's.</returns>
    public static async Task<Coupon?> LockAsync(
        this CompanyAccess access, int id, ClaimsPrincipal user, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var found = await database.Coupons.FromSql($"SELECT * FROM coupons WHERE id = {id} FOR NO KEY UPDATE").ToListAsync(cancellationToken);
        return found is [var coupon] && await access.MayManageAsync(user, coupon.CompanyId, cancellationToken) ? coupon : null;
    }

    /// <param name="id" example="12">The coupon's id.</param>
    public static async Task<Results<Ok<CouponResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        int id, ChangeCouponRequest request, HttpContext http, CompanyAccess access, PointsClient points, CouponsDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        // Before the lock, for which redemptions wait.
        var lacksArea = request.Area is { } area && await points.LacksAreaAsync(area.Trim(), CouponEndpoints.PointsTimeout, cancellationToken);
        await using var transaction = await work.BeginAsync(cancellationToken);
        switch (await access.LockAsync(id, http.User, database, cancellationToken))
        {
            case null:
                return CouponEndpoints.NotFound.ToProblem();
            case { WithdrawnAt: not null }:
                return Withdrawn.ToProblem();
            case { } coupon when request.Version is { } version && version != coupon.Revision:
                return Conflict.ToProblem();
            case { } coupon:
                var formerArea = coupon.Area; // may be deleted: its points stay
                Apply(request, coupon, http);
                var errors = await FieldErrors.FindAsync(http, request);
                errors.Add("ends_at", coupon.EndsAt <= coupon.StartsAt ? NewCoupon.EndsBeforeStart : null);
                errors.Add("category_id", await database.Categories.AnyAsync(category => category.Id == coupon.CategoryId, cancellationToken)
                    ? null
                    : NewCoupon.CategoryNotFound);
                errors.Add("area", lacksArea && coupon.Area != formerArea ? NewCoupon.AreaNotFound : null);
                return errors.ToProblem() is { } invalid ? invalid : await SaveAsync(coupon, database, work, time, cancellationToken);
        }
    }

    /// <param name="id" example="12">The coupon's id.</param>
    public static async Task<Results<NoContent, ProblemHttpResult>> WithdrawAsync(
        int id, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await access.LockAsync(id, user, database, cancellationToken) is not { } coupon)
        {
            return CouponEndpoints.NotFound.ToProblem();
        }

        if (coupon.WithdrawnAt is null)
        {
            var now = time.GetUtcNow();
            coupon.Withdraw(now);
            database.Publish(coupon.ToEvent(), now);
        }

        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    /// <param name="id" example="12">The coupon's id.</param>
    public static async Task<Results<Ok<CouponResponse>, ProblemHttpResult>> RestockAsync(
        int id, RestockRequest request, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        switch (await access.LockAsync(id, user, database, cancellationToken))
        {
            case null:
                return CouponEndpoints.NotFound.ToProblem();
            case { WithdrawnAt: not null }:
                return Withdrawn.ToProblem();
            case { CodeMode: CodeMode.Pool }:
                return IsPool.ToProblem();
            case { } coupon when !coupon.TryRestock(request.Quantity):
                return StockTooLarge.ToProblem();
            case { } coupon:
                database.Add(StockMovement.Of(coupon, StockMovementKind.Restocked, request.Quantity, user.UserId, time.GetUtcNow()));
                return await SaveAsync(coupon, database, work, time, cancellationToken);
        }
    }

    private static void Apply(ChangeCouponRequest request, Coupon coupon, HttpContext http)
    {
        coupon.Title = request.Title?.Trim() ?? coupon.Title;
        coupon.Description = request.Description ?? coupon.Description;
        coupon.CategoryId = request.CategoryId ?? coupon.CategoryId;
        coupon.PointsCost = request.PointsCost ?? coupon.PointsCost;
        coupon.StartsAt = request.StartsAt ?? coupon.StartsAt;
        coupon.PerUserLimit = http.Clears("per_user_limit") ? null : request.PerUserLimit ?? coupon.PerUserLimit;
        coupon.EndsAt = http.Clears("ends_at") ? null : request.EndsAt ?? coupon.EndsAt;
        coupon.Terms = http.Clears("terms") ? null : request.Terms ?? coupon.Terms;
        coupon.MinLevel = http.Clears("min_level") ? null : request.MinLevel ?? coupon.MinLevel;
        coupon.Area = http.Clears("area") ? null : request.Area?.Trim() ?? coupon.Area;
        coupon.Changed();
    }

    private static async Task<Ok<CouponResponse>> SaveAsync(
        Coupon coupon, CouponsDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        database.Publish(coupon.ToEvent(), time.GetUtcNow());
        var companyName = await database.Companies.Where(company => company.Id == coupon.CompanyId).Select(company => company.Name).SingleAsync(cancellationToken);
        return await work.CommitAsync(TypedResults.Ok(CouponResponse.Of(coupon, companyName)), cancellationToken);
    }
}

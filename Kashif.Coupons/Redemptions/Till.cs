using System.Security.Claims;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Codes;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using UseResult = Microsoft.AspNetCore.Http.HttpResults.Results<
    Microsoft.AspNetCore.Http.HttpResults.Ok<Kashif.Coupons.Redemptions.UsedResponse>,
    Microsoft.AspNetCore.Http.HttpResults.ValidationProblem,
    Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult>;

namespace Kashif.Coupons.Redemptions;

/// <summary>A code that a customer shows: one of the two.</summary>
/// <param name="Code" example="7KQP2M4X9RTD">The code, as it is read out or typed.</param>
/// <param name="SignedCode" example="null">The content of the QR code.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record UseCodeRequest([Text(1, CodeFormat.MaxLength)] string? Code = null, [Text(1, 2000)] string? SignedCode = null);

/// <summary>A redemption that has just been used.</summary>
/// <param name="Id">The redemption's id.</param>
/// <param name="Coupon">The coupon.</param>
/// <param name="UsedAt">When it was used: now.</param>
internal sealed record UsedResponse(Guid Id, RedeemedCoupon Coupon, DateTimeOffset UsedAt);

/// <summary>Whether the company can accept a code now.</summary>
/// <param name="Valid" example="true">Whether there is no reason against it.</param>
/// <param name="Reason" example="null">Why `use` refuses it now; null if it does not.</param>
/// <param name="Id">The redemption's id.</param>
/// <param name="Coupon">The coupon.</param>
/// <param name="ExpiresAt" example="2027-11-01T00:00:00Z">When the code expires; null means never.</param>
/// <param name="UsedAt" example="null">When the company accepted the code; null until then.</param>
internal sealed record CodeValidationResponse(
    bool Valid, [property: Values(typeof(CodeRefusals))] string? Reason, Guid Id, RedeemedCoupon Coupon, DateTimeOffset? ExpiresAt, DateTimeOffset? UsedAt);

/// <summary>Why a code is not accepted: the codes of the errors of <c>use</c>.</summary>
internal static class CodeRefusals
{
    public const string Used = "already_used";
    public const string Pending = "redemption_pending";
    public const string Expired = "code_expired";
    public const string Cancelled = "redemption_cancelled";
}

/// <summary>A company's till: it accepts a code once.</summary>
internal static class Till
{
    private static Error Cancelled { get; } = Error.Rule(CodeRefusals.Cancelled, "This redemption is cancelled.");

    private static Error Expired { get; } = Error.Rule(CodeRefusals.Expired, "This code has expired.");

    private static Error InvalidSignature { get; } = Error.Rule("invalid_signed_code", "This is not a code that Kashif has signed.");

    private static Error Ambiguous { get; } = Error.Rule("ambiguous_code", "Several customers have this code. Scan the QR code instead.");

    public static void MapTill(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(CatalogEndpoints.Path + "/redemptions").WithTags("Partners").RequireAuthorization(Policies.Partner);
        group.MapPost("/{id:guid}/use", UseAsync).WithIdempotency()
            .WithName("UseRedemption").WithSummary("Mark a redemption as used").WithDescription(Description)
            .WithProblems(409, CodeRefusals.Used, CodeRefusals.Pending).WithProblems(422, CodeRefusals.Expired, CodeRefusals.Cancelled);
        group.MapPost("/use", UseCodeAsync).WithIdempotency()
            .WithName("UseCode").WithSummary("Mark a code as used").WithDescription(Description)
            .WithProblems(404, RedemptionEndpoints.NotFound.Code).WithProblems(409, CodeRefusals.Used, CodeRefusals.Pending)
            .WithProblems(422, Ambiguous.Code, CodeRefusals.Expired, InvalidSignature.Code, CodeRefusals.Cancelled);
        group.MapPost("/validate", ValidateCodeAsync)
            .WithName("ValidateCode").WithSummary("Check whether a code can be used")
            .WithDescription("Changes nothing: a customer can still cancel, or another till use the code. Codes of another company's coupons return 404.")
            .WithProblems(404, RedemptionEndpoints.NotFound.Code).WithProblems(422, Ambiguous.Code, InvalidSignature.Code);
    }

    /// <summary>A 409 that tells when.</summary>
    public static ProblemHttpResult AlreadyUsed(DateTimeOffset usedAt) =>
        Error.Conflict(CodeRefusals.Used, "This coupon has already been used.").ToProblem("used_at", usedAt);

    /// <returns>Why the code is not valid; null if it is.</returns>
    public static ProblemHttpResult? RefusalOf(Redemption redemption, DateTimeOffset now) => ReasonOf(redemption, now) switch
    {
        null => null,
        CodeRefusals.Used => AlreadyUsed(redemption.UsedAt ?? now),
        CodeRefusals.Pending => RedemptionSaga.Pending.ToProblem(),
        CodeRefusals.Expired => Expired.ToProblem(),
        _ => Cancelled.ToProblem(),
    };

    private static string? ReasonOf(Redemption redemption, DateTimeOffset now) => redemption switch
    {
        { UsedAt: not null } => CodeRefusals.Used,
        { Status: RedemptionStatus.Reserved } => CodeRefusals.Pending,
        { Status: RedemptionStatus.Completed } when redemption.ExpiresAt <= now => CodeRefusals.Expired,
        { Status: RedemptionStatus.Completed } => null,
        _ => CodeRefusals.Cancelled,
    };

    private const string Description = "A code is used once: the second time, 409 `already_used` tells when. Codes of another company's coupons return 404.";

    /// <param name="id">The redemption's id.</param>
    private static async Task<UseResult> UseAsync(
        Guid id, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, UnitOfWork work, RedemptionMetrics metrics, TimeProvider time,
        CancellationToken cancellationToken) =>
        await AcceptAsync(await FindAsync(row => row.Id == id, user, access, database, cancellationToken), database, work, metrics, time, cancellationToken);

    private static async Task<UseResult> UseCodeAsync(
        UseCodeRequest request, ClaimsPrincipal user, CompanyAccess access, CodeSigner signer, CouponsDbContext database, UnitOfWork work,
        RedemptionMetrics metrics, TimeProvider time, CancellationToken cancellationToken)
    {
        if (MistakeIn(request) is { } invalid)
        {
            return invalid;
        }

        return await FindCodeAsync(request, user, access, signer, database, cancellationToken) switch
        {
            (_, { } error) => error.ToProblem(),
            var (found, _) => await AcceptAsync(found, database, work, metrics, time, cancellationToken),
        };
    }

    private static async Task<Results<Ok<CodeValidationResponse>, ValidationProblem, ProblemHttpResult>> ValidateCodeAsync(
        UseCodeRequest request, ClaimsPrincipal user, CompanyAccess access, CodeSigner signer, CouponsDbContext database, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (MistakeIn(request) is { } invalid)
        {
            return invalid;
        }

        switch (await FindCodeAsync(request, user, access, signer, database, cancellationToken))
        {
            case (_, { } error):
                return error.ToProblem();
            case ([(var redemption, var coupon)], _):
                var reason = ReasonOf(redemption, time.GetUtcNow());
                return TypedResults.Ok(new CodeValidationResponse(
                    reason is null, reason, redemption.Id, new RedeemedCoupon(coupon.Id, coupon.Title, coupon.CompanyId), redemption.ExpiresAt, redemption.UsedAt));
            default:
                return RedemptionEndpoints.NotFound.ToProblem();
        }
    }

    private static ValidationProblem? MistakeIn(UseCodeRequest request) =>
        (request.Code is null) == (request.SignedCode is null) ? Error.Field("code", "Send either code or signed_code.") : null;

    /// <returns>The code's redemption, if its coupon is of one of the caller's companies.</returns>
    private static async Task<(List<RedemptionWithCoupon> Found, Error? Error)> FindCodeAsync(
        UseCodeRequest request, ClaimsPrincipal user, CompanyAccess access, CodeSigner signer, CouponsDbContext database, CancellationToken cancellationToken)
    {
        if (request.SignedCode is { } signed)
        {
            return await signer.VerifyAsync(signed.Trim(), cancellationToken) is var (id, code)
                ? (await FindAsync(row => row.Id == id && (row.Code == code || row.Code == null), user, access, database, cancellationToken), null)
                : ([], InvalidSignature);
        }

        var (exact, upper) = (request.Code?.Trim(), request.Code?.Trim().ToUpperInvariant()); // generated codes are in upper case
        var found = await FindAsync(row => row.Code == exact || (row.Code == upper && row.CodeMode == CodeMode.Generated), user, access, database, cancellationToken);
        return (found, found is [{ Coupon.CodeMode: CodeMode.Shared }, ..] or { Count: > 1 } ? Ambiguous : null);
    }

    /// <returns>Up to two redemptions of the caller's companies.</returns>
    private static Task<List<RedemptionWithCoupon>> FindAsync(
        System.Linq.Expressions.Expression<Func<Redemption, bool>> filter, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database,
        CancellationToken cancellationToken)
    {
        var managed = access.Managed(user);
        return
            (from redemption in database.Redemptions.AsNoTracking().Where(filter)
             join coupon in database.Coupons on redemption.CouponId equals coupon.Id
             where managed.Contains(coupon.CompanyId)
             select new RedemptionWithCoupon(redemption, coupon)).Take(2).ToListAsync(cancellationToken);
    }

    private static async Task<UseResult> AcceptAsync(
        List<RedemptionWithCoupon> found, CouponsDbContext database, UnitOfWork work, RedemptionMetrics metrics, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (found is not [({ Id: var id }, var coupon)])
        {
            return RedemptionEndpoints.NotFound.ToProblem();
        }

        var now = time.GetUtcNow();
        await using var transaction = await work.BeginStatementAsync(cancellationToken);
        var used = await database.Redemptions
            .Where(row => row.Id == id && row.Status == RedemptionStatus.Completed && row.UsedAt == null && (row.ExpiresAt == null || row.ExpiresAt > now))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.UsedAt, now), cancellationToken);
        if (used == 0)
        {
            return RefusalOf(await database.Redemptions.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken), now) ?? RedemptionSaga.Pending.ToProblem();
        }

        metrics.Used();
        return await work.CommitAsync(
            TypedResults.Ok(new UsedResponse(id, new RedeemedCoupon(coupon.Id, coupon.Title, coupon.CompanyId), now)), cancellationToken);
    }
}

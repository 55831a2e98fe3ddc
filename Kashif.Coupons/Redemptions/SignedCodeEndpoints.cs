using Kashif.Coupons.Catalog;
using Kashif.Coupons.Codes;
using Kashif.Coupons.Data;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Redemptions;

/// <summary>A code that a till can check without a connection.</summary>
/// <param name="SignedCode" example="eyJhbGciOiJFUzI1NiJ9.eyJjb2RlIjoiN0tRUDJNNFg5UlREIn0.c2ln">A compact JWS with ES256 over `redemption_id`, `code`, `coupon_id`, `company_id` and, if it expires, `exp`.</param>
/// <param name="QrCode" example="data:image/png;base64,iVBORw0KGgo=">The same as a QR code: a data URI with a PNG.</param>
/// <param name="ExpiresAt" example="2027-11-01T00:00:00Z">When the code expires; null means never.</param>
internal sealed record SignedCodeResponse(string SignedCode, string QrCode, DateTimeOffset? ExpiresAt);

internal static class SignedCodeEndpoints
{
    /// <summary>How long a till may miss a new key.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

    public static void MapSignedCodes(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(CatalogEndpoints.Path + "/redemptions/{id:guid}/qr", GetAsync).WithTags("Redemptions").RequireAuthorization()
            .WithName("GetRedemptionQrCode").WithSummary("Get the signed code of one of my redemptions, as text and as a QR code")
            .WithProblems(409, "already_used", "redemption_pending").WithProblems(422, "code_expired", "redemption_cancelled");
        endpoints.MapGet(CatalogEndpoints.Path + "/.well-known/coupon-keys.json", KeysAsync).WithTags("Redemptions").AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("GetCouponKeys").WithSummary("Get the public keys for signed codes (JWKS)");
    }

    /// <param name="id">The redemption's id.</param>
    private static async Task<Results<Ok<SignedCodeResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, CodeSigner signer, CouponsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var userId = http.User.UserId;
        var row = await RedemptionEndpoints.WithCoupon(database.Redemptions.Where(row => row.Id == id && row.UserId == userId), database)
            .SingleOrDefaultAsync(cancellationToken);
        if (row is not ({ } redemption, { } coupon))
        {
            return RedemptionEndpoints.NotFound.ToProblem();
        }

        if (Till.RefusalOf(redemption, time.GetUtcNow()) is { } refusal)
        {
            return refusal;
        }

        http.Response.Headers.CacheControl = "no-store";
        var signed = await signer.SignAsync(id, redemption.Code ?? "", coupon, redemption.ExpiresAt, cancellationToken);
        return TypedResults.Ok(new SignedCodeResponse(signed, QrCode.ToDataUri(signed), redemption.ExpiresAt));
    }

    private static async Task<Ok<JwksResponse>> KeysAsync(CodeSigner signer, CancellationToken cancellationToken) =>
        TypedResults.Ok(await signer.PublishedAsync(cancellationToken));
}

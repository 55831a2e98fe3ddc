using System.Text.Json;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Codes;

/// <summary>Random codes to add to a pool.</summary>
/// <param name="Generate" example="500">How many.</param>
public sealed record GenerateCodesRequest([property: Between(1, CodeFile.MaxCodes)] int Generate);

/// <summary>The pool after an addition.</summary>
/// <param name="Added" example="500">How many codes were added.</param>
/// <param name="Stock" example="620">How many codes are left for redemptions.</param>
internal sealed record CodesResponse(int Added, int Stock);

internal static class CodeEndpoints
{
    private const string Csv = "text/csv";

    private const int MaxFile = 5 * 1024 * 1024;

    private static Error NotAPool { get; } = Error.Rule("not_a_pool", "This coupon has no pool of codes. Create a coupon with code_mode pool.");

    public static void MapCodes(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost(CatalogEndpoints.Path + "/{id:int}/codes", AddAsync).WithTags("Partners").RequireAuthorization(Policies.Partner)
            .WithIdempotency().Accepts<GenerateCodesRequest>("application/json", Csv).WithMetadata(new RequestSizeLimitAttribute(MaxFile))
            .WithName("AddCouponCodes").WithSummary("Import or generate codes of a coupon's pool")
            .WithDescription(
                $"Send a CSV file as `{Csv}` in UTF-8, one code a line, at most {CodeFile.MaxCodes} lines and 5 MB, or JSON to generate codes. "
                + "A file with an invalid line or a code that the company already has adds nothing; `errors` names the lines.")
            .WithProblems(422, "not_a_pool", "coupon_withdrawn", "stock_too_large");

    /// <param name="id" example="12">The coupon's id.</param>
    private static async Task<Results<Ok<CodesResponse>, ValidationProblem, ProblemHttpResult>> AddAsync(
        int id, HttpContext http, CompanyAccess access, CouponsDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var codes = ReadCodes(http, out var errors);
        if (errors.Count > 0)
        {
            return Error.Field("codes", errors);
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        switch (await access.LockAsync(id, http.User, database, cancellationToken))
        {
            case null:
                return CouponEndpoints.NotFound.ToProblem();
            case { WithdrawnAt: not null }:
                return CouponChanges.Withdrawn.ToProblem();
            case { CodeMode: not CodeMode.Pool }:
                return NotAPool.ToProblem();
            case { } coupon when !coupon.TryRestock(codes.Count):
                return CouponChanges.StockTooLarge.ToProblem();
            case { } coupon:
                var taken = await InsertAsync(coupon, codes, database, cancellationToken);
                if (taken.Count > 0)
                {
                    return Error.Field("codes", taken);
                }

                var now = time.GetUtcNow();
                database.Add(StockMovement.Of(coupon, StockMovementKind.Restocked, codes.Count, http.User.UserId, now));
                database.Publish(coupon.ToEvent(), now);
                return await work.CommitAsync(TypedResults.Ok(new CodesResponse(codes.Count, coupon.Stock)), cancellationToken);
        }
    }

    private static Dictionary<string, int> ReadCodes(HttpContext http, out List<string> errors)
    {
        var body = http.Features.Get<JsonBody>()?.Bytes ?? default;
        if (!http.Request.HasJsonContentType())
        {
            return CodeFile.Read(body, out errors);
        }

        errors = [];
        var count = Count(body, http);
        var codes = new Dictionary<string, int>(count);
        while (codes.Count < count)
        {
            codes.TryAdd(RedemptionCode.Create(), codes.Count + 1);
        }

        return codes;
    }

    /// <exception cref="BadHttpRequestException">As where the framework binds a body.</exception>
    private static int Count(ReadOnlyMemory<byte> body, HttpContext http)
    {
        try
        {
            if (JsonSerializer.Deserialize(body.Span, CouponsJson.Default.GenerateCodesRequest) is { Generate: >= 1 and <= CodeFile.MaxCodes } request)
            {
                return request.Generate;
            }
        }
        catch (JsonException exception)
        {
            throw new BadHttpRequestException("Invalid JSON.", exception);
        }

        throw new BadHttpRequestException("Invalid JSON.");
    }

    /// <returns>An error for each code that the company already has, up to a limit.</returns>
    private static async Task<List<string>> InsertAsync(Coupon coupon, Dictionary<string, int> codes, CouponsDbContext database, CancellationToken cancellationToken)
    {
        // One import of a company at a time: two with the same codes in another order would deadlock.
        await database.Database.ExecuteSqlAsync($"SELECT FROM companies WHERE id = {coupon.CompanyId} FOR NO KEY UPDATE", cancellationToken);
        string[] all = [.. codes.Keys];
        var inserted = await database.Database.ExecuteSqlAsync($"""
            INSERT INTO coupon_codes (coupon_id, company_id, code, state)
            SELECT {coupon.Id}, {coupon.CompanyId}, code, 'unused' FROM unnest({all}) AS code
            ON CONFLICT (company_id, code) DO NOTHING
            """, cancellationToken);
        if (inserted == all.Length)
        {
            return [];
        }

        // The codes that are new belong to this transaction, which is rolled back.
        var taken = await database.Database.SqlQuery<string>($"""
            SELECT code AS "Value" FROM coupon_codes WHERE company_id = {coupon.CompanyId} AND code = ANY ({all}) AND xmin <> pg_current_xact_id()::xid LIMIT 20
            """).ToListAsync(cancellationToken);
        return [.. taken.Select(code => codes[code]).Order().Select(line => Localized.Format($"Line {line}: the company already has this code."))];
    }
}

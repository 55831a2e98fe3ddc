using System.Security.Claims;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Partners;

/// <summary>A partner of a company.</summary>
/// <param name="UserId">The user.</param>
/// <param name="CreatedAt">When an admin made the user a partner.</param>
internal sealed record PartnerResponse(Guid UserId, DateTimeOffset CreatedAt);

internal static class PartnerEndpoints
{
    public static Error CompanyNotFound { get; } = Error.NotFound("Company not found.");

    public static IEndpointRouteBuilder MapPartners(this IEndpointRouteBuilder endpoints)
    {
        var managed = endpoints.MapGroup(CatalogEndpoints.Path).WithTags("Partners").RequireAuthorization(Policies.Partner);
        managed.MapPost("/", NewCoupon.CreateAsync).WithIdempotency().DisableValidation()
            .WithName("CreateCoupon").WithSummary("Create a coupon");
        managed.MapPatch("/{id:int}", CouponChanges.ChangeAsync).DisableValidation()
            .WithName("ChangeCoupon").WithSummary("Change a coupon")
            .WithDescription("Redemptions keep the price and the expiry that they were made with.")
            .WithProblems(409, "coupon_changed").WithProblems(422, "coupon_withdrawn");
        managed.MapDelete("/{id:int}", CouponChanges.WithdrawAsync)
            .WithName("WithdrawCoupon").WithSummary("Withdraw a coupon")
            .WithDescription("It is in no list and cannot be redeemed any more. Codes that were issued before stay valid. Repeating the call is harmless.");
        managed.MapPost("/{id:int}/restock", CouponChanges.RestockAsync).WithIdempotency()
            .WithName("RestockCoupon").WithSummary("Restock a coupon").WithProblems(422, "coupon_withdrawn", "pool_of_codes", "stock_too_large");
        managed.MapGet("/{id:int}/movements", MovementEndpoints.ListAsync)
            .WithName("ListCouponMovements").WithSummary("List the changes of a coupon's stock, newest first");
        managed.MapPatch("/companies/{id:int}", CompanyChanges.ChangeAsync)
            .WithName("ChangeCompany").WithSummary("Change a company").WithProblems(409, "name_taken");
        managed.MapGet("/companies/mine", ListMineAsync).WithName("ListMyCompanies").WithSummary("List the companies that I manage")
            .WithDescription("An admin manages all companies, a partner the assigned ones.");

        var group = endpoints.MapGroup(CatalogEndpoints.Path + "/companies/{id:int}/partners").WithTags("Partners").RequireAuthorization(Policies.Admin);
        group.MapGet("/", ListAsync).WithName("ListCompanyPartners").WithSummary("List the partners of a company");
        group.MapPut("/{user_id:guid}", AddAsync).WithName("AddCompanyPartner").WithSummary("Make a user a partner of a company")
            .WithDescription("The user also needs the role `partner`, which an admin gives with `PATCH /api/v1/auth/users/{id}`.");
        group.MapDelete("/{user_id:guid}", RemoveAsync).WithName("RemoveCompanyPartner").WithSummary("Remove a partner from a company");
        return group;
    }

    private static Task<Results<Ok<Page<CompanyResponse>>, ValidationProblem>> ListMineAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, CompanyAccess access, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var managed = access.Managed(user);
        return database.Companies.Where(company => managed.Contains(company.Id)).ListAsync(page, CompanyResponse.Of, cancellationToken);
    }

    /// <param name="id" example="7">The company's id.</param>
    private static async Task<Results<Ok<Page<PartnerResponse>>, ValidationProblem, ProblemHttpResult>> ListAsync(
        int id, [AsParameters] PageRequest page, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var after = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (!await database.Companies.AnyAsync(company => company.Id == id, cancellationToken))
        {
            return CompanyNotFound.ToProblem();
        }

        var rows = await database.CompanyPartners
            .Where(partner => partner.CompanyId == id && partner.UserId > after)
            .OrderBy(partner => partner.UserId)
            .Select(partner => new PartnerResponse(partner.UserId, partner.CreatedAt))
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, last => Cursor.Encode(last.UserId)));
    }

    /// <param name="id" example="7">The company's id.</param>
    /// <param name="userId">The user's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> AddAsync(
        int id, [FromRoute(Name = "user_id")] Guid userId, CouponsDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await NextVersionAsync(id, database, cancellationToken) is not { } version)
        {
            return CompanyNotFound.ToProblem();
        }

        var now = time.GetUtcNow();
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO company_partners (company_id, user_id, created_at) VALUES ({id}, {userId}, {now}) ON CONFLICT DO NOTHING
            """, cancellationToken);

        // Also for a user who is a partner already: repeating the call mends a lost event.
        database.Publish(new CompanyPartnerUpdated(id, userId, IsPartner: true, version), now);
        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    /// <param name="id" example="7">The company's id.</param>
    /// <param name="userId">The user's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveAsync(
        int id, [FromRoute(Name = "user_id")] Guid userId, CouponsDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await NextVersionAsync(id, database, cancellationToken) is not { } version
            || await database.CompanyPartners.Where(partner => partner.CompanyId == id && partner.UserId == userId).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return Error.NotFound("Partner not found.").ToProblem();
        }

        database.Publish(new CompanyPartnerUpdated(id, userId, IsPartner: false, version), time.GetUtcNow());
        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    /// <summary>Locks the company, so that its versions are in the order of the changes.</summary>
    /// <returns>Null if there is no such company.</returns>
    private static async Task<int?> NextVersionAsync(int companyId, CouponsDbContext database, CancellationToken cancellationToken) =>
        (await database.Database.SqlQuery<int>($"""
            UPDATE companies SET partners_version = partners_version + 1 WHERE id = {companyId} RETURNING partners_version AS "Value"
            """).ToListAsync(cancellationToken)) is [var version] ? version : null;
}

using System.Security.Claims;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Http;
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
        endpoints.MapGet(CatalogEndpoints.Path + "/companies/mine", ListMineAsync).WithTags("Partners").RequireAuthorization(Policies.Partner)
            .WithName("ListMyCompanies").WithSummary("List the companies that I manage")
            .WithDescription("An admin manages all companies, a partner those that an admin has assigned.");

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
        int id, [FromRoute(Name = "user_id")] Guid userId, CouponsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!await database.Companies.AnyAsync(company => company.Id == id, cancellationToken))
        {
            return CompanyNotFound.ToProblem();
        }

        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO company_partners (company_id, user_id, created_at) VALUES ({id}, {userId}, {time.GetUtcNow()}) ON CONFLICT DO NOTHING
            """, cancellationToken);
        return TypedResults.NoContent();
    }

    /// <param name="id" example="7">The company's id.</param>
    /// <param name="userId">The user's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveAsync(
        int id, [FromRoute(Name = "user_id")] Guid userId, CouponsDbContext database, CancellationToken cancellationToken) =>
        await database.CompanyPartners.Where(partner => partner.CompanyId == id && partner.UserId == userId).ExecuteDeleteAsync(cancellationToken) == 0
            ? Error.NotFound("Partner not found.").ToProblem()
            : TypedResults.NoContent();
}

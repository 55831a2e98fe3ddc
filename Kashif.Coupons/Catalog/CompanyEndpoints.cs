using System.ComponentModel.DataAnnotations;
using Kashif.Coupons.Data;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Catalog;

/// <remarks>Public like every request: <c>AddValidation</c> passes over types that are not.</remarks>
public sealed record CompanyRequest(
    [Required, StringLength(Company.NameLength)] string Name,
    [Url, StringLength(Company.UrlLength)] string? LogoUrl = null,
    [StringLength(Company.DescriptionLength)] string Description = "");

internal sealed record CompanyResponse(int Id, string Name, string? LogoUrl, string Description);

internal static class CompanyEndpoints
{
    public static async Task<Results<Ok<Page<CompanyResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var after = 0;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await database.Companies.Where(company => company.Id > after).OrderBy(company => company.Id)
            .Take(page.Size + 1)
            .Select(company => new CompanyResponse(company.Id, company.Name, company.LogoUrl, company.Description))
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, last => Cursor.Encode(last.Id)));
    }

    public static async Task<Results<Created<CompanyResponse>, ProblemHttpResult>> CreateAsync(
        CompanyRequest request, CouponsDbContext database, Idempotency idempotency, HttpContext http, CancellationToken cancellationToken)
    {
        var company = new Company { Name = request.Name.Trim(), LogoUrl = request.LogoUrl, Description = request.Description };
        var created = await database.TryCreateAsync(
            company,
            CatalogEndpoints.Path + "/companies",
            row => new CompanyResponse(row.Id, row.Name, row.LogoUrl, row.Description),
            idempotency, http, cancellationToken);
        return created is null ? Error.Conflict("name_taken", "There is a company of this name already.").ToProblem() : created;
    }
}

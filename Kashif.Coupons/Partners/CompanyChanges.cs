using System.ComponentModel.DataAnnotations;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Partners;

/// <summary>Fields that are left out do not change.</summary>
/// <param name="Name" example="Corner Café">The name, unique among companies.</param>
/// <param name="LogoUrl" example="https://example.org/logo.png">The address of the logo; null removes it.</param>
/// <param name="Description" example="Coffee and cake">A text for people.</param>
public sealed record ChangeCompanyRequest(
    [Name(Company.NameLength)] string? Name = null,
    [Url(ErrorMessage = "Must be a web address such as https://example.org/logo.png."), Text(Company.UrlLength)] string? LogoUrl = null,
    [Text(Company.DescriptionLength)] string? Description = null);

internal static class CompanyChanges
{
    /// <param name="id" example="7">The company's id.</param>
    public static async Task<Results<Ok<CompanyResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        int id, ChangeCompanyRequest request, HttpContext http, CompanyAccess access, CouponsDbContext database, UnitOfWork work,
        CancellationToken cancellationToken)
    {
        var managed = access.Managed(http.User);
        if (await database.Companies.SingleOrDefaultAsync(row => row.Id == id && managed.Contains(row.Id), cancellationToken) is not { } company)
        {
            return PartnerEndpoints.CompanyNotFound.ToProblem();
        }

        company.Name = request.Name?.Trim() ?? company.Name;
        company.LogoUrl = http.Clears("logo_url") ? null : request.LogoUrl ?? company.LogoUrl;
        company.Description = request.Description ?? company.Description;
        try
        {
            return await work.CommitAsync(TypedResults.Ok(CompanyResponse.Of(company)), cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return CatalogEntries.NameTaken.ToProblem();
        }
    }
}

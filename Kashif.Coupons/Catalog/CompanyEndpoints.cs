using System.ComponentModel.DataAnnotations;
using Kashif.Coupons.Data;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Coupons.Catalog;

/// <summary>A new company.</summary>
/// <param name="Name" example="Corner Café">The name, unique among companies.</param>
/// <param name="LogoUrl" example="https://example.org/logo.png">The address of the logo.</param>
/// <param name="Description" example="Coffee and cake">A text for people.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CompanyRequest(
    [Name(Company.NameLength)] string Name,
    [Url(ErrorMessage = "Must be a web address such as https://example.org/logo.png."), Text(Company.UrlLength)] string? LogoUrl = null,
    [Text(Company.DescriptionLength)] string Description = "");

/// <summary>A company that offers coupons.</summary>
/// <param name="Id" example="7">The company's id.</param>
/// <param name="Name" example="Corner Café">The name.</param>
/// <param name="LogoUrl" example="https://example.org/logo.png">The address of the logo; null if there is none.</param>
/// <param name="Description" example="Coffee and cake">A text for people.</param>
internal sealed record CompanyResponse(int Id, string Name, string? LogoUrl, string Description)
{
    public static CompanyResponse Of(Company company) => new(company.Id, company.Name, company.LogoUrl, company.Description);
}

internal static class CompanyEndpoints
{
    public static Task<Results<Ok<Page<CompanyResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, CouponsDbContext database, CancellationToken cancellationToken) =>
        database.Companies.ListAsync(page, CompanyResponse.Of, cancellationToken);

    public static Task<Results<Created<CompanyResponse>, ProblemHttpResult>> CreateAsync(
        CompanyRequest request, CouponsDbContext database, UnitOfWork work, CancellationToken cancellationToken) =>
        database.CreateAsync(
            new Company { Name = request.Name.Trim(), LogoUrl = request.LogoUrl, Description = request.Description },
            CatalogEndpoints.Path + "/companies", CompanyResponse.Of, work, cancellationToken);
}

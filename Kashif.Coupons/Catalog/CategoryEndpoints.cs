using Kashif.Coupons.Data;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Coupons.Catalog;

/// <summary>A new category.</summary>
/// <param name="Name" example="Food and drink">The name, unique among categories.</param>
/// <param name="Description" example="To eat and to drink">A text for people.</param>
public sealed record CategoryRequest(
    [Name(Category.NameLength)] string Name,
    [Text(Category.DescriptionLength)] string Description = "");

/// <summary>A category of coupons.</summary>
/// <param name="Id" example="3">The category's id.</param>
/// <param name="Name" example="Food and drink">The name.</param>
/// <param name="Description" example="To eat and to drink">A text for people.</param>
internal sealed record CategoryResponse(int Id, string Name, string Description)
{
    public static CategoryResponse Of(Category category) => new(category.Id, category.Name, category.Description);
}

internal static class CategoryEndpoints
{
    public static Task<Results<Ok<Page<CategoryResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, CouponsDbContext database, CancellationToken cancellationToken) =>
        database.Categories.ListAsync(page, CategoryResponse.Of, cancellationToken);

    public static Task<Results<Created<CategoryResponse>, ProblemHttpResult>> CreateAsync(
        CategoryRequest request, CouponsDbContext database, UnitOfWork work, CancellationToken cancellationToken) =>
        database.CreateAsync(
            new Category { Name = request.Name.Trim(), Description = request.Description },
            CatalogEndpoints.Path + "/categories", CategoryResponse.Of, work, cancellationToken);
}

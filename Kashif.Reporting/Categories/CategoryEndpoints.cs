using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Reporting.Categories;

internal sealed record CategoryResponse(string Code, CategoryNames Name, string Icon, string Colour);

/// <summary>A category's name in English and Arabic.</summary>
internal sealed record CategoryNames(string En, string Ar);

internal static class CategoryEndpoints
{
    public static RouteGroupBuilder MapCategories(this IEndpointRouteBuilder endpoints)
    {
        var categories = endpoints.MapGroup("/api/v1/reports/categories").WithTags("Categories").AllowAnonymous();
        categories.MapGet("/", ListAsync).WithName("ListCategories").WithSummary("List report categories")
            .WithPublicCache(CategoryCache.Lifetime);
        return categories;
    }

    private static async Task<Ok<Page<CategoryResponse>>> ListAsync(CategoryCache categories, CancellationToken cancellationToken) =>
        TypedResults.Ok(await categories.ListAsync(cancellationToken));
}

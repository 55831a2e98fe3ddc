using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Reporting.Categories;

/// <summary>A category of reports.</summary>
/// <param name="Code" example="pothole">The category's code, for `category` of a report.</param>
/// <param name="Name">The category's name.</param>
/// <param name="Icon" example="road">The name of a Material Symbols icon.</param>
/// <param name="Colour" example="#b45309">A colour as `#rrggbb`.</param>
internal sealed record CategoryResponse(string Code, CategoryNames Name, string Icon, string Colour);

/// <summary>A category's name in English and Arabic.</summary>
/// <param name="En" example="Pothole">In English.</param>
/// <param name="Ar" example="حفرة في الطريق">In Arabic.</param>
internal sealed record CategoryNames(string En, string Ar);

internal static class CategoryEndpoints
{
    public static RouteGroupBuilder MapCategories(this IEndpointRouteBuilder endpoints)
    {
        var categories = endpoints.MapGroup("/api/v1/reports/categories").WithTags("Categories").AllowAnonymous();
        categories.MapGet("/", ListAsync).WithName("ListReportCategories").WithSummary("List report categories")
            .WithPublicCache(CategoryCache.Lifetime);
        return categories;
    }

    private static async Task<Ok<Page<CategoryResponse>>> ListAsync(CategoryCache categories, CancellationToken cancellationToken) =>
        TypedResults.Ok(await categories.ListAsync(cancellationToken));
}

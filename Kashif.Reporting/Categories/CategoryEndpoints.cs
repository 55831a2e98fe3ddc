using System.ComponentModel;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Categories;

/// <summary>A category of reports.</summary>
/// <param name="Code" example="pothole">The category's code, for `category` of a report.</param>
/// <param name="Name">The category's name.</param>
/// <param name="Icon" example="road">The name of a Material Symbols icon.</param>
/// <param name="Colour" example="#b45309">A colour as `#rrggbb`.</param>
/// <param name="TargetDays" example="14">In how many days a report of this category is to be resolved; null if the service level is in hours, or there is none.</param>
/// <param name="DuplicateDistanceM" example="50">Within how many metres of an open report of this category a new one may be its duplicate.</param>
/// <param name="TargetHours" example="null">In how many hours a report of this category is to be resolved; null if the service level is in days, or there is none.</param>
/// <param name="Position" example="1">The place in the list.</param>
/// <param name="Active" example="true">False: existing reports keep the category, new ones cannot use it.</param>
internal sealed record CategoryResponse(
    string Code, CategoryNames Name, string Icon, string Colour, int? TargetDays, int DuplicateDistanceM, int? TargetHours, int Position, bool Active)
{
    /// <summary>Within which time a report is to be resolved; null for no service level.</summary>
    [JsonIgnore]
    public TimeSpan? ServiceLevel =>
        TargetHours is { } hours ? TimeSpan.FromHours(hours) : TargetDays is { } days ? TimeSpan.FromDays(days) : null;

    public static CategoryResponse Of(Category category) => new(
        category.Code, new CategoryNames(category.NameEn, category.NameAr), category.Icon, category.Colour, category.TargetDays, category.DuplicateDistanceM,
        category.TargetHours, category.Position, category.Active);
}

/// <summary>A category's name in English and Arabic.</summary>
/// <param name="En" example="Pothole">In English.</param>
/// <param name="Ar" example="حفرة في الطريق">In Arabic.</param>
internal sealed record CategoryNames(string En, string Ar);

internal static class CategoryEndpoints
{
    public const string Root = "/api/v1/reports/categories";

    public static Error NotFound { get; } = Error.NotFound("Category not found.");

    public static RouteGroupBuilder MapCategories(this IEndpointRouteBuilder endpoints)
    {
        var categories = endpoints.MapGroup(Root).WithTags("Categories").AllowAnonymous();
        categories.MapGet("/", ListAsync).WithName("ListReportCategories").WithSummary("List report categories")
            .WithPublicCache(CategoryCache.Lifetime);
        categories.MapGet("/{code}", GetAsync).WithEntityTag().WithName("GetReportCategory").WithSummary("Get a report category");
        return categories;
    }

    /// <param name="inactive">True: also categories that only existing reports have.</param>
    private static async Task<Ok<Page<CategoryResponse>>> ListAsync(
        CategoryCache categories, CancellationToken cancellationToken, [FromQuery(Name = "inactive"), DefaultValue(false)] bool inactive = false) =>
        TypedResults.Ok(inactive ? await categories.ListAllAsync(cancellationToken) : await categories.ListAsync(cancellationToken));

    /// <summary>With the tag that a change of the category takes as <c>If-Match</c>.</summary>
    /// <param name="code" example="pothole">The category's code.</param>
    private static async Task<Results<Ok<CategoryResponse>, StatusCodeHttpResult, ProblemHttpResult>> GetAsync(
        string code, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.Categories.AsNoTracking().SingleOrDefaultAsync(row => row.Code == code, cancellationToken) is not { } category)
        {
            return NotFound.ToProblem();
        }

        return http.IsKnown(category.Version)
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(CategoryResponse.Of(category));
    }
}

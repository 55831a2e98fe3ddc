using System.Security.Claims;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Categories;

/// <summary>A category of reports.</summary>
/// <param name="Code" example="pothole">The category's code, for `category` of a report.</param>
/// <param name="Name">The category's name.</param>
/// <param name="Icon" example="road">The name of a Material Symbols icon.</param>
/// <param name="Colour" example="#b45309">A colour as `#rrggbb`.</param>
/// <param name="TargetDays" example="14">In how many days a report of this category is to be resolved; null for no promise.</param>
/// <param name="DuplicateDistanceM" example="50">Within how many metres of an open report of this category a new one may be its duplicate.</param>
internal sealed record CategoryResponse(string Code, CategoryNames Name, string Icon, string Colour, int? TargetDays, int DuplicateDistanceM);

/// <summary>A change of a category.</summary>
/// <param name="TargetDays" example="14">In how many days new reports are to be resolved; null for no promise. Reports that exist keep their date.</param>
/// <param name="DuplicateDistanceM" example="50">Within how many metres of an open report a new one may be its duplicate; left out: it stays.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ChangeCategoryRequest(
    [property: JsonRequired, Between(1, Category.MaxTargetDays)] int? TargetDays,
    [property: Between(1, Category.MaxDuplicateDistance)] int? DuplicateDistanceM = null);

/// <summary>A category's name in English and Arabic.</summary>
/// <param name="En" example="Pothole">In English.</param>
/// <param name="Ar" example="حفرة في الطريق">In Arabic.</param>
internal sealed record CategoryNames(string En, string Ar);

internal static class CategoryEndpoints
{
    private const string Root = "/api/v1/reports/categories";

    public static RouteGroupBuilder MapCategories(this IEndpointRouteBuilder endpoints)
    {
        var categories = endpoints.MapGroup(Root).WithTags("Categories").AllowAnonymous();
        categories.MapGet("/", ListAsync).WithName("ListReportCategories").WithSummary("List report categories")
            .WithPublicCache(CategoryCache.Lifetime);
        endpoints.MapPatch($"{Root}/{{code}}", ChangeAsync).WithTags("Categories").RequireAuthorization(Policies.Admin)
            .WithName("ChangeReportCategory").WithSummary("Set the targets of a report category");
        return categories;
    }

    private static async Task<Ok<Page<CategoryResponse>>> ListAsync(CategoryCache categories, CancellationToken cancellationToken) =>
        TypedResults.Ok(await categories.ListAsync(cancellationToken));

    /// <param name="code" example="pothole">The category's code.</param>
    private static async Task<Results<Ok<CategoryResponse>, ProblemHttpResult>> ChangeAsync(
        string code, ChangeCategoryRequest request, ClaimsPrincipal user, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await database.Categories.SingleOrDefaultAsync(row => row.Code == code, cancellationToken) is not { } category)
        {
            return Error.NotFound("Category not found.").ToProblem();
        }

        category.TargetDays = request.TargetDays;
        category.DuplicateDistanceM = request.DuplicateDistanceM ?? category.DuplicateDistanceM;
        database.AuditValues(
            user.UserId, "changed", "category", Guid.Empty, agency: null,
            new() { ["code"] = code, ["target_days"] = category.TargetDays, ["duplicate_distance_m"] = category.DuplicateDistanceM }, time.GetUtcNow());
        await database.SaveChangesAsync(cancellationToken);
        return TypedResults.Ok(new CategoryResponse(
            category.Code, new CategoryNames(category.NameEn, category.NameAr), category.Icon, category.Colour, category.TargetDays,
            category.DuplicateDistanceM));
    }
}

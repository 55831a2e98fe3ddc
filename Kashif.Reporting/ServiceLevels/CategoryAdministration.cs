using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.ServiceLevels;

/// <summary>A new category of reports.</summary>
/// <param name="Code" example="broken_bench">The code, for `category` of a report. It never changes.</param>
/// <param name="NameEn" example="Broken bench">The name in English.</param>
/// <param name="NameAr" example="مقعد مكسور">The name in Arabic.</param>
/// <param name="Icon" example="chair">The name of a Material Symbols icon.</param>
/// <param name="Colour" example="#15803d">A colour as `#rrggbb`.</param>
/// <param name="Position" example="15">The place in the list.</param>
/// <param name="TargetDays" example="14">In how many days a report is to be resolved.</param>
/// <param name="TargetHours" example="null">The same in hours. Send one of them, or none for no service level.</param>
/// <param name="DuplicateDistanceM" example="50">Within how many metres of an open report a new one may be its duplicate.</param>
/// <param name="Active" example="true">False: new reports cannot use it yet.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateCategoryRequest(
    [property: Text(1, Category.CodeMax), RegularExpression(CategoryAdministration.CodePattern, ErrorMessage = CategoryAdministration.InvalidCode)] string Code,
    [property: Name(Category.NameMax)] string NameEn,
    [property: Name(Category.NameMax)] string NameAr,
    [property: Text(1, Category.IconMax), RegularExpression(CategoryAdministration.IconPattern, ErrorMessage = CategoryAdministration.InvalidIcon)] string Icon,
    [property: Text(1, 7), RegularExpression(CategoryAdministration.ColourPattern, ErrorMessage = CategoryAdministration.InvalidColour)] string Colour,
    [property: Between(0, CategoryAdministration.MaxPosition)] int Position,
    [property: Between(1, Category.MaxTargetDays)] int? TargetDays = null,
    [property: Between(1, Category.MaxTargetHours)] int? TargetHours = null,
    [property: Between(1, Category.MaxDuplicateDistance)] int? DuplicateDistanceM = null,
    bool Active = true);

/// <summary>A change of a category. Fields that are left out do not change.</summary>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ChangeCategoryRequest
{
    /// <summary>The name in English.</summary>
    /// <example>Broken bench</example>
    [Name(Category.NameMax)]
    public string? NameEn { get; set; }

    /// <summary>The name in Arabic.</summary>
    /// <example>مقعد مكسور</example>
    [Name(Category.NameMax)]
    public string? NameAr { get; set; }

    /// <summary>The name of a Material Symbols icon.</summary>
    /// <example>chair</example>
    [Text(1, Category.IconMax), RegularExpression(CategoryAdministration.IconPattern, ErrorMessage = CategoryAdministration.InvalidIcon)]
    public string? Icon { get; set; }

    /// <summary>A colour as `#rrggbb`.</summary>
    /// <example>#15803d</example>
    [Text(1, 7), RegularExpression(CategoryAdministration.ColourPattern, ErrorMessage = CategoryAdministration.InvalidColour)]
    public string? Colour { get; set; }

    /// <summary>The place in the list.</summary>
    /// <example>15</example>
    [Between(0, CategoryAdministration.MaxPosition)]
    public int? Position { get; set; }

    /// <summary>In how many days new reports are to be resolved; null for no service level. Reports that exist keep their dates.</summary>
    /// <example>14</example>
    [Between(1, Category.MaxTargetDays)]
    public int? TargetDays
    {
        get;
        set => (field, SetsTarget) = (value, true);
    }

    /// <summary>The same in hours. A service level is in days or in hours: the one that is sent replaces the other.</summary>
    /// <example>null</example>
    [Between(1, Category.MaxTargetHours)]
    public int? TargetHours
    {
        get;
        set => (field, SetsTarget) = (value, true);
    }

    /// <summary>Within how many metres of an open report a new one may be its duplicate.</summary>
    /// <example>50</example>
    [Between(1, Category.MaxDuplicateDistance)]
    public int? DuplicateDistanceM { get; set; }

    /// <summary>False: existing reports keep the category, new ones cannot use it.</summary>
    /// <example>true</example>
    public bool? Active { get; set; }

    /// <summary>Whether a target was sent, null included.</summary>
    internal bool SetsTarget { get; private set; }
}

/// <summary>Admins manage the categories of reports.</summary>
internal static class CategoryAdministration
{
    public const int MaxPosition = 10_000;
    public const string CodePattern = "[a-z][a-z0-9_]*";
    public const string InvalidCode = "Must have lower-case letters, digits and underscores only, and begin with a letter.";
    public const string IconPattern = "[a-z0-9_]+";
    public const string InvalidIcon = "Must be the name of an icon, such as road.";
    public const string ColourPattern = "#[0-9a-f]{6}";
    public const string InvalidColour = "Must be a colour such as #b45309.";

    /// <summary>How many things of a kind a refused deletion names.</summary>
    private const int MostNamed = 5;

    private const string OneTarget = "Send target_days or target_hours, not both.";

    /// <summary>How long after it became inactive a category can be deleted: no replica's cache, and no request that has begun before, may use it any more.</summary>
    private static readonly TimeSpan InactiveFor = TimeSpan.FromMinutes(1);

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The category's version does not match If-Match. Read the category again.");

    private static Error Changed { get; } = Error.Conflict("category_changed", "Another request has just changed this category. Read it again.");

    private static Error Exists { get; } = Error.Conflict("category_exists", "A category with this code exists already.");

    private static Error Active { get; } = Error.Conflict("category_active", "Set active to false first, and delete the category a minute later.");

    private static Error InUse { get; } = Error.Conflict("category_in_use", "Reports or areas use this category. Set active to false instead.");

    public static void MapCategoryAdministration(this IEndpointRouteBuilder endpoints)
    {
        var categories = endpoints.MapGroup(CategoryEndpoints.Root).WithTags("Categories").RequireAuthorization(Policies.Admin);
        categories.MapPost("/", CreateAsync).WithIdempotency().DisableValidation()
            .WithName("CreateReportCategory").WithSummary("Create a report category").WithProblems(409, "category_exists");
        categories.MapPatch("/{code}", ChangeAsync).DisableValidation().WithCondition()
            .WithName("ChangeReportCategory").WithSummary("Change a report category, and set its service level").WithProblems(404, "not_found");
        categories.MapDelete("/{code}", DeleteAsync).WithCondition()
            .WithName("DeleteReportCategory").WithSummary("Delete an unused report category")
            .WithDescription("The category must have been inactive for a minute. `hangs_on` names some of what still uses it; its questions are deleted with it.")
            .WithProblems(404, "not_found").WithProblems(409, "category_active", "category_in_use");
    }

    private static async Task<Results<Created<CategoryResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateCategoryRequest request, HttpContext http, ReportingDbContext database, CategoryCache categories, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("target_hours", request is { TargetDays: not null, TargetHours: not null } ? OneTarget : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var category = new Category
        {
            Code = request.Code.Trim(),
            NameEn = Stored(request.NameEn),
            NameAr = Stored(request.NameAr),
            Icon = request.Icon.Trim(),
            Colour = request.Colour.Trim(),
            Position = request.Position,
            TargetDays = request.TargetDays,
            TargetHours = request.TargetHours,
            DuplicateDistanceM = request.DuplicateDistanceM ?? Category.DuplicateDistance,
            Active = request.Active,
        };
        var response = CategoryResponse.Of(category);
        await using var transaction = await work.BeginAsync(cancellationToken);
        database.Categories.Add(category);
        database.Audit(http.User.UserId, "created", "category", category, response, time.GetUtcNow());
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return Exists.ToProblem();
        }

        http.SendVersion(category.Version);
        var created = await work.CommitAsync(TypedResults.Created($"{CategoryEndpoints.Root}/{category.Code}", response), cancellationToken);
        categories.Forget();
        return created;
    }

    /// <param name="code" example="pothole">The category's code.</param>
    private static async Task<Results<Ok<CategoryResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        string code, ChangeCategoryRequest request, HttpContext http, ReportingDbContext database, CategoryCache categories, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("target_hours", request is { TargetDays: not null, TargetHours: not null } ? OneTarget : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (await database.Categories.SingleOrDefaultAsync(row => row.Code == code, cancellationToken) is not { } category)
        {
            return CategoryEndpoints.NotFound.ToProblem();
        }

        if (http.IsStale(category.Version))
        {
            return Stale.ToProblem();
        }

        var now = time.GetUtcNow();
        category.NameEn = request.NameEn is { } english ? Stored(english) : category.NameEn;
        category.NameAr = request.NameAr is { } arabic ? Stored(arabic) : category.NameAr;
        category.Icon = request.Icon?.Trim() ?? category.Icon;
        category.Colour = request.Colour?.Trim() ?? category.Colour;
        category.Position = request.Position ?? category.Position;
        category.DuplicateDistanceM = request.DuplicateDistanceM ?? category.DuplicateDistanceM;
        if (request.SetsTarget)
        {
            (category.TargetDays, category.TargetHours) = (request.TargetDays, request.TargetHours);
        }

        if (request.Active is { } active && active != category.Active)
        {
            (category.Active, category.InactiveSince) = (active, active ? null : now);
        }

        if (database.Entry(category).State is EntityState.Modified)
        {
            category.Version++;
            database.Audit(http.User.UserId, "changed", "category", category, CategoryResponse.Of(category), now);
        }

        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return (http.Request.Headers.IfMatch.Count > 0 ? Stale : Changed).ToProblem();
        }

        categories.Forget();
        http.SendVersion(category.Version);
        return TypedResults.Ok(CategoryResponse.Of(category));
    }

    /// <param name="code" example="broken_bench">The category's code.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string code, HttpContext http, ReportingDbContext database, CategoryCache categories, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await database.Categories.SingleOrDefaultAsync(row => row.Code == code, cancellationToken) is not { } category)
        {
            return CategoryEndpoints.NotFound.ToProblem();
        }

        if (http.IsStale(category.Version))
        {
            return Stale.ToProblem();
        }

        var now = time.GetUtcNow();
        if (category.Active || category.InactiveSince > now - InactiveFor)
        {
            return Active.ToProblem();
        }

        Dependent[] users =
        [
            .. (await database.Reports.Where(report => report.Category == code).OrderBy(report => report.Id).Select(report => report.Id).Take(MostNamed).ToListAsync(cancellationToken))
                .Select(id => new Dependent("report", id)),
            .. (await AreaCategories.UsingAsync(database, code, MostNamed, cancellationToken)).Select(id => new Dependent("area", id)),
            .. (await UnplacedSubmissions.UsingAsync(database, code, MostNamed, cancellationToken)).Select(id => new Dependent("open311_request", id)),
        ];
        if (users.Length > 0)
        {
            return Dependents.Refusal(InUse, users);
        }

        database.Categories.Remove(category);
        database.Audit(http.User.UserId, "deleted", "category", category, CategoryResponse.Of(category), now);
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return Changed.ToProblem();
        }

        categories.Forget();
        return TypedResults.NoContent();
    }

    private static RouteHandlerBuilder WithCondition(this RouteHandlerBuilder endpoint) => endpoint
        .WithIfMatch("category").WithProblems(409, "category_changed");

    private static string Stored(string name) => name.Trim().Normalize();

    private static void Audit(this ReportingDbContext database, Guid actor, string action, string kind, Category category, CategoryResponse values, DateTimeOffset now) =>
        database.Audit(actor, action, kind, CodeId.Of(category.Code), agency: null, JsonSerializer.SerializeToElement(values, ReportingJson.Default.CategoryResponse), now);
}

using System.Globalization;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Questions;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Open311;

/// <summary>The categories of reports as Open311's services.</summary>
internal static class ServiceList
{
    public const string Cache = "public, max-age=5";

    public static async Task<Answer> ListAsync(HttpContext http, CategoryCache categories, QuestionCache questions, CancellationToken cancellationToken)
    {
        var services = (await categories.ListAsync(cancellationToken)).Items;
        var described = new List<object?>();
        foreach (var category in services)
        {
            described.Add(Describe(category, hasQuestions: Attributes.Define(await questions.OfAsync(category.Code, cancellationToken)).Values.Count > 0));
        }

        return new Answer(Parameters.FormatOf(http), "services", new Items("service", described), cacheControl: Cache);
    }

    /// <summary>The questions of a category.</summary>
    public static async Task<Answer> DefineAsync(string code, HttpContext http, CategoryCache categories, QuestionCache questions, CancellationToken cancellationToken)
    {
        var format = Parameters.FormatOf(http);
        return await categories.ValidateAsync(code, cancellationToken) is null
            ? new Answer(format, "service_definition", new Fields(("service_code", code), ("attributes", Attributes.Define(await questions.OfAsync(code, cancellationToken)))), cacheControl: Cache)
            : Fault.NotFound("service_code not found").ToAnswer(format);
    }

    /// <summary>The English names of all categories. Inactive categories are included.</summary>
    public static Task<Dictionary<string, string>> NamesAsync(ReportingDbContext database, CancellationToken cancellationToken) =>
        database.Categories.AsNoTracking().ToDictionaryAsync(category => category.Code, category => category.NameEn, cancellationToken);

    private static Fields Describe(CategoryResponse category, bool hasQuestions) => new(
        ("service_code", category.Code),
        ("service_name", category.Name.En),
        ("description", category switch
        {
            { TargetHours: { } hours } => string.Create(CultureInfo.InvariantCulture, $"{category.Name.En} ({category.Name.Ar}): resolved within {hours} hours"),
            { TargetDays: { } days } => string.Create(CultureInfo.InvariantCulture, $"{category.Name.En} ({category.Name.Ar}): resolved within {days} days"),
            _ => $"{category.Name.En} ({category.Name.Ar})",
        }),
        ("metadata", hasQuestions),
        ("type", "realtime"),
        ("keywords", $"{category.Name.En.ToLowerInvariant()}, {category.Name.Ar}"),
        ("group", null));
}

using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Managers;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.ResponseTemplates;

/// <summary>A new response template.</summary>
/// <param name="Name" example="Thanks, it is planned">The name, for the staff.</param>
/// <param name="TextEn" example="Thank you. {{ agency }} repairs “{{ title }}” next week.">The text in English, with variables.</param>
/// <param name="TextAr" example="شكرًا لك. تصلح {{ agency }} «{{ title }}» الأسبوع المقبل.">The text in Arabic, with variables.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <param name="Category" example="pothole">The only category that it is meant for; null for all.</param>
/// <param name="Status">The only new status that it is meant for; null for all.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ResponseTemplateRequest(
    [property: Title(1, ResponseTemplate.NameMax)] string Name,
    [property: Text(1, ResponseTemplate.TextMax)] string TextEn,
    [property: Text(1, ResponseTemplate.TextMax)] string TextAr,
    Guid? AgencyId = null,
    [property: Text(1, Categories.Category.CodeMax)] string? Category = null,
    ReportStatus? Status = null);

/// <summary>A change of a response template. Fields that are left out do not change; null clears the agency, the category and the status.</summary>
/// <param name="Name" example="Thanks, it is planned">The name, for the staff.</param>
/// <param name="TextEn" example="Thank you. {{ agency }} repairs “{{ title }}” next week.">The text in English, with variables.</param>
/// <param name="TextAr" example="شكرًا لك. تصلح {{ agency }} «{{ title }}» الأسبوع المقبل.">The text in Arabic, with variables.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <param name="Category" example="pothole">The only category that it is meant for; null for all.</param>
/// <param name="Status">The only new status that it is meant for; null for all.</param>
public sealed record ChangeResponseTemplateRequest(
    [property: Title(1, ResponseTemplate.NameMax)] string? Name = null,
    [property: Text(1, ResponseTemplate.TextMax)] string? TextEn = null,
    [property: Text(1, ResponseTemplate.TextMax)] string? TextAr = null,
    Guid? AgencyId = null,
    [property: Text(1, Categories.Category.CodeMax)] string? Category = null,
    ReportStatus? Status = null);

/// <summary>A text of the staff for answers to reporters.</summary>
/// <param name="Id">The template's id.</param>
/// <param name="Name" example="Thanks, it is planned">The name, for the staff.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <param name="Category" example="pothole">The only category that it is meant for; null for all.</param>
/// <param name="Status">The only new status that it is meant for; null for all.</param>
/// <param name="TextEn" example="Thank you. {{ agency }} repairs “{{ title }}” next week.">The text in English, with variables.</param>
/// <param name="TextAr" example="شكرًا لك. تصلح {{ agency }} «{{ title }}» الأسبوع المقبل.">The text in Arabic, with variables.</param>
/// <param name="CreatedAt">When the template was created.</param>
/// <param name="Version" example="1">Incremented at each change: the `ETag`.</param>
internal sealed record ResponseTemplateResponse(
    Guid Id, string Name, Guid? AgencyId, string? Category, ReportStatus? Status, string TextEn, string TextAr, DateTimeOffset CreatedAt, int Version)
{
    public static ResponseTemplateResponse Of(ResponseTemplate template) => new(
        template.Id, template.Name, template.AgencyId, template.Category, template.Status, template.TextEn, template.TextAr, template.CreatedAt, template.Version);
}

/// <summary>For which report a text is rendered.</summary>
/// <param name="ReportId">The report.</param>
/// <param name="Language" example="ar">The language of the text.</param>
public sealed record RenderRequest(Guid ReportId, [property: Values("en", "ar")] string Language);

/// <summary>A text for a report.</summary>
/// <param name="Text" example="Thank you. Water works repairs “A deep hole” next week.">The text, to be checked by the sender: a comment of a status has at most 1000 characters.</param>
internal sealed record RenderedResponse(string Text);

/// <summary>The filters of the list of response templates.</summary>
public sealed class ResponseTemplateFilter
{
    /// <summary>Words that all occur in the name or a text, in upper or lower case.</summary>
    /// <example>planned</example>
    [FromQuery(Name = "q"), Text(RegisterFilter.QueryMax)]
    public string? Query { get; set; }

    /// <summary>Only templates for this category, or for all categories.</summary>
    /// <example>pothole</example>
    [FromQuery(Name = "category"), Text(Categories.Category.CodeMax)]
    public string? Category { get; set; }

    /// <summary>Only templates for this new status, or for all statuses.</summary>
    /// <example>in_progress</example>
    [FromQuery(Name = "status"), Text(20)]
    public string? Status { get; set; }
}

internal static class ResponseTemplateEndpoints
{
    private const string Path = "/api/v1/reports/response-templates";

    private static readonly string Describes = $"A text has the variables {string.Join(", ", ResponseText.Variables.Select(name => $"`{{{{ {name} }}}}`"))}.";

    private static Error NotFound { get; } = Error.NotFound("Template not found.");

    private static Error NotWorking { get; } = Error.Forbidden("forbidden", "Only staff who work on the report can do this.");

    public static void MapResponseTemplates(this IEndpointRouteBuilder endpoints)
    {
        var templates = endpoints.MapGroup(Path).WithTags("Response templates").RequireAuthorization(Policies.Staff);
        templates.MapGet("/", ListAsync).WithName("ListResponseTemplates").WithSummary("List response templates by words, category and status, newest first")
            .WithDescription(Registers.WhoReads);
        templates.MapGet("/{id:guid}", GetAsync).WithName("GetResponseTemplate").WithSummary("Get a response template").WithProblems(404, "not_found");
        templates.MapPost("/{id:guid}/render", RenderAsync).WithName("RenderResponseTemplate").WithSummary("Render a response template for a report")
            .WithDescription("For staff who work on the report. Changes nothing: send the text as the `comment` of a status.").WithProblems(403, "forbidden").WithProblems(404, "not_found");
        templates.MapPost("/", CreateAsync).RequireAuthorization(ManagerScope.Policy).WithIdempotency().DisableValidation()
            .WithName("CreateResponseTemplate").WithSummary("Create a response template").WithDescription($"{Registers.WhoWrites} {Describes}").WithProblems(403, "forbidden");
        templates.MapPatch("/{id:guid}", ChangeAsync).RequireAuthorization(ManagerScope.Policy).DisableValidation()
            .WithName("ChangeResponseTemplate").WithSummary("Change a response template").WithDescription($"{Registers.WhoWrites} {Describes}").WithVersion();
        templates.MapDelete("/{id:guid}", DeleteAsync).RequireAuthorization(ManagerScope.Policy)
            .WithName("DeleteResponseTemplate").WithSummary("Delete a response template").WithDescription(Registers.WhoWrites).WithVersion();
    }

    private static async Task<Results<Ok<Page<ResponseTemplateResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] ResponseTemplateFilter filter, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var status = default(ReportStatus);
        if (filter.Status is { } name && !ReportStatuses.TryParse(name, out status))
        {
            return Error.Field("status", Localized.Format($"Must be one of {string.Join(", ", ReportStatuses.WireNames)}."));
        }

        var templates = database.ResponseTemplates.AsNoTracking().ReadBy(http.User).Where(row => (page.Cursor == null || row.Id < before)
            && (filter.Category == null || row.Category == null || row.Category == filter.Category) && (filter.Status == null || row.Status == null || row.Status == status));
        foreach (var pattern in SearchWords.Patterns(filter.Query))
        {
            templates = templates.Where(row => EF.Functions.ILike(row.Name, pattern, @"\") || EF.Functions.ILike(row.TextEn, pattern, @"\") || EF.Functions.ILike(row.TextAr, pattern, @"\"));
        }

        var rows = await templates.OrderByDescending(row => row.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, ResponseTemplateResponse.Of, row => Cursor.Encode(row.Id)));
    }

    /// <param name="id">The template's id.</param>
    private static async Task<Results<Ok<ResponseTemplateResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.ResponseTemplates.AsNoTracking().ReadBy(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } template)
        {
            return NotFound.ToProblem();
        }

        http.SendVersion(template.Version);
        return TypedResults.Ok(ResponseTemplateResponse.Of(template));
    }

    /// <param name="id">The template's id.</param>
    private static async Task<Results<Ok<RenderedResponse>, ValidationProblem, ProblemHttpResult>> RenderAsync(
        Guid id, RenderRequest request, HttpContext http, ReportingDbContext database, CategoryCache categories, CancellationToken cancellationToken)
    {
        if (request.Language is not (Languages.English or Languages.Arabic))
        {
            return Error.Field("language", Localized.Format($"Must be one of {Languages.English}, {Languages.Arabic}."));
        }

        if (await database.ResponseTemplates.AsNoTracking().ReadBy(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } template)
        {
            return NotFound.ToProblem();
        }

        if (await database.FindVisibleAsync(request.ReportId, http.User, cancellationToken) is not var (report, _))
        {
            return Error.Field("report_id", ReportErrors.NotFound.Detail);
        }

        if (!http.User.WorksOn(report))
        {
            return NotWorking.ToProblem();
        }

        var isArabic = request.Language == Languages.Arabic;
        var category = (await categories.ListAsync(cancellationToken)).Items.FirstOrDefault(item => item.Code == report.Category)?.Name;
        var agency = await database.Agencies.AsNoTracking().SingleOrDefaultAsync(row => row.Id == report.AgencyId, cancellationToken);
        return TypedResults.Ok(new RenderedResponse(ResponseText.Render(isArabic ? template.TextAr : template.TextEn, new Dictionary<string, string?>
        {
            ["title"] = report.Title,
            ["category"] = (isArabic ? category?.Ar : category?.En) ?? report.Category,
            ["agency"] = isArabic ? agency?.NameAr : agency?.NameEn,
            ["address"] = report.Address,
        })));
    }

    private static async Task<Results<Created<ResponseTemplateResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        ResponseTemplateRequest request, HttpContext http, ReportingDbContext database, CategoryCache categories, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        await AddErrorsAsync(errors, request.TextEn, request.TextAr, request.Category, request.AgencyId, database, categories, cancellationToken);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (!http.User.Manages(request.AgencyId))
        {
            return Registers.NotManaged.ToProblem();
        }

        var now = time.GetUtcNow();
        var template = new ResponseTemplate
        {
            Id = Guid.CreateVersion7(now),
            Name = request.Name.Trim(),
            AgencyId = request.AgencyId,
            Category = request.Category?.Trim(),
            Status = request.Status,
            TextEn = request.TextEn.Trim(),
            TextAr = request.TextAr.Trim(),
            CreatedAt = now,
        };
        database.Add(template);
        database.AuditValues(http.User.UserId, "created", ResponseTemplate.Kind, template.Id, template.AgencyId, Values(template), now);
        return await Registers.CommitNewAsync(http, work, template, $"{Path}/{template.Id}", ResponseTemplateResponse.Of(template), taken: null, cancellationToken);
    }

    /// <param name="id">The template's id.</param>
    private static async Task<Results<Ok<ResponseTemplateResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeResponseTemplateRequest request, HttpContext http, ReportingDbContext database, CategoryCache categories, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (await database.ResponseTemplates.ReadBy(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } template)
        {
            return NotFound.ToProblem();
        }

        var errors = await FieldErrors.FindAsync(http, request);
        await AddErrorsAsync(errors, request.TextEn, request.TextAr, request.Category, request.AgencyId, database, categories, cancellationToken);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (Registers.Refusal(http, template) is { } refusal)
        {
            return refusal.ToProblem();
        }

        var agency = Registers.AgencyAfter(http, request.AgencyId, template);
        if (!http.User.Manages(agency))
        {
            return Registers.NotManaged.ToProblem();
        }

        var before = Values(template);
        template.Name = request.Name?.Trim() ?? template.Name;
        template.TextEn = request.TextEn?.Trim() ?? template.TextEn;
        template.TextAr = request.TextAr?.Trim() ?? template.TextAr;
        template.AgencyId = agency;
        template.Category = request.Category?.Trim() ?? (http.Clears("category") ? null : template.Category);
        template.Status = request.Status ?? (http.Clears("status") ? null : template.Status);
        Registers.AddChange(database, template, http.User.UserId, ResponseTemplate.Kind, id, Registers.Changes(before, Values(template)), time.GetUtcNow());
        return await Registers.CommitAsync(http, work, template, ResponseTemplateResponse.Of(template), taken: null, cancellationToken);
    }

    /// <param name="id">The template's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var template = await database.ResponseTemplates.FromSql($"SELECT * FROM response_templates WHERE id = {id} FOR UPDATE").ReadBy(http.User)
            .SingleOrDefaultAsync(cancellationToken);
        if (template is null)
        {
            return NotFound.ToProblem();
        }

        if (Registers.Refusal(http, template) is { } refusal)
        {
            return refusal.ToProblem();
        }

        database.Remove(template);
        database.Audit(http.User.UserId, "deleted", ResponseTemplate.Kind, id, template.AgencyId, values: null, time.GetUtcNow());
        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    private static async Task AddErrorsAsync(
        FieldErrors errors, string? english, string? arabic, string? category, Guid? agency, ReportingDbContext database, CategoryCache categories,
        CancellationToken cancellationToken)
    {
        errors.Add("text_en", english is null ? null : ResponseText.Validate(english));
        errors.Add("text_ar", arabic is null ? null : ResponseText.Validate(arabic));
        errors.Add("category", category?.Trim() is { Length: > 0 } code ? await categories.ValidateFilterAsync(code, cancellationToken) : null);
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, agency, cancellationToken));
    }

    private static JsonObject Values(ResponseTemplate template) => new()
    {
        ["name"] = template.Name,
        ["agency_id"] = template.AgencyId,
        ["category"] = template.Category,
        ["status"] = template.Status?.WireName(),
        ["text_en"] = template.TextEn,
        ["text_ar"] = template.TextAr,
    };
}

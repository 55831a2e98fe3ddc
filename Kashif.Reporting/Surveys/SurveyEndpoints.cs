using System.Text.Json;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Surveys;

/// <summary>A possible answer.</summary>
/// <param name="Code" example="too_late">Its code in answers and results.</param>
/// <param name="En" example="It took too long">In English.</param>
/// <param name="Ar" example="استغرق وقتًا طويلًا">In Arabic.</param>
public sealed record SurveyChoice(
    [property: Identifier(Survey.CodeMax)] string Code, [property: Title(1, Survey.QuestionMax)] string En, [property: Title(1, Survey.QuestionMax)] string Ar);

/// <summary>A question.</summary>
/// <param name="Code" example="fixed">Its code in answers and results. Of a yes-or-no question with the code <c>fixed</c>, the answer no offers to reopen the report.</param>
/// <param name="Kind" example="yes_no">How it is answered.</param>
/// <param name="En" example="Was it fixed?">The question in English.</param>
/// <param name="Ar" example="هل أُصلحت المشكلة؟">The question in Arabic.</param>
/// <param name="Required" example="true">Whether it must be answered.</param>
/// <param name="Choices" example="null">The possible answers, at least two, of the kind <c>choice</c>; null for other kinds.</param>
public sealed record SurveyQuestion(
    [property: Identifier(Survey.CodeMax)] string Code,
    QuestionKind Kind,
    [property: Title(1, Survey.QuestionMax)] string En,
    [property: Title(1, Survey.QuestionMax)] string Ar,
    bool Required = false,
    IReadOnlyList<SurveyChoice>? Choices = null);

/// <summary>A new survey.</summary>
/// <param name="TitleEn" example="Was it fixed?">The title in English.</param>
/// <param name="TitleAr" example="هل أُصلحت المشكلة؟">The title in Arabic.</param>
/// <param name="Questions">At least one.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateSurveyRequest(
    [property: Title(1, Survey.TitleMax)] string TitleEn,
    [property: Title(1, Survey.TitleMax)] string TitleAr,
    IReadOnlyList<SurveyQuestion> Questions);

/// <summary>Fields that are left out do not change.</summary>
/// <param name="TitleEn" example="Was it fixed?">The title in English.</param>
/// <param name="TitleAr" example="هل أُصلحت المشكلة؟">The title in Arabic.</param>
/// <param name="Questions">Replaces all questions. Only until the first reporter is asked: later answers would mean something else.</param>
public sealed record ChangeSurveyRequest(
    [property: Title(1, Survey.TitleMax)] string? TitleEn = null,
    [property: Title(1, Survey.TitleMax)] string? TitleAr = null,
    IReadOnlyList<SurveyQuestion>? Questions = null);

/// <summary>A survey.</summary>
/// <param name="Id">The survey's id.</param>
/// <param name="TitleEn" example="Was it fixed?">The title in English.</param>
/// <param name="TitleAr" example="هل أُصلحت المشكلة؟">The title in Arabic.</param>
/// <param name="Questions">The questions.</param>
/// <param name="IsOpen" example="true">Whether it asks the reporters of resolved reports.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="ClosedAt" example="null">When it was closed; null if it is open.</param>
/// <param name="Version" example="1">1 when created, incremented at each change: the `ETag`.</param>
internal sealed record SurveyResponse(
    Guid Id, string TitleEn, string TitleAr, IReadOnlyList<SurveyQuestion> Questions, bool IsOpen, DateTimeOffset CreatedAt, DateTimeOffset? ClosedAt, int Version)
{
    public static SurveyResponse Of(Survey survey) => new(
        survey.Id, survey.TitleEn, survey.TitleAr, survey.ReadQuestions(), survey.IsOpen, survey.CreatedAt, survey.ClosedAt, survey.Version);
}

/// <summary>The filters of the list.</summary>
public sealed class SurveyQuery
{
    /// <summary>Words that all occur in a title, in upper or lower case.</summary>
    /// <example>fixed</example>
    [FromQuery(Name = "q"), Text(Survey.TitleMax)]
    public string? Query { get; set; }

    /// <summary>True: only the open survey; false: only closed ones.</summary>
    [FromQuery(Name = "open")]
    public bool? Open { get; set; }
}

/// <summary>Admins make surveys, staff read them and their results.</summary>
internal static class SurveyEndpoints
{
    public const string Path = "/api/v1/reports/surveys";

    public static Error NotFound { get; } = Error.NotFound("Survey not found.");

    private static Error AnotherOpen { get; } = Error.Conflict("survey_open", "Another survey is open. Close it first.");

    private static Error InUse { get; } = Error.Conflict("survey_in_use", "Reporters have been asked already, so the questions stay. Close this survey, and create another one.");

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The survey's version does not match If-Match. Read the survey again.");

    public static void MapSurveys(this IEndpointRouteBuilder endpoints)
    {
        var surveys = endpoints.MapGroup(Path).WithTags("Surveys").RequireAuthorization(Policies.Staff);
        surveys.MapGet("/", ListAsync).WithName("ListSurveys").WithSummary("List surveys, newest first");
        surveys.MapGet("/{id:guid}", GetAsync).WithName("GetSurvey").WithSummary("Get a survey").WithProblems(404, "not_found");
        surveys.MapPost("/", CreateAsync).RequireAuthorization(Policies.Admin).WithIdempotency().DisableValidation()
            .WithName("CreateSurvey").WithSummary("Create a survey")
            .WithDescription("Until it is closed, it asks reporters a week (by default) after their report was resolved. Only one survey can be open.")
            .WithProblems(409, "survey_open");
        surveys.MapPatch("/{id:guid}", ChangeAsync).RequireAuthorization(Policies.Admin).DisableValidation()
            .WithName("ChangeSurvey").WithSummary("Change a survey")
            .WithIfMatch("survey").WithProblems(404, "not_found").WithProblems(409, "survey_in_use");
        surveys.MapPost("/{id:guid}/close", CloseAsync).RequireAuthorization(Policies.Admin)
            .WithName("CloseSurvey").WithSummary("Close a survey").WithDescription("It stops asking. Reporters who were asked can still answer until `answer_until`. Closing again changes nothing.")
            .WithProblems(404, "not_found");
        surveys.MapGet("/{id:guid}/results", SurveyResults.HandleAsync).WithName("GetSurveyResults").WithSummary("Get the results of a survey")
            .WithDescription($"Counts, averages and the response rate, of the reports that the caller works on. What fewer than {SurveyResults.Fewest} people have answered is not broken down.")
            .WithProblems(404, "not_found");
        surveys.MapGet("/{id:guid}/texts", SurveyTexts.HandleAsync).WithName("ListSurveyTexts").WithSummary("List the text answers to a survey question, newest first")
            .WithDescription($"Of the reports that the caller works on; none while fewer than {SurveyResults.Fewest} people have answered.").WithProblems(404, "not_found");
        endpoints.MapSurveyAnswers();
    }

    private static async Task<Results<Ok<Page<SurveyResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] SurveyQuery query, [AsParameters] PageRequest page, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var surveys = database.Surveys.AsNoTracking().Where(survey => page.Cursor == null || survey.Id < before);
        if (query.Open is { } open)
        {
            surveys = surveys.Where(survey => survey.IsOpen == open);
        }

        foreach (var pattern in SearchWords.Patterns(query.Query))
        {
            surveys = surveys.Where(survey => EF.Functions.ILike(survey.TitleEn, pattern, @"\") || EF.Functions.ILike(survey.TitleAr, pattern, @"\"));
        }

        var rows = await surveys.OrderByDescending(survey => survey.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, SurveyResponse.Of, last => Cursor.Encode(last.Id)));
    }

    /// <param name="id">The survey's id.</param>
    private static async Task<Results<Ok<SurveyResponse>, ProblemHttpResult>> GetAsync(Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) =>
        await database.Surveys.AsNoTracking().SingleOrDefaultAsync(survey => survey.Id == id, cancellationToken) is { } found ? Shown(found, http) : NotFound.ToProblem();

    private static async Task<Results<Created<SurveyResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateSurveyRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        CheckQuestions(request.Questions, errors);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var now = time.GetUtcNow();
        var survey = new Survey
        {
            Id = Guid.CreateVersion7(now),
            TitleEn = request.TitleEn.Trim(),
            TitleAr = request.TitleAr.Trim(),
            Questions = Stored(request.Questions),
            CreatedAt = now,
        };
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.Surveys.AnyAsync(other => other.IsOpen, cancellationToken))
        {
            return AnotherOpen.ToProblem();
        }

        database.Surveys.Add(survey);
        database.Audit(http.User.UserId, "created", "survey", survey.Id, agency: null, JsonSerializer.SerializeToElement(survey.ReadQuestions(), Auditing.Json.SurveyQuestionArray), now);
        try
        {
            var created = await work.CommitAsync(TypedResults.Created($"{Path}/{survey.Id}", SurveyResponse.Of(survey)), cancellationToken);
            http.SendVersion(survey.Version);
            return created;
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return AnotherOpen.ToProblem();
        }
    }

    /// <param name="id">The survey's id.</param>
    private static async Task<Results<Ok<SurveyResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeSurveyRequest request, HttpContext http, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        if (request.Questions is not null)
        {
            CheckQuestions(request.Questions, errors);
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(id, database, cancellationToken) is not { } survey)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(survey.Version))
        {
            return Stale.ToProblem();
        }

        if (request.Questions is { } questions)
        {
            // The lock of the row lets no one be asked meanwhile: a request refers to it.
            if (await database.SurveyRequests.AnyAsync(asked => asked.SurveyId == id, cancellationToken))
            {
                return InUse.ToProblem();
            }

            survey.Questions = Stored(questions);
        }

        survey.TitleEn = request.TitleEn?.Trim() ?? survey.TitleEn;
        survey.TitleAr = request.TitleAr?.Trim() ?? survey.TitleAr;
        survey.Version++;
        database.Audit(http.User.UserId, "changed", "survey", id, agency: null, JsonSerializer.SerializeToElement(request, Auditing.Json.ChangeSurveyRequest), time.GetUtcNow());
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return Shown(survey, http);
    }

    /// <param name="id">The survey's id.</param>
    private static async Task<Results<Ok<SurveyResponse>, ProblemHttpResult>> CloseAsync(
        Guid id, HttpContext http, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(id, database, cancellationToken) is not { } survey)
        {
            return NotFound.ToProblem();
        }

        if (survey.IsOpen)
        {
            (survey.IsOpen, survey.ClosedAt) = (false, time.GetUtcNow());
            survey.Version++;
            database.Audit(http.User.UserId, "closed", "survey", id, agency: null, values: null, time.GetUtcNow());
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        return Shown(survey, http);
    }

    private static void CheckQuestions(IReadOnlyList<SurveyQuestion> questions, FieldErrors errors)
    {
        errors.Add("questions", questions.Count is < 1 or > Survey.MostQuestions ? "A survey has 1 to 20 questions."
            : questions.Any(question => question is null) ? "Must be an object with fields of the right type."
            : questions.Select(question => question.Code?.Trim()).Distinct(StringComparer.Ordinal).Count() < questions.Count ? "Each code must be unique."
            : questions.Any(question => !HasRightChoices(question)) ? "A question of the kind choice needs 2 to 20 choices with unique codes; other kinds have none."
            : null);
    }

    private static bool HasRightChoices(SurveyQuestion question) => question.Kind is QuestionKind.Choice
        ? question.Choices is { Count: >= 2 and <= Survey.MostChoices } choices && choices.All(choice => choice is not null)
            && choices.Select(choice => choice.Code?.Trim()).Distinct(StringComparer.Ordinal).Count() == choices.Count
        : question.Choices is null or { Count: 0 };

    /// <summary>With the texts trimmed.</summary>
    private static JsonElement Stored(IReadOnlyList<SurveyQuestion> questions) => JsonSerializer.SerializeToElement(
        [
            .. questions.Select(question => question with
            {
                Code = question.Code.Trim(),
                En = question.En.Trim(),
                Ar = question.Ar.Trim(),
                Choices = question.Kind is QuestionKind.Choice
                    ? [.. (question.Choices ?? []).Select(choice => new SurveyChoice(choice.Code.Trim(), choice.En.Trim(), choice.Ar.Trim()))]
                    : null,
            }),
        ],
        ReportingJson.Default.SurveyQuestionArray);

    private static async Task<Survey?> LockAsync(Guid id, ReportingDbContext database, CancellationToken cancellationToken) =>
        (await database.Surveys.FromSql($"SELECT * FROM surveys WHERE id = {id} FOR UPDATE").ToListAsync(cancellationToken)).SingleOrDefault();

    private static Ok<SurveyResponse> Shown(Survey survey, HttpContext http)
    {
        http.SendVersion(survey.Version);
        return TypedResults.Ok(SurveyResponse.Of(survey));
    }
}

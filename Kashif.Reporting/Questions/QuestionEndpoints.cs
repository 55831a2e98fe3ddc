using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Questions;

/// <summary>A new question of a category.</summary>
/// <param name="Code" example="size">The code, for `answers` of a report and `attribute[size]` of Open311. It never changes.</param>
/// <param name="Type" example="singlevaluelist">The type of its answers. It never changes.</param>
/// <param name="TextEn" example="How big is it?">The question in English.</param>
/// <param name="TextAr" example="ما حجمها؟">The question in Arabic.</param>
/// <param name="Position" example="1">The place among the category's questions.</param>
/// <param name="Required" example="true">Whether a report needs an answer.</param>
/// <param name="Public" example="true">False: only the reporter and staff see the answers.</param>
/// <param name="HintEn" example="Compare it with your hand.">Help for the reporter in English; null for none.</param>
/// <param name="HintAr" example="قارنها بكف يدك.">Help for the reporter in Arabic; null for none.</param>
/// <param name="Choices">The choices of a list, in their order.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateQuestionRequest(
    [property: Text(1, Question.CodeMax), RegularExpression(Question.KeyPattern, ErrorMessage = Question.InvalidKey)] string Code,
    QuestionType Type,
    [property: Title(1, Question.TextMax)] string TextEn,
    [property: Title(1, Question.TextMax)] string TextAr,
    [property: Between(0, Question.MaxPosition)] int Position = 0,
    bool Required = false,
    bool Public = false,
    [property: Text(0, Question.TextMax)] string? HintEn = null,
    [property: Text(0, Question.TextMax)] string? HintAr = null,
    [property: MaxLength(Question.MaxChoices, ErrorMessage = QuestionEndpoints.TooManyChoices)] IReadOnlyList<Choice>? Choices = null);

/// <summary>A change of a question. Fields that are left out do not change.</summary>
/// <param name="TextEn" example="How big is it?">The question in English.</param>
/// <param name="TextAr" example="ما حجمها؟">The question in Arabic.</param>
/// <param name="Position" example="1">The place among the category's questions.</param>
/// <param name="Required" example="false">Whether a new report needs an answer.</param>
/// <param name="Public" example="true">False: only the reporter and staff see the answers. Answers that exist follow a change.</param>
/// <param name="HintEn" example="Compare it with your hand.">Help for the reporter in English; empty for none.</param>
/// <param name="HintAr" example="قارنها بكف يدك.">Help for the reporter in Arabic; empty for none.</param>
/// <param name="Choices">All choices of a list, in their order. Answers that exist keep a choice that goes.</param>
/// <param name="Active" example="true">False: it is not asked any more; its answers stay.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ChangeQuestionRequest(
    [property: Title(1, Question.TextMax)] string? TextEn = null,
    [property: Title(1, Question.TextMax)] string? TextAr = null,
    [property: Between(0, Question.MaxPosition)] int? Position = null,
    bool? Required = null,
    bool? Public = null,
    [property: Text(0, Question.TextMax)] string? HintEn = null,
    [property: Text(0, Question.TextMax)] string? HintAr = null,
    [property: MaxLength(Question.MaxChoices, ErrorMessage = QuestionEndpoints.TooManyChoices)] IReadOnlyList<Choice>? Choices = null,
    bool? Active = null);

/// <summary>A question of a category.</summary>
/// <param name="Code" example="size">The code, for `answers` of a report.</param>
/// <param name="Type" example="singlevaluelist">The type of its answers.</param>
/// <param name="Text">The question.</param>
/// <param name="Hint">Help for the reporter; absent for none.</param>
/// <param name="Position" example="1">The place among the category's questions.</param>
/// <param name="Required" example="true">Whether a report needs an answer.</param>
/// <param name="Public" example="true">False: only the reporter and staff see the answers.</param>
/// <param name="Active" example="true">False: it is not asked any more.</param>
/// <param name="Choices">The choices of a list, in their order; absent for other types.</param>
/// <param name="Version" example="1">1 when created, incremented at each change: the `ETag`.</param>
internal sealed record QuestionResponse(
    string Code,
    QuestionType Type,
    QuestionText Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] QuestionText? Hint,
    int Position,
    bool Required,
    bool Public,
    bool Active,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<Choice>? Choices,
    int Version)
{
    public static QuestionResponse Of(Question question) => new(
        question.Code,
        question.Type,
        new QuestionText(question.TextEn, question.TextAr),
        (question.HintEn ?? question.HintAr) is { } hint ? new QuestionText(question.HintEn ?? hint, question.HintAr ?? hint) : null,
        question.Position,
        question.Required,
        question.Public,
        question.Active,
        question.Type.HasChoices() ? question.Choices : null,
        question.Version);
}

/// <summary>A text in English and Arabic.</summary>
/// <param name="En" example="How big is it?">In English.</param>
/// <param name="Ar" example="ما حجمها؟">In Arabic.</param>
internal sealed record QuestionText(string En, string Ar);

/// <summary>What the reporter of a category is asked.</summary>
internal static class QuestionEndpoints
{
    public const string TooManyChoices = "At most 100 choices.";

    private const int MaxQuestions = 50;
    private const string Root = $"{CategoryEndpoints.Root}/{{code}}/questions";

    private static Error NotFound { get; } = Error.NotFound("Question not found.");

    private static Error Exists { get; } = Error.Conflict("question_exists", "The category has a question with this code already.");

    private static Error Answered { get; } = Error.Conflict("question_answered", "Reporters answered this question for the city alone. Add another question instead.");

    private static Error TooMany { get; } = Error.Rule("too_many_questions", "A category has at most 50 questions.");

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The question's version does not match If-Match. Read the question again.");

    public static IServiceCollection AddQuestions(this IServiceCollection services)
    {
        services.AddSingleton<QuestionCache>();
        services.AddSingleton<ReportAnswers>();
        services.AddSingleton<IReportAnswers>(provider => provider.GetRequiredService<ReportAnswers>());
        return services;
    }

    public static void MapQuestions(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(Root, ListAsync).AllowAnonymous().WithTags("Categories").WithPublicCache(CategoryCache.Lifetime)
            .WithName("ListQuestions").WithSummary("List the questions of a report category").WithProblems(404, "not_found");
        var questions = endpoints.MapGroup(Root).WithTags("Categories").RequireAuthorization(Policies.Admin);
        questions.MapPost("/", CreateAsync).WithIdempotency().DisableValidation()
            .WithName("CreateQuestion").WithSummary("Create a question of a report category")
            .WithProblems(404, "not_found").WithProblems(409, "question_exists").WithProblems(422, "too_many_questions");
        questions.MapPatch("/{question}", ChangeAsync).DisableValidation().WithCondition()
            .WithName("ChangeQuestion").WithSummary("Change a question of a report category")
            .WithDescription("A question whose answers are for the city alone cannot become public once it was answered.").WithProblems(409, "question_answered");
        questions.MapDelete("/{question}", DeleteAsync).WithCondition()
            .WithName("DeleteQuestion").WithSummary("Delete a question of a report category")
            .WithDescription("A question that was answered becomes inactive and keeps its answers: `inactive=true` lists it.");
    }

    /// <param name="code" example="pothole">The category's code.</param>
    /// <param name="inactive">True: also questions that are not asked any more.</param>
    private static async Task<Results<Ok<Page<QuestionResponse>>, ProblemHttpResult>> ListAsync(
        string code, QuestionCache questions, CategoryCache categories, CancellationToken cancellationToken, [FromQuery(Name = "inactive"), DefaultValue(false)] bool inactive = false)
    {
        if (await categories.ValidateFilterAsync(code, cancellationToken) is not null)
        {
            return CategoryEndpoints.NotFound.ToProblem();
        }

        var all = await questions.OfAsync(code, cancellationToken);
        return TypedResults.Ok(new Page<QuestionResponse>([.. all.Where(question => question.Active || inactive).Select(QuestionResponse.Of)], null));
    }

    /// <param name="code" example="pothole">The category's code.</param>
    private static async Task<Results<Created<QuestionResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        string code, CreateQuestionRequest request, HttpContext http, ReportingDbContext database, QuestionCache questions, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("choices", ChoicesError(request.Type, request.Choices ?? []));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        if (!await LockAsync(database, code, cancellationToken))
        {
            return CategoryEndpoints.NotFound.ToProblem();
        }

        var known = await database.Questions.Where(row => row.Category == code).Select(row => row.Code).ToListAsync(cancellationToken);
        var question = new Question
        {
            Category = code,
            Code = request.Code.Trim(),
            Type = request.Type,
            Position = request.Position,
            Required = request.Required,
            Public = request.Public,
            TextEn = request.TextEn.Trim(),
            TextAr = request.TextAr.Trim(),
            HintEn = TextOrNull(request.HintEn),
            HintAr = TextOrNull(request.HintAr),
            Choices = Stored(request.Choices ?? []),
        };
        if (known.Contains(question.Code))
        {
            return Exists.ToProblem();
        }

        if (known.Count >= MaxQuestions)
        {
            return TooMany.ToProblem();
        }

        var response = QuestionResponse.Of(question);
        database.Questions.Add(question);
        Audit(database, http, "created", question, time.GetUtcNow());
        http.SendVersion(question.Version);
        var result = await work.CommitAsync(TypedResults.Created(Root.Replace("{code}", code, StringComparison.Ordinal), response), cancellationToken);
        questions.Forget();
        return result;
    }

    /// <param name="code" example="pothole">The category's code.</param>
    /// <param name="question" example="size">The question's code.</param>
    private static async Task<Results<Ok<QuestionResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        string code, string question, ChangeQuestionRequest request, HttpContext http, ReportingDbContext database, QuestionCache questions, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        if (!await LockAsync(database, code, cancellationToken)
            || await LockQuestionAsync(database, code, question, cancellationToken) is not { } found)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(found.Version))
        {
            return Stale.ToProblem();
        }

        if (request.Choices is { } choices && ChoicesError(found.Type, choices) is { } error)
        {
            return Error.Field("choices", error);
        }

        if (request.Public is true && !found.Public
            && await database.ReportAnswers.AnyAsync(answer => answer.Category == code && answer.Question == question, cancellationToken))
        {
            return Answered.ToProblem();
        }

        var wasPublic = found.Public;
        found.TextEn = request.TextEn?.Trim() ?? found.TextEn;
        found.TextAr = request.TextAr?.Trim() ?? found.TextAr;
        found.Position = request.Position ?? found.Position;
        found.Required = request.Required ?? found.Required;
        found.Public = request.Public ?? found.Public;
        found.HintEn = request.HintEn is { } english ? TextOrNull(english) : found.HintEn;
        found.HintAr = request.HintAr is { } arabic ? TextOrNull(arabic) : found.HintAr;
        found.Choices = request.Choices is { } all ? Stored(all) : found.Choices;
        found.Active = request.Active ?? found.Active;
        if (database.Entry(found).State is EntityState.Modified)
        {
            found.Version++;
            Audit(database, http, "changed", found, time.GetUtcNow());
        }

        if (found.Public != wasPublic)
        {
            await RenewAsync(database, found, cancellationToken);
        }

        http.SendVersion(found.Version);
        var result = await work.CommitAsync(TypedResults.Ok(QuestionResponse.Of(found)), cancellationToken);
        questions.Forget();
        return result;
    }

    /// <param name="code" example="pothole">The category's code.</param>
    /// <param name="question" example="size">The question's code.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string code, string question, HttpContext http, ReportingDbContext database, QuestionCache questions, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (!await LockAsync(database, code, cancellationToken))
        {
            return NotFound.ToProblem();
        }

        if (await LockQuestionAsync(database, code, question, cancellationToken) is not { } found)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(found.Version))
        {
            return Stale.ToProblem();
        }

        if (await database.ReportAnswers.AnyAsync(answer => answer.Category == code && answer.Question == question, cancellationToken))
        {
            (found.Active, found.Version) = (false, found.Version + 1);
        }
        else
        {
            database.Questions.Remove(found);
        }

        Audit(database, http, "deleted", found, time.GetUtcNow());
        var result = await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
        questions.Forget();
        return result;
    }

    private static RouteHandlerBuilder WithCondition(this RouteHandlerBuilder endpoint) => endpoint
        .WithMetadata(new RequestHeader("If-Match", "The `version` of the question that the client has read, as a tag: 412 if it has changed since.", 1000, "\"1\""))
        .WithProblems(404, "not_found").WithProblems(412, "precondition_failed");

    /// <summary>Lets one request at a time change the questions of a category.</summary>
    /// <returns>False if there is no such category.</returns>
    private static async Task<bool> LockAsync(ReportingDbContext database, string category, CancellationToken cancellationToken) =>
        (await database.Database.SqlQuery<int>($"SELECT 1 AS \"Value\" FROM categories WHERE code = {category} FOR NO KEY UPDATE").ToListAsync(cancellationToken)).Count == 1;

    /// <summary>Waits for requests that store an answer to the question, because they lock it too. After this, their answers are seen.</summary>
    private static async Task<Question?> LockQuestionAsync(ReportingDbContext database, string category, string question, CancellationToken cancellationToken) =>
        (await database.Questions.FromSql($"SELECT * FROM questions WHERE category = {category} AND code = {question} FOR UPDATE").AsTracking().ToListAsync(cancellationToken))
        .SingleOrDefault();

    /// <summary>Changes the entity tag of reports with an answer, so that caches drop their copies.</summary>
    private static Task RenewAsync(ReportingDbContext database, Question question, CancellationToken cancellationToken) => database.Database.ExecuteSqlAsync($"""
        UPDATE reports SET activity = activity + 1 FROM (
            SELECT id FROM reports WHERE id = ANY (ARRAY(SELECT report_id FROM report_answers WHERE category = {question.Category} AND question = {question.Code}))
            ORDER BY id FOR NO KEY UPDATE
        ) AS answered WHERE reports.id = answered.id
        """, cancellationToken);

    private static string? ChoicesError(QuestionType type, IReadOnlyList<Choice> choices) =>
        !type.HasChoices() ? choices.Count > 0 ? "Only lists have choices." : null
        : choices.Count == 0 ? "A list needs choices."
        : choices.Any(choice => choice is null) ? "Must be an array of values of the right type." // JSON's null, which the type does not allow
        : choices.Select(choice => choice.Key.Trim()).Distinct().Count() < choices.Count ? "Each choice needs a key of its own."
        : null;

    private static Choice[] Stored(IReadOnlyList<Choice> choices) => [.. choices.Select(choice => new Choice(choice.Key.Trim(), choice.En.Trim(), choice.Ar.Trim()))];

    private static string? TextOrNull(string? text) => text?.Trim() is { Length: > 0 } trimmed ? trimmed : null;

    private static void Audit(ReportingDbContext database, HttpContext http, string action, Question question, DateTimeOffset now) => database.Audit(
        http.User.UserId, action, "question", CodeId.Of($"{question.Category}/{question.Code}"), agency: null,
        JsonSerializer.SerializeToElement(QuestionResponse.Of(question), Auditing.Json.QuestionResponse), now);
}

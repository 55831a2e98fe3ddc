using System.Text.Json;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Surveys;

/// <summary>The answer to one question: the field for its kind, and no other.</summary>
/// <param name="Question" example="fixed">The question's code.</param>
/// <param name="YesNo" example="true">Of the kind <c>yes_no</c>.</param>
/// <param name="Rating" example="null">Of the kind <c>rating</c>: 1, bad, to 5, good.</param>
/// <param name="Choice" example="null">Of the kind <c>choice</c>: the code of the choice.</param>
/// <param name="Text" example="null">Of the kind <c>text</c>.</param>
public sealed record SurveyAnswer(
    [property: Identifier(Survey.CodeMax)] string Question,
    bool? YesNo = null,
    [property: Between(1, 5)] int? Rating = null,
    [property: Text(1, Survey.CodeMax)] string? Choice = null,
    [property: Text(1, SurveyAnswer.TextMax)] string? Text = null)
{
    internal const int TextMax = 1000;
}

/// <summary>The answers to a survey.</summary>
/// <param name="Answers">One for each question at most; all questions that are required.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record AnswerSurveyRequest(IReadOnlyList<SurveyAnswer> Answers);

/// <summary>The survey of a report, for its reporter.</summary>
/// <param name="SurveyId">The survey's id.</param>
/// <param name="TitleEn" example="Was it fixed?">The title in English.</param>
/// <param name="TitleAr" example="هل أُصلحت المشكلة؟">The title in Arabic.</param>
/// <param name="Questions">The questions.</param>
/// <param name="AskedAt">When the reporter was asked.</param>
/// <param name="AnswerUntil">Until when it can be answered.</param>
/// <param name="AnsweredAt" example="null">When it was answered; null if it was not.</param>
/// <param name="Answers" example="null">The answers; null if it was not answered.</param>
/// <param name="Reopen" example="null">The path to reopen the report, if the answer to <c>fixed</c> is no and it can be reopened; null otherwise.</param>
internal sealed record ReportSurveyResponse(
    Guid SurveyId, string TitleEn, string TitleAr, IReadOnlyList<SurveyQuestion> Questions, DateTimeOffset AskedAt, DateTimeOffset AnswerUntil, DateTimeOffset? AnsweredAt,
    IReadOnlyList<SurveyAnswer>? Answers, string? Reopen);

/// <summary>The reporter answers, once.</summary>
internal static class AnswerSurvey
{
    /// <summary>The question whose answer no offers to reopen the report.</summary>
    private const string Fixed = "fixed";

    private static Error NotAsked { get; } = Error.NotFound("You have not been asked about this report.");

    private static Error Over { get; } = Error.Rule("survey_over", "The time to answer is over.");

    private static Error AlreadyAnswered { get; } = Error.Conflict("already_answered", "You have answered already.");

    public static void MapSurveyAnswers(this IEndpointRouteBuilder endpoints)
    {
        var survey = endpoints.MapGroup("/api/v1/reports/{id:guid}/survey").WithTags("Surveys").RequireAuthorization();
        survey.MapGet("/", GetAsync).WithName("GetReportSurvey").WithSummary("Get the survey about my report").WithProblems(404, "not_found");
        survey.MapPost("/", AnswerAsync).WithIdempotency().DisableValidation().WithName("AnswerSurvey").WithSummary("Answer the survey about my report")
            .WithDescription("Once, by its reporter, within `answer_until`. If the answer to `fixed` is no, `reopen` says where the report can be reopened.")
            .WithProblems(404, "not_found").WithProblems(409, "already_answered").WithProblems(422, "survey_over");
    }

    /// <summary>Keeps a deleted user's answers for the counts, without the user's id and without texts.</summary>
    public static Task EraseAsync(ReportingDbContext database, Guid userId, CancellationToken cancellationToken) => database.Database.ExecuteSqlAsync($"""
        UPDATE survey_requests SET user_id = {ErasedUser.Id},
            answers = COALESCE((SELECT jsonb_agg(answer - 'text') FROM jsonb_array_elements(answers) AS answer), answers)
        WHERE user_id = {userId}
        """, cancellationToken);

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<ReportSurveyResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, IOptions<ReportingOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        return await database.SurveyRequests.AsNoTracking().SingleOrDefaultAsync(request => request.ReportId == id && request.UserId == user, cancellationToken) is { } asked
            ? TypedResults.Ok(await ShownAsync(asked, database, options.Value, time.GetUtcNow(), cancellationToken))
            : NotAsked.ToProblem();
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<ReportSurveyResponse>, ValidationProblem, ProblemHttpResult>> AnswerAsync(
        Guid id,
        AnswerSurveyRequest request,
        HttpContext http,
        ReportingDbContext database,
        UnitOfWork work,
        IOptions<ReportingOptions> options,
        ReportingMetrics metrics,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var (user, errors) = (http.User.UserId, await FieldErrors.FindAsync(http, request));
        await using var transaction = await work.BeginAsync(cancellationToken);
        var locked = await database.SurveyRequests.FromSql($"SELECT * FROM survey_requests WHERE report_id = {id} AND user_id = {user} FOR NO KEY UPDATE")
            .AsNoTracking().ToListAsync(cancellationToken);
        if (locked is not [var asked])
        {
            return NotAsked.ToProblem();
        }

        var survey = await database.Surveys.AsNoTracking().SingleAsync(row => row.Id == asked.SurveyId, cancellationToken);
        Check(request.Answers, survey.ReadQuestions(), errors);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var now = time.GetUtcNow();
        if (asked.AnsweredAt is not null)
        {
            return AlreadyAnswered.ToProblem();
        }

        if (now > asked.AnswerUntil)
        {
            return Over.ToProblem();
        }

        var answers = JsonSerializer.SerializeToElement(
            [.. request.Answers.Select(answer => answer with { Question = answer.Question.Trim(), Choice = answer.Choice?.Trim(), Text = answer.Text?.Trim() })],
            ReportingJson.Default.SurveyAnswerArray);
        await database.SurveyRequests.Where(row => row.ReportId == id).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Answers, (JsonElement?)answers).SetProperty(row => row.AnsweredAt, now), cancellationToken);
        var report = await database.Reports.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken);
        database.Publish(new SurveyAnswered(id, user, survey.Id, report.Category, report.Latitude, report.Longitude, report.Version), now);
        var answered = await database.SurveyRequests.AsNoTracking().SingleAsync(row => row.ReportId == id, cancellationToken);
        var result = await work.CommitAsync(TypedResults.Ok(await ShownAsync(answered, database, options.Value, now, cancellationToken)), cancellationToken);
        metrics.SurveyAnswered();
        return result;
    }

    private static void Check(IReadOnlyList<SurveyAnswer> answers, SurveyQuestion[] questions, FieldErrors errors)
    {
        if (answers.Any(answer => answer is null))
        {
            errors.Add("answers", "Must be an object with fields of the right type.");
            return;
        }

        foreach (var (index, answer) in answers.Index())
        {
            errors.Add(
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"answers[{index}]"),
                Array.Find(questions, question => question.Code == answer.Question?.Trim()) is not { } asked ? "The survey has no such question."
                : !Fits(answer, asked) ? "Must have the one field for the kind of the question, and of a choice one of its codes."
                : null);
        }

        var answered = answers.Select(answer => answer.Question?.Trim()).ToList();
        errors.Add("answers", answered.Distinct(StringComparer.Ordinal).Count() < answered.Count ? "Each question can be answered once." : null);
        var missing = questions.Where(question => question.Required && !answered.Contains(question.Code)).Select(question => question.Code).ToList();
        errors.Add("answers", missing.Count > 0 ? Localized.Format($"These questions must be answered: {string.Join(", ", missing)}.") : null);
    }

    private static bool Fits(SurveyAnswer answer, SurveyQuestion question) =>
        (answer.YesNo is not null, answer.Rating is not null, answer.Choice is not null, answer.Text is not null)
            == (question.Kind is QuestionKind.YesNo, question.Kind is QuestionKind.Rating, question.Kind is QuestionKind.Choice, question.Kind is QuestionKind.Text)
        && (answer.Choice is null || question.Choices?.Any(choice => choice.Code == answer.Choice.Trim()) == true);

    private static async Task<ReportSurveyResponse> ShownAsync(
        SurveyRequest asked, ReportingDbContext database, ReportingOptions options, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var survey = await database.Surveys.AsNoTracking().SingleAsync(row => row.Id == asked.SurveyId, cancellationToken);
        var answers = asked.Answers?.Deserialize(ReportingJson.Default.SurveyAnswerArray);
        return new ReportSurveyResponse(
            survey.Id, survey.TitleEn, survey.TitleAr, survey.ReadQuestions(), asked.AskedAt, asked.AnswerUntil, asked.AnsweredAt, answers,
            answers?.Any(answer => answer is { Question: Fixed, YesNo: false }) == true && await CanBeReopenedAsync(asked.ReportId, database, options, now, cancellationToken)
                ? $"/api/v1/reports/{asked.ReportId}/reopen"
                : null);
    }

    private static async Task<bool> CanBeReopenedAsync(Guid id, ReportingDbContext database, ReportingOptions options, DateTimeOffset now, CancellationToken cancellationToken) =>
        await database.Reports.AsNoTracking().SingleOrDefaultAsync(report => report.Id == id, cancellationToken) is { Status: ReportStatus.Resolved } report
        && now - (await database.LastStatusAsync(report, cancellationToken)).At <= options.ReopenWithin;
}

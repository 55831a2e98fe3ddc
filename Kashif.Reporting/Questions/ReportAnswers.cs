using System.Text.Json;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Questions;

/// <summary>An edit of a report's answers, which <see cref="ReportAnswers.EditAsync"/> has checked.</summary>
/// <param name="Apply">Changes the tracked rows; the caller saves them with the report.</param>
internal sealed record AnswerEdit(bool IsChange, Action Apply)
{
    public static AnswerEdit None { get; } = new(false, () => { });
}

/// <summary>Stores and reads the answers to questions.</summary>
internal sealed class ReportAnswers(QuestionCache questions) : IReportAnswers
{
    private const string NoQuestion = "The category does not ask this.";

    private static readonly Dictionary<string, JsonElement> NoAnswers = [];

    public async ValueTask<IReadOnlyDictionary<string, JsonElement>> CheckAsync(
        string category, IReadOnlyDictionary<string, JsonElement>? sent, FieldErrors errors, CancellationToken cancellationToken)
    {
        var asked = await AskedAsync(category, cancellationToken);
        if (asked.Count == 0 && sent is null or { Count: 0 })
        {
            return NoAnswers;
        }

        var answers = new Dictionary<string, JsonElement>();
        Merge(asked, sent, answers, errors);
        Complete(asked, answers, errors);
        return answers;
    }

    public async Task AddAsync(ReportingDbContext database, Report report, IReadOnlyDictionary<string, JsonElement> answers, CancellationToken cancellationToken)
    {
        if (answers.Count == 0)
        {
            return;
        }

        // A question that was deleted since it was checked takes no answer.
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO report_answers (report_id, category, question, value)
            SELECT {report.Id}, questions.category, questions.code, answer.value::jsonb
            FROM unnest({answers.Keys.ToArray()}, {answers.Values.Select(value => value.GetRawText()).ToArray()}) AS answer (question, value)
            JOIN questions ON questions.category = {report.Category} AND questions.code = answer.question
            FOR KEY SHARE OF questions
            """, cancellationToken);
    }

    public async ValueTask<VisibleAnswers> ReadAsync(ReportingDbContext database, Report report, View view, CancellationToken cancellationToken)
    {
        if ((await questions.OfAsync(report.Category, cancellationToken)).Count == 0)
        {
            return default;
        }

        // Who may see an answer is read with it, and after the report: a cached question would let caches keep a private answer under the report's new tag.
        var answers = await WithQuestions(database).Where(row => row.Answer.ReportId == report.Id).OrderBy(row => row.Answer.Question).ToListAsync(cancellationToken);
        var visible = answers.Where(row => view is View.Full || row.IsPublic).ToDictionary(row => row.Answer.Question, row => row.Answer.Value);
        return new VisibleAnswers(visible.Count == 0 ? null : visible, view is View.Full && answers.Exists(row => !row.IsPublic));
    }

    /// <summary>The answers of some reports that everyone may see, by the codes of their questions.</summary>
    public static async Task<Dictionary<Guid, Dictionary<string, JsonElement>>> PublicOfAsync(ReportingDbContext database, List<Guid> reports, CancellationToken cancellationToken) =>
        (await WithQuestions(database).Where(row => row.IsPublic && reports.Contains(row.Answer.ReportId)).Select(row => row.Answer).ToListAsync(cancellationToken))
            .GroupBy(answer => answer.ReportId).ToDictionary(group => group.Key, group => group.ToDictionary(answer => answer.Question, answer => answer.Value));

    /// <summary>Checks an edit: the answers that are sent replace those to the same questions, and null removes one. Answers that do not fit a new category go.</summary>
    /// <param name="category">The category after the edit.</param>
    /// <param name="sent">Null: the answers stay, as far as they fit.</param>
    /// <param name="isComplete">Whether each required question must be answered.</param>
    public async Task<AnswerEdit> EditAsync(
        ReportingDbContext database, Report report, string category, IReadOnlyDictionary<string, JsonElement>? sent, bool isComplete, FieldErrors errors,
        CancellationToken cancellationToken)
    {
        var moves = category != report.Category;
        if (!moves && sent is null)
        {
            return AnswerEdit.None;
        }

        var asked = await AskedAsync(category, cancellationToken);
        if (asked.Count == 0 && sent is null && (await questions.OfAsync(report.Category, cancellationToken)).Count == 0)
        {
            return AnswerEdit.None;
        }

        var rows = await database.ReportAnswers.AsTracking().Where(answer => answer.ReportId == report.Id).ToListAsync(cancellationToken);

        // What was written for the city alone is never published by a move.
        HashSet<string> published = moves ? [.. (await questions.OfAsync(report.Category, cancellationToken)).Where(question => question.Public).Select(question => question.Code)] : [];
        var answers = moves
            ? rows.Where(row => asked.TryGetValue(row.Question, out var question) && (!question.Public || published.Contains(row.Question))).Select(row => (row.Question, Fit: AnswerRules.Read(asked[row.Question], row.Value).Value))
                .Where(answer => answer.Fit is not null).ToDictionary(answer => answer.Question, answer => answer.Fit.GetValueOrDefault())
            : rows.ToDictionary(row => row.Question, row => row.Value);
        Merge(asked, sent, answers, errors);
        if (isComplete)
        {
            Complete(asked, answers, errors);
        }

        var isChange = rows.Count != answers.Count || rows.Any(row => !answers.TryGetValue(row.Question, out var value) || !JsonElement.DeepEquals(value, row.Value));
        return new AnswerEdit(isChange, () => Write(database, report.Id, category, rows, answers));
    }

    /// <summary>Deletes the texts in which a user may have written about themselves for the city alone. The caller has locked their reports.</summary>
    public static Task EraseAsync(ReportingDbContext database, Guid userId, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlRawAsync(
            $"DELETE FROM report_answers WHERE report_id = ANY (ARRAY(SELECT id FROM reports WHERE user_id = {{0}})) AND {IsPersonal}", [userId], cancellationToken);

    /// <summary>The same for some reports, whose reporters are no users.</summary>
    public static Task EraseAsync(ReportingDbContext database, Guid[] reports, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlRawAsync($"DELETE FROM report_answers WHERE report_id = ANY ({{0}}) AND {IsPersonal}", [reports], cancellationToken);

    /// <summary>Not <c>EXISTS</c>, which the planner may turn into a join that reads all questions first.</summary>
    private const string IsPersonal =
        $"(SELECT {QuestionConfiguration.IsPersonalSql} FROM questions WHERE questions.category = report_answers.category AND questions.code = report_answers.question)";

    private static IQueryable<AnswerRow> WithQuestions(ReportingDbContext database) => database.ReportAnswers.AsNoTracking().Join(
        database.Questions,
        answer => new { answer.Category, Code = answer.Question },
        question => new { question.Category, question.Code },
        (answer, question) => new AnswerRow { Answer = answer, IsPublic = question.Public });

    private static void Write(ReportingDbContext database, Guid report, string category, List<ReportAnswer> rows, Dictionary<string, JsonElement> answers)
    {
        foreach (var row in rows)
        {
            if (!answers.TryGetValue(row.Question, out var value))
            {
                database.ReportAnswers.Remove(row);
                continue;
            }

            row.Category = category;
            row.Value = JsonElement.DeepEquals(row.Value, value) ? row.Value : value;
        }

        database.ReportAnswers.AddRange(answers.Where(answer => rows.TrueForAll(row => row.Question != answer.Key))
            .Select(answer => new ReportAnswer { ReportId = report, Category = category, Question = answer.Key, Value = answer.Value }));
    }

    private static void Merge(
        Dictionary<string, Question> asked, IReadOnlyDictionary<string, JsonElement>? sent, Dictionary<string, JsonElement> answers, FieldErrors errors)
    {
        foreach (var (code, given) in sent ?? NoAnswers)
        {
            if (!asked.TryGetValue(code, out var question))
            {
                errors.Add(code.Length <= Question.CodeMax ? $"answers.{code}" : "answers", given.ValueKind is JsonValueKind.Null && answers.Remove(code) ? null : NoQuestion);
                continue;
            }

            var (value, error) = AnswerRules.Read(question, given);
            errors.Add($"answers.{code}", error);
            if (value is { } answer)
            {
                answers[code] = answer;
            }
            else if (error is null)
            {
                answers.Remove(code);
            }
        }
    }

    /// <summary>Adds an error for each required question without an answer. One whose answer is wrong has its error already.</summary>
    private static void Complete(Dictionary<string, Question> asked, Dictionary<string, JsonElement> answers, FieldErrors errors)
    {
        foreach (var question in asked.Values.Where(question => question.Required && !answers.ContainsKey(question.Code) && !errors.Has($"answers.{question.Code}")))
        {
            errors.Add($"answers.{question.Code}", AnswerRules.Required);
        }
    }

    /// <summary>The questions that are asked now, by their codes, in their order.</summary>
    private async ValueTask<Dictionary<string, Question>> AskedAsync(string category, CancellationToken cancellationToken) =>
        (await questions.OfAsync(category, cancellationToken)).Where(question => question.Active).ToDictionary(question => question.Code);

    private sealed class AnswerRow
    {
        public required ReportAnswer Answer { get; init; }
        public bool IsPublic { get; init; }
    }
}

using System.Globalization;
using System.Runtime.CompilerServices;
using Kashif.Http;
using Kashif.Messaging.Erasure;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Surveys;

/// <summary>How results are broken down.</summary>
internal enum SurveyGrouping
{
    Category,
    Agency,
    Area,
}

/// <summary>How often an answer was given.</summary>
/// <param name="Value" example="yes">`yes` or `no`, a rating from 1 to 5, or the code of a choice.</param>
/// <param name="Count" example="42">How many people gave it.</param>
internal sealed record AnswerCount(string Value, int Count);

/// <summary>The answers to a question.</summary>
/// <param name="Code" example="fixed">The question's code.</param>
/// <param name="Kind" example="yes_no">How it is answered.</param>
/// <param name="Answers" example="57">How many people answered it.</param>
/// <param name="Average" example="null">The average of a rating, to two decimal places; null for other kinds and for too few answers.</param>
/// <param name="Counts">How often each answer was given; null for texts and for too few answers.</param>
internal sealed record QuestionResult(string Code, QuestionKind Kind, int Answers, double? Average, IReadOnlyList<AnswerCount>? Counts);

/// <summary>The results of a part of the reports.</summary>
/// <param name="Key" example="pothole">The category's code, or the id of the agency or area; null for reports without one.</param>
/// <param name="Asked" example="80">How many reporters were asked.</param>
/// <param name="Answered" example="57">How many of them answered.</param>
/// <param name="ResponseRate" example="0.71">Answered by asked, to two decimal places.</param>
/// <param name="Questions">The answers to each question.</param>
internal sealed record GroupResult(string? Key, int Asked, int Answered, double ResponseRate, IReadOnlyList<QuestionResult> Questions);

/// <summary>The groups that are too small to be told apart.</summary>
/// <param name="Groups" example="3">How many groups.</param>
/// <param name="Asked" example="9">How many reporters were asked.</param>
/// <param name="Answered" example="6">How many of them answered.</param>
internal sealed record SmallGroups(int Groups, int Asked, int Answered);

/// <summary>The results of a survey.</summary>
/// <param name="SurveyId">The survey's id.</param>
/// <param name="Asked" example="240">How many reporters were asked.</param>
/// <param name="Answered" example="151">How many of them answered.</param>
/// <param name="ResponseRate" example="0.63">Answered by asked, to two decimal places; null if no one was asked.</param>
/// <param name="Questions">The answers to each question; empty for too few answers.</param>
/// <param name="Groups">The results of each category, agency or area, with the most answers first; null without `group_by`.</param>
/// <param name="SmallGroups">The groups with too few answers, together; null if there are none.</param>
internal sealed record SurveyResultsResponse(
    Guid SurveyId, int Asked, int Answered, double? ResponseRate, IReadOnlyList<QuestionResult> Questions, IReadOnlyList<GroupResult>? Groups, SmallGroups? SmallGroups);

/// <summary>
/// Counts answers, of the reports that the caller works on. Few answers would tell who gave which: they are not broken down, and neither is a group whose answers would follow
/// from the others.
/// </summary>
internal static class SurveyResults
{
    /// <summary>The fewest answers that are broken down.</summary>
    public const int Fewest = 5;

    /// <param name="id">The survey's id.</param>
    /// <param name="groupBy" example="category">Breaks the results down by `category`, `agency` or `area` of the report.</param>
    public static async Task<Results<Ok<SurveyResultsResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id, [FromQuery(Name = "group_by"), Values(typeof(SurveyGrouping))] string? groupBy, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        SurveyGrouping? grouping = null;
        if (groupBy is not null)
        {
            if (!Enum.TryParse<SurveyGrouping>(groupBy, ignoreCase: true, out var wanted) || !Enum.IsDefined(wanted) || wanted.ToString().ToLowerInvariant() != groupBy)
            {
                return Error.Field("group_by", "Must be category, agency or area.");
            }

            grouping = wanted;
        }

        if (await database.Surveys.AsNoTracking().SingleOrDefaultAsync(survey => survey.Id == id, cancellationToken) is not { } survey)
        {
            return SurveyEndpoints.NotFound.ToProblem();
        }

        // One moment for both statements: else a group could have more answers to a question than people who answered.
        await using var snapshot = await database.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var agency = http.User.AgencyIdOrNull;
        var people = await PeopleAsync(id, grouping, agency, database, cancellationToken);
        var counts = await CountsAsync(id, grouping, agency, database, cancellationToken);
        var questions = survey.ReadQuestions();
        var (asked, answered) = (people.Sum(group => group.Asked), people.Sum(group => group.Answered));
        var (shown, small) = grouping is null ? ([], []) : Split(people);

        // Who answered about several reports is one person.
        var persons = await database.SurveyRequests
            .Where(row => row.SurveyId == id && row.AnsweredAt != null && database.Reports.Any(report => report.Id == row.ReportId && (agency == null || report.AgencyId == agency)))
            .Select(row => row.UserId == ErasedUser.Id ? row.ReportId : row.UserId).Distinct().CountAsync(cancellationToken);

        // If the groups whose answers to a question are not shown gave few of them, these would follow from the sum: then no group shows its answers to it.
        var few = counts.GroupBy(count => count.Question)
            .Where(question => question.GroupBy(count => count.Key, count => count.Answers)
                .Where(group => group.Sum() < Fewest || shown.TrueForAll(other => other.Key != group.Key)).Sum(group => group.Sum()) is > 0 and < Fewest)
            .Select(question => question.Key).ToHashSet();
        return TypedResults.Ok(new SurveyResultsResponse(
            id,
            asked,
            answered,
            asked == 0 ? null : Rounded((double)answered / asked),
            persons < Fewest ? [] : ResultsOf(questions, counts),
            grouping is null ? null
                : [.. shown.Select(group => new GroupResult(
                    group.Key, group.Asked, group.Answered, Rounded((double)group.Answered / group.Asked),
                    ResultsOf(questions, counts.Where(count => count.Key == group.Key))
                        .ConvertAll(result => few.Contains(result.Code) ? result with { Average = null, Counts = null } : result)))],
            small.Count == 0 ? null : new SmallGroups(small.Count, small.Sum(group => group.Asked), small.Sum(group => group.Answered))));
    }

    /// <summary>The groups that are told apart. If the others together had few answers, these would follow from the sum: then the smallest of the large groups joins them.</summary>
    internal static (List<People> Shown, List<People> Small) Split(IEnumerable<People> groups)
    {
        var sorted = groups.OrderByDescending(group => group.Answered).ThenBy(group => group.Key, StringComparer.Ordinal).ToList();
        var shown = sorted.Count(group => group.Answered >= Fewest);
        if (sorted.Skip(shown).Sum(group => group.Answered) is > 0 and < Fewest && shown > 0)
        {
            shown--;
        }

        return (sorted[..shown], sorted[shown..]);
    }

    private static List<QuestionResult> ResultsOf(SurveyQuestion[] questions, IEnumerable<Count> counts)
    {
        var byQuestion = counts.ToLookup(count => count.Question);
        return [.. questions.Select(question =>
        {
            var given = byQuestion[question.Code].GroupBy(count => count.Value).ToDictionary(value => value.Key, value => value.Sum(count => count.Answers));
            var answers = given.Values.Sum();
            var isShown = answers >= Fewest && question.Kind is not QuestionKind.Text;
            return new QuestionResult(
                question.Code,
                question.Kind,
                answers,
                isShown && question.Kind is QuestionKind.Rating ? Rounded(given.Sum(value => int.Parse(value.Key, CultureInfo.InvariantCulture) * (double)value.Value) / answers) : null,
                isShown ? [.. ValuesOf(question).Select(value => new AnswerCount(value, given.GetValueOrDefault(value)))] : null);
        })];
    }

    private static IEnumerable<string> ValuesOf(SurveyQuestion question) => question.Kind switch
    {
        QuestionKind.YesNo => ["yes", "no"],
        QuestionKind.Rating => ["1", "2", "3", "4", "5"],
        QuestionKind.Choice => question.Choices?.Select(choice => choice.Code) ?? [],
        QuestionKind.Text or _ => [],
    };

    private static Task<List<People>> PeopleAsync(Guid survey, SurveyGrouping? grouping, Guid? agency, ReportingDbContext database, CancellationToken cancellationToken) =>
        database.Database.SqlQuery<People>(FormattableStringFactory.Create(
            $$"""
            SELECT {{KeyOf(grouping)}} AS key, count(*)::int AS asked, count(answered_at)::int AS answered
            FROM survey_requests JOIN reports ON reports.id = report_id
            WHERE survey_id = {0} AND ({1}::uuid IS NULL OR agency_id = {1})
            GROUP BY 1
            """, survey, agency)).ToListAsync(cancellationToken);

    private static Task<List<Count>> CountsAsync(Guid survey, SurveyGrouping? grouping, Guid? agency, ReportingDbContext database, CancellationToken cancellationToken) =>
        database.Database.SqlQuery<Count>(FormattableStringFactory.Create(
            $$"""
            SELECT {{KeyOf(grouping)}} AS key, question, COALESCE(CASE WHEN yes_no THEN 'yes' WHEN NOT yes_no THEN 'no' END, rating::text, choice, '') AS value, count(*)::int AS answers
            FROM survey_requests JOIN reports ON reports.id = report_id
                CROSS JOIN jsonb_to_recordset(answers) AS answer (question text, yes_no boolean, rating integer, choice text)
            WHERE survey_id = {0} AND answered_at IS NOT NULL AND ({1}::uuid IS NULL OR agency_id = {1})
            GROUP BY 1, 2, 3
            """, survey, agency)).ToListAsync(cancellationToken);

    private static string KeyOf(SurveyGrouping? grouping) => grouping switch
    {
        SurveyGrouping.Category => "category",
        SurveyGrouping.Agency => "agency_id::text",
        SurveyGrouping.Area => "area_id::text",
        null or _ => "NULL",
    };

    private static double Rounded(double value) => Math.Round(value, 2, MidpointRounding.AwayFromZero);

    internal sealed record People(string? Key, int Asked, int Answered);

    private sealed record Count(string? Key, string Question, string Value, int Answers);
}

/// <summary>What a reporter wrote.</summary>
/// <param name="Text" example="The hole is filled, but the kerb is still loose.">The reporter's words.</param>
/// <param name="ReportId">The report.</param>
/// <param name="AnsweredAt">When it was written.</param>
internal sealed record SurveyTextResponse(string Text, Guid ReportId, DateTimeOffset AnsweredAt);

internal static class SurveyTexts
{
    /// <param name="id">The survey's id.</param>
    /// <param name="question" example="more">The code of a question of the kind <c>text</c>.</param>
    public static async Task<Results<Ok<Page<SurveyTextResponse>>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id, [FromQuery(Name = "question"), Validation.Text(1, Survey.CodeMax)] string question, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database,
        CancellationToken cancellationToken)
    {
        var (before, beforeReport) = (DateTimeOffset.MaxValue, Guid.Empty);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before, out beforeReport))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (!await database.Surveys.AnyAsync(survey => survey.Id == id, cancellationToken))
        {
            return SurveyEndpoints.NotFound.ToProblem();
        }

        var (agency, code, at) = (http.User.AgencyIdOrNull, question.Trim(), before.ToUniversalTime());
        var rows = await database.Database.SqlQuery<SurveyTextResponse>($"""
            SELECT answer ->> 'text' AS text, report_id, answered_at
            FROM survey_requests JOIN reports ON reports.id = report_id CROSS JOIN jsonb_array_elements(answers) AS answer
            WHERE survey_id = {id} AND answered_at IS NOT NULL AND ({agency}::uuid IS NULL OR agency_id = {agency})
                AND answer ->> 'question' = {code} AND answer ->> 'text' IS NOT NULL
                AND ({page.Cursor == null} OR (answered_at, report_id) < ({at}, {beforeReport}))
                AND {SurveyResults.Fewest} <= (SELECT count(DISTINCT CASE WHEN survey_requests.user_id = {ErasedUser.Id} THEN report_id ELSE survey_requests.user_id END) FROM survey_requests JOIN reports ON reports.id = report_id
                    WHERE survey_id = {id} AND answered_at IS NOT NULL AND ({agency}::uuid IS NULL OR agency_id = {agency}))
            ORDER BY answered_at DESC, report_id DESC LIMIT {page.Size + 1}
            """).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, last => Cursor.Encode(last.AnsweredAt, last.ReportId)));
    }
}

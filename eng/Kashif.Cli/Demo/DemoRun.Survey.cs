using System.Collections.Concurrent;
using System.Text.Json;

namespace Kashif.Cli.Demo;

internal sealed partial class DemoRun
{
    /// <summary>Of all reporters together.</summary>
    private static readonly TimeSpan LongestWaitForQuestions = TimeSpan.FromMinutes(2);

    /// <summary>The reports that the demo has resolved, in this run or before: their reporters are asked about them.</summary>
    private readonly ConcurrentBag<(Guid Id, Person Reporter, bool IsNew)> _resolved = [];

    private Guid? _survey;

    private async Task AddSurveyAsync()
    {
        if (await api.ListAsync($"{Register}/surveys?", admin) is not { } surveys)
        {
            return;
        }

        const string Title = "How did we do?";
        if (surveys.FirstOrDefault(survey => TextOf(survey, "title_en") == Title) is { ValueKind: JsonValueKind.Object } known)
        {
            _survey = IdOf(known);
            return;
        }

        var added = await api.AddAsync("surveys", HttpMethod.Post, $"{Register}/surveys", admin, new
        {
            title_en = Title,
            title_ar = "كيف كان عملنا؟",
            questions = new object[]
            {
                new { code = "fixed", kind = "yes_no", en = "Was it fixed?", ar = "هل أُصلحت المشكلة؟", required = true },
                new { code = "work", kind = "rating", en = "How was the work?", ar = "كيف كان العمل؟" },
                new
                {
                    code = "why", kind = "choice", en = "What was wrong?", ar = "ما المشكلة؟",
                    choices = new[]
                    {
                        new { code = "too_late", en = "It took too long", ar = "استغرق وقتًا طويلًا" }, new { code = "not_clean", en = "Not cleaned up", ar = "لم يُنظّف المكان" },
                        new { code = "not_all", en = "Only a part was repaired", ar = "أُصلح جزء فقط" },
                    },
                },
                new { code = "more", kind = "text", en = "What else?", ar = "هل من شيء آخر؟" },
            },
        }, Key("survey"), ["survey_open"]);
        _survey = added.IsSuccess ? IdOf(added.Body) : null;
    }

    /// <summary>Most citizens answer what they are asked. The city asks a week after a report was resolved, unless <c>Surveys:AskAfter</c> is shorter.</summary>
    private async Task AnswerSurveyAsync()
    {
        if (_survey is not { } survey || _resolved.IsEmpty)
        {
            return;
        }

        var results = await api.GetAsync($"{Register}/surveys/{survey}/results", admin);
        if (!results.IsSuccess || results.Body.GetProperty("asked").GetInt32() == 0)
        {
            await Console.Error.WriteLineAsync("  none yet: the reporters are asked a week after. Run the demo again then; docs/demo.md says how to be asked at once.");
            return;
        }

        var (start, first) = (TimeProvider.System.GetTimestamp(), _resolved.Min(report => report.Id)); // one answers in any case
        await ForEachAsync(_resolved, async report =>
        {
            var random = new Random(report.Id.GetHashCode());
            if ((random.Next(6) == 0 && report.Id != first) || await AskedAsync(report.Id, report.Reporter, report.IsNew, start) is not { } asked || TextOf(asked, "answered_at") is not null)
            {
                return;
            }

            var isFixed = random.Next(5) > 0;
            var answers = new List<object> { new { question = "fixed", yes_no = isFixed }, new { question = "work", rating = isFixed ? random.Next(3, 6) : random.Next(1, 4) } };
            if (!isFixed)
            {
                answers.Add(new { question = "why", choice = DemoReports.Pick(random, ["too_late", "not_clean", "not_all"]) });
            }

            if (random.Next(3) == 0)
            {
                answers.Add(new { question = "more", text = DemoReports.In(DemoReports.Pick(random, isFixed ? DemoTexts.Praise : DemoTexts.Complaints), report.Reporter.IsArabic) });
            }

            await api.AddAsync("answers to the survey", HttpMethod.Post, $"{Register}/{report.Id}/survey", report.Reporter, new { answers }, Key($"survey-{report.Id}"), ["already_answered", "survey_over"]);
        });
    }

    /// <param name="isNew">It was resolved a moment ago. Others have been asked, so this reporter will be, too.</param>
    /// <param name="start">When the first wait began.</param>
    /// <returns>Null if the reporter was not asked.</returns>
    private async Task<JsonElement?> AskedAsync(Guid report, Person reporter, bool isNew, long start)
    {
        for (; ; await Task.Delay(TimeSpan.FromMilliseconds(500)))
        {
            var asked = await api.GetAsync($"{Register}/{report}/survey", reporter);
            if (asked.IsSuccess || !isNew || TimeProvider.System.GetElapsedTime(start) > LongestWaitForQuestions)
            {
                return asked.IsSuccess ? asked.Body : null;
            }
        }
    }
}

using System.Globalization;
using System.Text.Json;
using Kashif.Reporting.Questions;
using Kashif.Reporting.Reports;
using Kashif.Validation;

namespace Kashif.Reporting.Open311;

/// <summary>The questions of a category as the attributes of a service.</summary>
internal static class Attributes
{
    /// <summary>The definition of the questions that are asked now. Their order counts from 1.</summary>
    public static Items Define(IReadOnlyList<Question> questions) => new("attribute", [.. questions.Where(question => question.Active).Select(Define)]);

    /// <summary>Reads <c>attribute[code]</c> and <c>attribute[code][]</c>. What the category does not ask is ignored: clients send attributes of their own.</summary>
    /// <returns>The answers as they are stored.</returns>
    public static async Task<IReadOnlyDictionary<string, JsonElement>> ReadAsync(
        Parameters parameters, string category, QuestionCache cache, IReportAnswers answers, CancellationToken cancellationToken)
    {
        var sent = new Dictionary<string, JsonElement>();
        foreach (var question in (await cache.OfAsync(category, cancellationToken)).Where(question => question.Active))
        {
            var values = parameters.All($"attribute[{question.Code}]", $"attribute[{question.Code}][]");
            if (values.Length > 0)
            {
                sent[question.Code] = ValueOf(question, values);
            }
        }

        var errors = new FieldErrors();
        var read = await answers.CheckAsync(category, sent, errors, cancellationToken);
        foreach (var (field, messages) in errors.ToProblem()?.ProblemDetails.Errors ?? new Dictionary<string, string[]>())
        {
            var code = field[(field.IndexOf('.', StringComparison.Ordinal) + 1)..];
            parameters.Faults.AddRange(messages.Select(message => message == AnswerRules.Required ? Fault.Missing(code) : Fault.Bad($"attribute[{code}]: {message}")));
        }

        return read;
    }

    /// <summary>Answers in the order of their questions.</summary>
    public static Items Describe(IReadOnlyList<Question> questions, IReadOnlyDictionary<string, JsonElement> answers) => new("attribute",
    [
        .. from question in questions
           where answers.ContainsKey(question.Code)
           select new Fields(
               ("code", question.Code),
               ("description", question.TextEn),
               ("values", new Items("value", [.. KeysOf(answers[question.Code]).Select(key => new Fields(("key", key), ("name", NameOf(question, key))))]))),
    ]);

    private static Fields Define(Question question, int index)
    {
        var fields = new List<(string, object?)>
        {
            ("variable", true),
            ("code", question.Code),
            ("datatype", question.Type.WireName()),
            ("required", question.Required),
            ("datatype_description", question.HintEn),
            ("order", index + 1),
            ("description", question.TextEn),
        };
        if (question.Type.HasChoices())
        {
            fields.Add(("values", new Items("value", [.. question.Choices.Select(choice => new Fields(("key", choice.Key), ("name", choice.En)))])));
        }

        return new Fields(fields);
    }

    /// <summary>A form has texts only.</summary>
    private static JsonElement ValueOf(Question question, string[] values) => question.Type switch
    {
        QuestionType.Multivaluelist => JsonSerializer.SerializeToElement(values, ReportingJson.Default.StringArray),
        QuestionType.Number when double.TryParse(values[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) =>
            JsonSerializer.SerializeToElement(number, ReportingJson.Default.Double),
        _ => JsonSerializer.SerializeToElement(values[0], ReportingJson.Default.String),
    };

    private static IEnumerable<string> KeysOf(JsonElement answer) =>
        answer.ValueKind is JsonValueKind.Array ? answer.EnumerateArray().Select(key => key.ToString()) : [answer.ToString()];

    private static string NameOf(Question question, string key) => question.Choices.FirstOrDefault(choice => choice.Key == key)?.En ?? key;
}

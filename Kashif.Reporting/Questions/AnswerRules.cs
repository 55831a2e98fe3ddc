using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Validation;

namespace Kashif.Reporting.Questions;

/// <summary>Which values answer a question.</summary>
internal static partial class AnswerRules
{
    public const int StringMax = 200;
    public const int TextMax = 4000;
    public const string Required = "This field is required.";

    private const string NotText = "Must be a text.";

    private static readonly TextAttribute Line = new(0, StringMax);
    private static readonly TextAttribute Lines = new(0, TextMax);

    /// <summary>Checks a value, and brings it into the form that is stored.</summary>
    /// <returns>The value, or an error; neither if the question is not answered: null, an empty text or an empty list.</returns>
    public static (JsonElement? Value, string? Error) Read(Question question, JsonElement sent)
    {
        if (sent.ValueKind is JsonValueKind.Null || (sent.ValueKind is JsonValueKind.Array && sent.GetArrayLength() == 0))
        {
            return (null, null);
        }

        return question.Type switch
        {
            QuestionType.String => ReadText(sent, Line),
            QuestionType.Text => ReadText(sent, Lines),
            QuestionType.Number => sent.ValueKind is JsonValueKind.Number && sent.TryGetDouble(out var number) && double.IsFinite(number)
                ? (JsonSerializer.SerializeToElement(number, ReportingJson.Default.Double), null)
                : (null, "Must be a number."),
            QuestionType.Datetime => ReadTime(sent),
            QuestionType.Singlevaluelist => TextOf(sent) is { } key ? key.Length == 0 ? (null, null) : ReadChoice(question, key) : (null, NotText),
            QuestionType.Multivaluelist => ReadChoices(question, sent),
            _ => throw new InvalidOperationException($"Unknown type {question.Type}."),
        };
    }

    private static (JsonElement?, string?) ReadText(JsonElement sent, TextAttribute rule)
    {
        if (TextOf(sent) is not { } text)
        {
            return (null, NotText);
        }

        return rule.IsValid(text)
            ? (text.Length == 0 ? null : JsonSerializer.SerializeToElement(text, ReportingJson.Default.String), null)
            : (null, Localized.Format($"At most {rule.MaximumLength} characters."));
    }

    private static (JsonElement?, string?) ReadTime(JsonElement sent) => TextOf(sent) switch
    {
        "" => (null, null),
        { } text when Instant().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) =>
            (JsonSerializer.SerializeToElement(time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), ReportingJson.Default.String), null),
        _ => (null, "Must be a date and time such as 2027-03-01T09:00:00Z."),
    };

    private static (JsonElement?, string?) ReadChoice(Question question, string key) => question.Choices.Any(choice => choice.Key == key)
        ? (JsonSerializer.SerializeToElement(key, ReportingJson.Default.String), null)
        : (null, Localized.Format($"Must be one of {Keys(question)}."));

    private static (JsonElement?, string?) ReadChoices(Question question, JsonElement sent)
    {
        if (sent.ValueKind is not JsonValueKind.Array || sent.GetArrayLength() > Question.MaxChoices)
        {
            return (null, Localized.Format($"Must be a list with one or more of {Keys(question)}."));
        }

        string?[] keys = [.. sent.EnumerateArray().Select(TextOf)];
        return keys.All(key => question.Choices.Any(choice => choice.Key == key)) && keys.Distinct().Count() == keys.Length
            ? (JsonSerializer.SerializeToElement(question.Choices.Select(choice => choice.Key).Where(keys.Contains).ToArray(), ReportingJson.Default.StringArray), null)
            : (null, Localized.Format($"Must be a list with one or more of {Keys(question)}."));
    }

    private static string Keys(Question question) => string.Join(", ", question.Choices.Select(choice => choice.Key));

    /// <returns>The trimmed text; null if it is none, or has characters that cannot be stored.</returns>
    private static string? TextOf(JsonElement sent)
    {
        if (sent.ValueKind is not JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return sent.GetString() is { } text && Characters.AreText(text) ? text.Trim() : null;
        }
        catch (InvalidOperationException)
        {
            return null; // half a surrogate pair
        }
    }

    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})\z")]
    private static partial Regex Instant();
}

using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fluid.Values;
using Kashif.Localization;
using Kashif.Notifications.Inbox;

namespace Kashif.Notifications.Templates;

/// <summary>Renders and checks a text.</summary>
internal static partial class TemplateText
{
    /// <param name="channel">Of <see cref="ChannelNames"/>.</param>
    /// <param name="variables">Members that are no variables of the code are ignored.</param>
    /// <exception cref="Exception">See <see cref="Liquid.Render"/>.</exception>
    public static RenderedText Render(TemplateDefinition definition, CompiledTemplate template, string language, string channel, JsonElement variables)
    {
        var values = Values(definition, variables, language);
        var title = OneLine(Liquid.Render(template.Title, values, language));
        var body = Paragraphs(Liquid.Render(template.Body, values, language));
        var links = definition.Variables.Where(variable => variable.Type == VariableType.Link)
            .Select(variable => values.GetValueOrDefault(variable.Name)?.ToStringValue()).OfType<string>();
        return new RenderedText(title, body, channel == ChannelNames.Email ? MailLayout.Paragraphs(title, body, [.. links]) : null) { Language = language };
    }

    /// <summary>Finds errors in a text before it is saved: it must parse, and render with these values.</summary>
    /// <param name="onError">Gets the field and what is wrong.</param>
    /// <param name="values">Null for the samples.</param>
    public static void Check(TemplateDefinition definition, string title, string body, string language, Action<string, string> onError, JsonObject? values = null)
    {
        var given = JsonSerializer.SerializeToElement(values ?? definition.Samples(), NotificationsJson.Default.JsonObject);
        if (Try("title", title) is { } shown && OneLine(shown).Length == 0)
        {
            onError("title", Localized.Text("It is empty with the sample values."));
        }

        if (Try("body", body) is not { } text || !definition.IsAccountMail)
        {
            return;
        }

        var missing = definition.Variables.FirstOrDefault(variable =>
            variable.Type == VariableType.Link && !text.Contains(given.GetProperty(variable.Name).GetString() ?? "", StringComparison.Ordinal));
        if (missing is not null)
        {
            onError("body", Localized.Format($"The variable '{missing.Name}' must be in the text."));
        }

        string? Try(string field, string source)
        {
            try
            {
                return Liquid.Render(Liquid.Parse(source, definition.Names), Values(definition, given, language), language);
            }
            catch (TemplateException invalid)
            {
                onError(field, invalid.Message);
            }
            catch (Exception exception)
            {
                var reason = exception.Message.TrimEnd('.');
                onError(field, Localized.Format($"It cannot be rendered with the sample values ({reason})."));
            }

            return null;
        }
    }

    /// <summary>A title cannot start a new line, such as a header of a mail.</summary>
    internal static string OneLine(string text)
    {
        var title = Spaces.Replace(text, " ").Trim().Shorten(Notification.MaxTitleLength - 1);

        // Cut inside an isolate: close it.
        return title.Count(character => character == UserText.FirstStrongIsolate) > title.Count(character => character == UserText.PopIsolate)
            ? title + UserText.PopIsolate
            : title;
    }

    private static string Paragraphs(string text) =>
        EmptyLines.Replace(string.Concat(text.ReplaceLineEndings("\n").Where(character => character == '\n' || !char.IsControl(character))), "\n\n").Trim();

    private static Dictionary<string, FluidValue> Values(TemplateDefinition definition, JsonElement variables, string language)
    {
        var values = new Dictionary<string, FluidValue>(definition.Variables.Count);
        foreach (var variable in definition.Variables)
        {
            if (variables.ValueKind == JsonValueKind.Object && variables.TryGetProperty(variable.Name, out var json))
            {
                values[variable.Name] = Liquid.ToValue(json, variable.Type, language);
            }
        }

        return values;
    }

    [GeneratedRegex(@"[\s\p{Cc}\u2028\u2029]+")]
    private static partial Regex Spaces { get; }

    [GeneratedRegex(@"[ \t]*\n(?:[ \t]*\n)+")]
    private static partial Regex EmptyLines { get; }
}

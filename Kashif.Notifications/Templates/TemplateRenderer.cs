using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fluid.Values;
using Kashif.Localization;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Inbox;

namespace Kashif.Notifications.Templates;

/// <summary>Writes the text of a notification in the reader's language.</summary>
internal sealed partial class TemplateRenderer(ILogger<TemplateRenderer> logger)
{
    /// <summary>Never fails: a template that cannot be rendered gives way to the default in this language, then to English.</summary>
    /// <param name="channel">Of <see cref="ChannelNames"/>.</param>
    /// <param name="variables">An object with the variables of the code. Other members are ignored; missing ones are empty.</param>
    public RenderedText Render(string code, string? language, string channel, JsonElement variables)
    {
        if (TemplateCodes.All.GetValueOrDefault(code) is { } definition)
        {
            string[] languages = language == Languages.Arabic ? [Languages.Arabic, Languages.English] : [Languages.English];
            foreach (var candidate in languages)
            {
                if (DefaultTemplates.Find(code, candidate, channel) is { } template
                    && TryRender(definition, template, candidate, channel, variables) is { } text)
                {
                    return text;
                }
            }
        }

        return new RenderedText(OneLine(code), "", channel == ChannelNames.Email ? "" : null);
    }

    private RenderedText? TryRender(TemplateDefinition definition, CompiledTemplate template, string language, string channel, JsonElement variables)
    {
        try
        {
            var values = ToValues(definition, variables, language);
            var title = OneLine(Liquid.Render(template.Title, values, language));
            var body = Paragraphs(Liquid.Render(template.Body, values, language));
            return new RenderedText(title, body, channel == ChannelNames.Email ? ToHtml(body) : null) { Language = language };
        }
        catch (Exception exception)
        {
            LogFailed(exception, definition.Code, language, channel);
            return null;
        }
    }

    private static List<KeyValuePair<string, FluidValue>> ToValues(TemplateDefinition definition, JsonElement variables, string language)
    {
        var values = new List<KeyValuePair<string, FluidValue>>(definition.Variables.Count);
        foreach (var variable in definition.Variables)
        {
            if (variables.ValueKind == JsonValueKind.Object && variables.TryGetProperty(variable.Name, out var json))
            {
                values.Add(new(variable.Name, Liquid.ToValue(json, variable.Type, language)));
            }
        }

        return values;
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

    private static string ToHtml(string body) =>
        string.Join('\n', body.Split("\n\n").Select(paragraph => $"<p style=\"white-space:pre-line\">{WebUtility.HtmlEncode(paragraph)}</p>"));

    [GeneratedRegex(@"[\s\p{Cc}\u2028\u2029]+")]
    private static partial Regex Spaces { get; }

    [GeneratedRegex(@"[ \t]*\n(?:[ \t]*\n)+")]
    private static partial Regex EmptyLines { get; }

    [LoggerMessage(EventId = 6020, Level = LogLevel.Error, Message = "The template {Code} in {Language} for {Channel} cannot be rendered; the next one is used")]
    private partial void LogFailed(Exception exception, string code, string language, string channel);
}

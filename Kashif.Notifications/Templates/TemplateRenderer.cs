using System.Text.Json;

namespace Kashif.Notifications.Templates;

/// <summary>Writes the text of a notification in the reader's language.</summary>
internal sealed partial class TemplateRenderer(TemplateCatalog catalog, NotificationMetrics metrics, ILogger<TemplateRenderer> logger)
{
    /// <inheritdoc cref="TemplateCatalog.FindNewAsync"/>
    public ValueTask FindNewAsync(IEnumerable<string?> codes, CancellationToken cancellationToken) => catalog.FindNewAsync(codes, cancellationToken);

    /// <summary>Never fails: a text that cannot be rendered gives way to the default in this language, then to English.</summary>
    /// <param name="channel">Of <see cref="ChannelNames"/>.</param>
    /// <param name="variables">An object with the variables of the code. Other members are ignored; missing ones are empty.</param>
    public RenderedText Render(string code, string? language, string channel, JsonElement variables)
    {
        var texts = catalog.Current;
        if (texts.Definitions.TryGetValue(code, out var definition))
        {
            foreach (var candidate in texts.Find(code, language, channel))
            {
                try
                {
                    return TemplateText.Render(definition, candidate.Template, candidate.Language, channel, variables);
                }
                catch (Exception exception)
                {
                    metrics.NotRendered(channel);
                    LogFailed(exception, code, candidate.Language, channel);
                }
            }
        }

        return new RenderedText(TemplateText.OneLine(code), "", channel == ChannelNames.Email ? "" : null);
    }

    [LoggerMessage(EventId = 6020, Level = LogLevel.Error, Message = "The template {Code} in {Language} for {Channel} cannot be rendered; the next one is used")]
    private partial void LogFailed(Exception exception, string code, string language, string channel);
}

using System.Text.Json;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Inbox;

/// <summary>What a notification says: a template with its variables, or, from before there were templates, a text.</summary>
internal sealed record NotificationContent(string? TemplateCode, string? Variables, string? Title, string? Body)
{
    /// <param name="channel">One of <see cref="ChannelNames"/>.</param>
    public RenderedText Render(TemplateRenderer renderer, string? language, string channel)
    {
        if (TemplateCode is null)
        {
            return new RenderedText(Title ?? "", Body ?? "");
        }

        using var variables = JsonDocument.Parse(Variables ?? "{}");
        return renderer.Render(TemplateCode, language, channel, variables.RootElement);
    }
}

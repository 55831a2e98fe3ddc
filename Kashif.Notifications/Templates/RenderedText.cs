using Kashif.Localization;

namespace Kashif.Notifications.Templates;

/// <summary>The text of a notification in one language and for one channel.</summary>
/// <param name="Title">One line of at most <see cref="Inbox.Notification.MaxTitleLength"/> characters. The subject of a mail.</param>
/// <param name="Body">Plain text. A blank line separates paragraphs.</param>
/// <param name="Html">The body as HTML paragraphs, without the document around them; for mails only.</param>
internal sealed record RenderedText(string Title, string Body, string? Html = null)
{
    /// <summary>The language of the text, which is English where a translation is missing.</summary>
    public string Language { get; init; } = Languages.English;
}

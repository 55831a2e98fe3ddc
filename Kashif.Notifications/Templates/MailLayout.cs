using System.Net;
using Kashif.Localization;

namespace Kashif.Notifications.Templates;

/// <summary>The HTML of mails. Templates are plain text: what is in them, and in their variables, is encoded.</summary>
internal static class MailLayout
{
    /// <param name="title">The label of buttons.</param>
    /// <param name="links">Addresses: a paragraph that is one becomes a button with the address below it.</param>
    public static string Paragraphs(string title, string body, IReadOnlyList<string> links) => string.Join('\n', body.Split("\n\n").Select(paragraph =>
    {
        if (links.Contains(paragraph))
        {
            var link = Encode(paragraph);
            return $"""
                <p><a href="{link}" style="display:inline-block;padding:12px 20px;background:#0b6b53;color:#ffffff;border-radius:6px;text-decoration:none">{Encode(title)}</a></p>
                <p style="word-break:break-all" dir="ltr">{link}</p>
                """;
        }

        var text = links.Select(Encode).Aggregate(Encode(paragraph), (html, link) => html.Replace(link, $"<a href=\"{link}\">{link}</a>", StringComparison.Ordinal));
        return $"<p style=\"white-space:pre-line\">{text}</p>";
    }));

    /// <summary>A note below the text, such as why the mail was sent, with a link.</summary>
    public static string Note(string text, string label, string link) =>
        $"<p style=\"color:#5f6368\">{Encode(text)} <a href=\"{Encode(link)}\" style=\"color:#5f6368\">{Encode(label)}</a></p>";

    /// <summary>The document.</summary>
    /// <param name="body">HTML.</param>
    public static string Html(string? language, string title, string body)
    {
        // The direction is the template's and not "auto", which a name in Latin script at the start of an Arabic text would turn.
        var (code, direction) = language == Languages.Arabic ? (Languages.Arabic, "rtl") : (Languages.English, "ltr");
        return $"""
            <!DOCTYPE html>
            <html lang="{code}" dir="{direction}">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{Encode(title)}</title></head>
            <body style="margin:0;padding:24px;font-family:sans-serif;font-size:16px;line-height:1.6;color:#202124;max-width:560px">
            <h1 style="font-size:20px">{Encode(title)}</h1>
            {body}
            </body>
            </html>

            """;
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}

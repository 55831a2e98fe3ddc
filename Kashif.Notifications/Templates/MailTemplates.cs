using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Localization;
using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>
/// Composes mails. Account mails contain no user input, such as a name: anyone can have one sent to a stranger's address, so
/// they must not control its content.
/// </summary>
internal static class MailTemplates
{
    public static AccountMailTemplate<EmailVerificationRequested> EmailVerification { get; } = new(
        requested => requested.UserId, requested => new AccountMail(EmailVerificationRequested.Type, requested.Email, requested.Token, requested.Language));

    public static AccountMailTemplate<PasswordResetRequested> PasswordReset { get; } = new(
        requested => requested.UserId, requested => new AccountMail(PasswordResetRequested.Type, requested.Email, requested.Token, requested.Language));

    public static AccountMailTemplate<UserInvited> Invitation { get; } = new(
        invited => invited.UserId, invited => new AccountMail(UserInvited.Type, invited.Email, invited.Token, invited.Language));

    public static AccountMailTemplate<UserSecurityChanged> SecurityChanged { get; } = new(
        changed => changed.UserId, changed => new AccountMail(UserSecurityChanged.Type, changed.Email, Token: null, changed.Language, changed.Change));

    public static Mail Compose(long id, AccountMail mail, MailLinkOptions links, TemplateRenderer renderer)
    {
        var variables = mail.Token is { } token
            ? new JsonObject { ["link"] = links.To(PageOf(mail.Kind), token) }
            : new JsonObject { ["change"] = mail.Change };
        var text = renderer.Render(mail.Kind, mail.Language, ChannelNames.Email, JsonSerializer.SerializeToElement(variables, NotificationsJson.Default.JsonObject));
        return new Mail(id, mail.To, text.Title, $"{text.Body}\n", MailLayout.Html(text.Language, text.Title, text.Html ?? ""));
    }

    private static string PageOf(string kind) =>
        kind == PasswordResetRequested.Type ? "reset-password"
        : kind == UserInvited.Type ? "take-over"
        : "verify-email";

    /// <summary>A notification.</summary>
    /// <param name="language">Of a text from before there were templates.</param>
    /// <param name="unsubscribe">The link that turns these mails off.</param>
    public static Mail Compose(long id, string to, string? language, RenderedText text, string unsubscribe)
    {
        var shown = text.Html is null ? language : text.Language;
        var (note, turnOff) = shown == Languages.Arabic
            ? ("تصلك هذه الرسالة لأن الإشعارات بالبريد مفعّلة؛ يمكنك تغيير ذلك من تفضيلاتك.", "إيقاف هذه الرسائل")
            : ("You receive this mail because e-mail notifications are on. Change that in your preferences.", "Turn off these e-mails");
        return new Mail(
            id,
            to,
            text.Title,
            $"{text.Body}\n\n{note}\n{turnOff}: {unsubscribe}\n",
            MailLayout.Html(shown, text.Title, $"{text.Html ?? MailLayout.Paragraphs(text.Title, text.Body, [])}\n{MailLayout.Note(note, turnOff, unsubscribe)}"),
            unsubscribe);
    }
}

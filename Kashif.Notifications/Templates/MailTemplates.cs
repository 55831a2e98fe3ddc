using System.Net;
using Kashif.Localization;
using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>
/// The texts of mails. Account mails contain no user input, such as a name: anyone can have one sent to a stranger's address, so
/// they must not control its content.
/// </summary>
internal static class MailTemplates
{
    public static AccountMailTemplate<EmailVerificationRequested> EmailVerification { get; } = new(
        requested => requested.UserId, requested => new AccountMail(EmailVerificationRequested.Type, requested.Email, requested.Token, requested.Language));

    public static AccountMailTemplate<PasswordResetRequested> PasswordReset { get; } = new(
        requested => requested.UserId, requested => new AccountMail(PasswordResetRequested.Type, requested.Email, requested.Token, requested.Language));

    public static AccountMailTemplate<UserSecurityChanged> SecurityChanged { get; } = new(
        changed => changed.UserId, changed => new AccountMail(UserSecurityChanged.Type, changed.Email, Token: null, changed.Language, changed.Change));

    public static Mail Compose(long id, AccountMail mail, MailLinkOptions links) =>
        mail.Token is { } token ? ComposeLink(id, mail, token, links) : ComposeNotice(id, mail);

    private static Mail ComposeLink(long id, AccountMail mail, string token, MailLinkOptions links)
    {
        var reset = mail.Kind == PasswordResetRequested.Type;
        var wording = (reset, mail.Language) switch
        {
            (true, Languages.Arabic) => new LinkWording(
                "اختر كلمة مرور جديدة",
                "طُلبت كلمة مرور جديدة لحساب كاشف المسجل بهذا العنوان. إن كنت أنت من طلبها فاخترها هنا:",
                "اختيار كلمة مرور جديدة",
                "الرابط صالح لمدة ساعة واحدة ولمرة واحدة. إن لم تكن أنت من طلب ذلك فتجاهل هذه الرسالة، وتبقى كلمة مرورك كما هي."),
            (true, _) => new LinkWording(
                "Choose a new password",
                "A new password was requested for the Kashif account with this address. If you requested it, choose one here:",
                "Choose a new password",
                "The link works once, within one hour. If you did not request it, ignore this mail: your password stays the same."),
            (false, Languages.Arabic) => new LinkWording(
                "أكّد عنوان بريدك الإلكتروني",
                "أُدخل هذا العنوان عند التسجيل في كاشف أو عند تغيير بيانات حساب. إن كان حسابك فأكّد العنوان عبر هذا الرابط:",
                "تأكيد العنوان",
                "الرابط صالح لمدة 24 ساعة ولمرة واحدة، ويطلب كلمة مرور الحساب. إن لم يكن الحساب حسابك فتجاهل هذه الرسالة."),
            (false, _) => new LinkWording(
                "Confirm your e-mail address",
                "This address was given for a Kashif account. If the account is yours, confirm the address:",
                "Confirm the address",
                "The link works once, within 24 hours, and asks for the password of the account. If the account is not yours, ignore this mail."),
        };
        var link = links.To(reset ? "reset-password" : "verify-email", token);
        return new Mail(
            id,
            mail.To,
            wording.Title,
            $"{wording.Text}\n\n{link}\n\n{wording.Note}\n",
            Html(mail.Language, wording.Title, $"""
                <p>{Encode(wording.Text)}</p>
                <p><a href="{Encode(link)}" style="display:inline-block;padding:12px 20px;background:#0b6b53;color:#ffffff;border-radius:6px;text-decoration:none">{Encode(wording.Button)}</a></p>
                <p style="word-break:break-all" dir="ltr">{Encode(link)}</p>
                <p style="color:#5f6368">{Encode(wording.Note)}</p>
                """));
    }

    /// <summary>Without a link, which a mail that imitates this one would have.</summary>
    private static Mail ComposeNotice(long id, AccountMail mail)
    {
        var arabic = mail.Language == Languages.Arabic;
        var text = (mail.Change, arabic) switch
        {
            (SecurityChanges.PasswordChanged, true) => "غُيّرت كلمة مرور حسابك في كاشف.",
            (SecurityChanges.PasswordChanged, _) => "The password of your Kashif account was changed.",
            (SecurityChanges.EmailChangeRequested, true) => "طُلب تغيير عنوان البريد الإلكتروني لحسابك في كاشف. يبقى هذا العنوان إلى أن يُؤكَّد العنوان الجديد.",
            (SecurityChanges.EmailChangeRequested, _) => "A change of the e-mail address of your Kashif account was requested. This address stays until the new one is confirmed.",
            (SecurityChanges.EmailChanged, true) => "غُيّر عنوان البريد الإلكتروني لحسابك في كاشف، ولم يعد تسجيل الدخول بهذا العنوان ممكناً.",
            (SecurityChanges.EmailChanged, _) => "The e-mail address of your Kashif account was changed. You can no longer log in with this one.",
            (SecurityChanges.TotpEnabled, true) => "أُضيف تطبيق مصادقة إلى حسابك في كاشف. يُطلب رمز منه عند تسجيل الدخول من الآن.",
            (SecurityChanges.TotpEnabled, _) => "An authenticator app was added to your Kashif account. Logins ask for its code from now on.",
            (SecurityChanges.TotpDisabled, true) => "أُزيل تطبيق المصادقة من حسابك في كاشف. لا يُطلب رمز عند تسجيل الدخول بعد الآن.",
            (SecurityChanges.TotpDisabled, _) => "The authenticator app was removed from your Kashif account. Logins no longer ask for a code.",
            (SecurityChanges.ApiKeyCreated, true) => "أُنشئ مفتاح API لحسابك في كاشف.",
            (SecurityChanges.ApiKeyCreated, _) => "An API key was created for your Kashif account.",
            (_, true) => "غُيّر إعداد أمني في حسابك في كاشف.",
            _ => "A security setting of your Kashif account was changed.",
        };
        var note = (mail.Change, arabic) switch
        {
            (SecurityChanges.EmailChanged, true) => "إن لم تكن أنت من فعل ذلك فتواصل فوراً مع الجهة المشغّلة لكاشف.",
            (SecurityChanges.EmailChanged, _) => "If it was not you, contact the operator of Kashif at once.",
            (_, true) => "إن لم تكن أنت من فعل ذلك فافتح كاشف واطلب فوراً كلمة مرور جديدة: ينهي ذلك جميع الجلسات، ويلغي جميع مفاتيح API وأي تغيير للعنوان لم يُؤكَّد بعد.",
            _ => "If it was not you, open Kashif and request a new password at once: that ends all sessions, revokes all API keys and cancels a change of the address that is not confirmed yet.",
        };
        var title = arabic ? "تغيّر أمان حسابك" : "The security of your account has changed";
        return new Mail(
            id,
            mail.To,
            title,
            $"{text}\n\n{note}\n",
            Html(mail.Language, title, $"""
                <p>{Encode(text)}</p>
                <p style="color:#5f6368">{Encode(note)}</p>
                """));
    }

    /// <summary>A notification with the same text as in the feed.</summary>
    /// <param name="unsubscribe">The link that turns these mails off.</param>
    public static Mail Compose(long id, string to, string? language, RenderedText wording, string unsubscribe)
    {
        var (note, turnOff) = language == Languages.Arabic
            ? ("تصلك هذه الرسالة لأن الإشعارات بالبريد مفعّلة؛ يمكنك تغيير ذلك من تفضيلاتك.", "إيقاف هذه الرسائل")
            : ("You receive this mail because e-mail notifications are on. Change that in your preferences.", "Turn off these e-mails");
        return new Mail(
            id,
            to,
            wording.Title,
            $"{wording.Body}\n\n{note}\n{turnOff}: {unsubscribe}\n",
            Html(language, wording.Title, $"""
                <p dir="auto" style="white-space:pre-line">{Encode(wording.Body)}</p>
                <p style="color:#5f6368">{Encode(note)} <a href="{Encode(unsubscribe)}" style="color:#5f6368">{Encode(turnOff)}</a></p>
                """),
            unsubscribe);
    }

    private static string Html(string? language, string title, string body)
    {
        var (code, direction) = language == Languages.Arabic ? (Languages.Arabic, "rtl") : (Languages.English, "ltr");
        return $"""
            <!DOCTYPE html>
            <html lang="{code}" dir="{direction}">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{Encode(title)}</title></head>
            <body style="margin:0;padding:24px;font-family:sans-serif;font-size:16px;line-height:1.6;color:#202124;max-width:560px">
            <h1 style="font-size:20px" dir="auto">{Encode(title)}</h1>
            {body}
            </body>
            </html>

            """;
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private sealed record LinkWording(string Title, string Text, string Button, string Note);
}

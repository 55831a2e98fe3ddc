using System.Globalization;
using System.Net;
using System.Text.Json;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Notifications.Data;
using Kashif.Notifications.Unsubscribe;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Preferences;

/// <summary>Unsubscribes the reader of a mail, without a login: https://www.rfc-editor.org/rfc/rfc8058.</summary>
internal static class UnsubscribeEndpoints
{
    private const string Html = "text/html; charset=utf-8";
    private const int MaxToken = 300;
    private static readonly Error InvalidToken = new(StatusCodes.Status400BadRequest, "invalid_token", "This link is incomplete or invalid. Copy the whole link from the e-mail.");

    public static IEndpointRouteBuilder MapUnsubscribe(this IEndpointRouteBuilder endpoints)
    {
        var unsubscribe = endpoints.MapGroup($"{NotificationsExtensions.Root}/unsubscribe").WithTags("Notifications").AllowAnonymous().WithProblems(400, "invalid_token");
        unsubscribe.MapGet("", AskAsync).WithName("AskToUnsubscribe").WithSummary("Show the page behind the link of an e-mail")
            .WithDescription("Changes nothing, because mail scanners open links. The page has buttons that send the POST.")
            .Produces<string>(StatusCodes.Status200OK, "text/html");
        unsubscribe.MapPost("", UnsubscribeAsync).WithName("Unsubscribe").WithSummary("Turn off the e-mails of a type with the link of an e-mail")
            .WithDescription("Mail programs send it from `List-Unsubscribe` (RFC 8058), with or without a body. It can be repeated.")
            .Produces<string>(StatusCodes.Status200OK, "text/html");
        return endpoints;
    }

    /// <param name="token" example="c2lnbmVkLXRva2VuLW9mLWFuLWUtbWFpbA">The token in the link of the e-mail.</param>
    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> AskAsync(
        [FromQuery(Name = "token"), Text(1, MaxToken)] string token, UnsubscribeTokens tokens, CancellationToken cancellationToken) =>
        await tokens.ReadAsync(token, cancellationToken) is not null ? Page(token) : InvalidToken.ToProblem();

    /// <param name="token" example="c2lnbmVkLXRva2VuLW9mLWFuLWUtbWFpbA">The token in the link of the e-mail.</param>
    /// <param name="all" example="true">True: all e-mails, not only those of the type.</param>
    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> UnsubscribeAsync(
        [FromQuery(Name = "token"), Text(1, MaxToken)] string token, [FromQuery(Name = "all")] bool? all,
        UnsubscribeTokens tokens, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        if (await tokens.ReadAsync(token, cancellationToken) is not { } content)
        {
            return InvalidToken.ToProblem();
        }

        await TurnOffAsync(content.User, all is true || content.Type == NotificationTypes.Digest ? null : content.Type, database, cancellationToken);
        return Page(token: null);
    }

    /// <param name="type">Null: all, later ones too.</param>
    private static async Task TurnOffAsync(Guid user, string? type, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // Only a user who still exists: the link may be older than the end of the account.
        var defaults = new UserPreferences { UserId = user };
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO preferences (user_id, types, time_zone, digest, digest_at)
            SELECT user_id, {defaults.Types}::jsonb, {defaults.TimeZone}, {UserPreferencesConfiguration.Text(defaults.Digest)}, {defaults.DigestAt} FROM recipients WHERE user_id = {user}
            ON CONFLICT DO NOTHING
            """, cancellationToken);
        if (await database.Preferences.FromSql($"SELECT * FROM preferences WHERE user_id = {user} FOR UPDATE").AsNoTracking().ToListAsync(cancellationToken) is not [var preferences])
        {
            return;
        }

        var chosen = preferences.TypePreferences;
        IEnumerable<string> off = type is null ? [NotificationTypes.Others, NotificationTypes.Digest, .. chosen.Keys] : [type];
        foreach (var name in off.Distinct().ToList())
        {
            chosen[name] = (chosen.GetValueOrDefault(name) ?? chosen.GetValueOrDefault(NotificationTypes.Others) ?? new TypePreference(Push: true, Email: false)) with { Email = false };
        }

        var json = JsonSerializer.Serialize(chosen, NotificationsJson.Default.DictionaryStringTypePreference);
        await database.Database.ExecuteSqlAsync($"UPDATE preferences SET types = {json}::jsonb WHERE user_id = {user}", cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            DELETE FROM held_deliveries USING notifications
            WHERE id = notification_id AND held_deliveries.user_id = {user} AND channel = {ChannelNames.Email} AND ({type}::text IS NULL OR type = {type})
            """, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Without a script or a style: the policy of the gateway allows none.</summary>
    /// <param name="token">Null: it is done.</param>
    private static ContentHttpResult Page(string? token)
    {
        var arabic = CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == Languages.Arabic;
        var title = arabic ? "إيقاف رسائل البريد" : "Turn off e-mails";
        var body = (token, arabic) switch
        {
            (null, true) => "<p>تم. لن تصلك هذه الرسائل بعد الآن. يمكنك تغيير ذلك من تفضيلات الإشعارات في التطبيق.</p>",
            (null, _) => "<p>Done. You will no longer receive these e-mails. You can change that in the preferences of the app.</p>",
            (_, true) => $"{Form(token, all: false, "إيقاف الرسائل من هذا النوع")}{Form(token, all: true, "إيقاف جميع رسائل الإشعارات")}<p>تبقى الإشعارات في التطبيق.</p>",
            _ => $"{Form(token, all: false, "Turn off e-mails of this type")}{Form(token, all: true, "Turn off all notification e-mails")}<p>The notifications stay in the app.</p>",
        };
        return TypedResults.Content(
            $"""
            <!doctype html>
            <html lang="{(arabic ? "ar" : "en")}" dir="{(arabic ? "rtl" : "ltr")}">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>{title}</title></head>
            <body><main><h1>{title}</h1>{body}</main></body>
            </html>

            """,
            Html);
    }

    private static string Form(string token, bool all, string text) =>
        $"""<form method="post" action="?token={WebUtility.HtmlEncode(token)}{(all ? "&amp;all=true" : "")}"><p><button>{text}</button></p></form>""";
}

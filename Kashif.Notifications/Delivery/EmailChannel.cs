using System.Text.Json;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Templates;
using Kashif.Notifications.Unsubscribe;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Delivery;

/// <summary>Sends account mails, and notifications to users who enabled e-mail.</summary>
internal sealed class EmailChannel(IServiceScopeFactory scopes, IMailSender sender, TemplateRenderer renderer, UnsubscribeTokens unsubscribe, IOptions<MailLinkOptions> links) : IDeliveryChannel
{
    private static readonly SendOutcome RecipientRemoved = new(SendResult.Refused, "recipient_removed");

    public string Name => ChannelNames.Email;

    /// <summary>Small enough to finish within half a lease on a slow mail server.</summary>
    public int Batch => 20;

    public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<long> deliveries, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var due = await scope.ServiceProvider.GetRequiredService<NotificationsDbContext>().Database
            .SqlQuery<DueMail>($"""
                SELECT delivery.id, delivery.letter::text AS account_mail, notification.template_code,
                    notification.variables::text AS variables, notification.title, notification.body, notification.type, recipient.user_id, recipient.email, recipient.language
                FROM deliveries delivery
                LEFT JOIN notifications notification ON notification.id = delivery.notification_id
                LEFT JOIN recipients recipient ON recipient.user_id = notification.user_id AND recipient.email_enabled
                LEFT JOIN preferences ON preferences.user_id = recipient.user_id
                WHERE delivery.id = ANY({deliveries}) AND (delivery.letter IS NOT NULL OR recipient.email IS NOT NULL)
                    AND COALESCE((preferences.types -> notification.type ->> 'email')::boolean,
                        notification.type = {TemplateCodes.Digest} OR (preferences.types -> '*' ->> 'email')::boolean, TRUE)
                """)
            .ToListAsync(cancellationToken);

        await renderer.FindNewAsync(due.Select(mail => mail.TemplateCode), cancellationToken);

        // The query drops deliveries of users who are deleted, or have turned off e-mail or this type since.
        IReadOnlyList<SendOutcome> sent = due.Count > 0
            ? await sender.SendAsync(await Task.WhenAll(due.Select(row => ToMailAsync(row, cancellationToken))), cancellationToken)
            : [];
        var outcomes = due.Zip(sent).ToDictionary(entry => entry.First.Id, entry => entry.Second);
        return [.. deliveries.Select(id => outcomes.GetValueOrDefault(id, RecipientRemoved))];
    }

    private async Task<Mail> ToMailAsync(DueMail due, CancellationToken cancellationToken) =>
        due.AccountMail is not null && JsonSerializer.Deserialize(due.AccountMail, NotificationsJson.Default.AccountMail) is { } mail
            ? MailTemplates.Compose(due.Id, mail, links.Value, renderer)
            : MailTemplates.Compose(due.Id, due.Email ?? "", due.Language, due.Content.Render(renderer, due.Language, ChannelNames.Email),
                await unsubscribe.LinkAsync(due.UserId.GetValueOrDefault(), due.Type ?? "", cancellationToken));

    private sealed record DueMail(
        long Id, string? AccountMail, string? TemplateCode, string? Variables, string? Title, string? Body, string? Type, Guid? UserId, string? Email, string? Language)
    {
        public NotificationContent Content => new(TemplateCode, Variables, Title, Body);
    }
}

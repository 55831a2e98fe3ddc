using System.Text.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Tests;

public sealed class TemplateTests
{
    private static readonly Guid User = Guid.CreateVersion7();
    private readonly TemplateRenderer _renderer = DefaultTexts.Renderer();

    /// <summary>The text of each event that notifies, by wire name.</summary>
    private static Dictionary<string, Func<string?, RenderedText>> Templates { get; } = new()
    {
        [UserRegistered.Type] = language => Render(EventNotifications.UserRegistered, language, new(User, "Amal Haddad", "amal@example.org", "ar")),
        [ReportCreated.Type] = language => Render(EventNotifications.ReportCreated, language, new(User, User, "Broken lamp", "lighting", 1, 2)),
        [ReportStatusUpdated.Type] = language => Render(EventNotifications.ReportStatusUpdated, language, new(User, User, "Broken lamp", "verified", "in_progress", "On its way", Guid.CreateVersion7(), 3)),
        [ReportCommented.Type] = language => Render(EventNotifications.ReportCommented, language, new(User, User, Guid.CreateVersion7(), User, "Broken lamp", "lighting", true, true, false)),
        [ReportAssigned.Type] = language => Render(EventNotifications.ReportAssigned, language, new(User, User, "Broken lamp", "lighting", Guid.CreateVersion7(), 3)),
        [ReportOverdue.Type] = language => Render(EventNotifications.ReportOverdue, language, new(User, User, "Broken lamp", "lighting", new DateTimeOffset(2026, 12, 8, 9, 30, 0, TimeSpan.Zero))),
        [PointsAwarded.Type] = language => Render(EventNotifications.PointsAwarded, language, new(User, User, 10, 60, "report_created")),
        [PointsExpired.Type] = language => Render(EventNotifications.PointsExpired, language, new(User, User, 10, 60)),
        [PointsReversed.Type] = language => Render(EventNotifications.PointsReversed, language, new(User, User, -10, 50, "report_rejected")),
        [QuestCompleted.Type] = language => Render(EventNotifications.QuestCompleted, language, new(User, 5, "Three potholes", "ثلاث حفر", 50)),
        [SurveyRequested.Type] = language => Render(EventNotifications.SurveyRequested, language, new(User, User, User, "A deep hole", new DateTimeOffset(2026, 12, 31, 22, 0, 0, TimeSpan.Zero))),
        [AchievementUnlocked.Type] = language => Render(EventNotifications.AchievementUnlocked, language, new(User, "first_report", "First report", "أول بلاغ")),
        [OrderUpdated.Type] = language => Render(EventNotifications.OrderUpdated, language, new(User, User, "packed", "shipped", 4)),
        [OrderCancelled.Type] = language => Render(EventNotifications.OrderCancelled, language, new(User, User, "seller", 40, 4)),
        [VisitScheduled.Type] = language => Render(EventNotifications.VisitScheduled, language, new(User, User, User, User, "Broken lamp", At, At.AddHours(2), "Asia/Damascus", false, Guid.Empty, 1)),
        [VisitMoved.Type] = language => Render(EventNotifications.VisitMoved, language, new(User, User, User, User, "Broken lamp", At, At.AddHours(2), "Asia/Damascus", true, Guid.Empty, 2)),
        [VisitCompleted.Type] = language => Render(EventNotifications.VisitCompleted, language, new(User, User, User, User, "Broken lamp", At, At.AddHours(2), "Asia/Damascus", true, null, Guid.Empty, 3)),
        [VisitCancelled.Type] = language => Render(EventNotifications.VisitCancelled, language, new(User, User, User, User, "Broken lamp", At, At.AddHours(2), "Asia/Damascus", Guid.Empty, 3)),
        [CouponRedeemed.Type] = language => Render(EventNotifications.CouponRedeemed, language, new(User, User, 7, "Free coffee", "SECRET-CODE", 50)),
    };

    /// <summary>12:00 in Damascus.</summary>
    private static DateTimeOffset At { get; } = new(2026, 12, 8, 9, 0, 0, TimeSpan.Zero);

    private static string[] AccountMails { get; } = [EmailVerificationRequested.Type, PasswordResetRequested.Type, UserInvited.Type];

    /// <summary>The events that only fire alerts.</summary>
    private static string[] Alerts { get; } = [PointsRedeemed.Type, ScoreUpdated.Type, CouponUpdated.Type];

    [Fact]
    public void Every_consumed_event_has_a_template_or_another_handler() =>
        Templates.Keys.Concat(AccountMails).Concat(Alerts).Append(UserSecurityChanged.Type).Append(ReportFollowerNotice.Type).Append(AreaFollowerNotice.Type).Append(UserUpdated.Type).Append(UserDeleted.Type).Append(UserSignedOut.Type).ShouldBe(EventCatalog.Subscriptions[ResourceNames.Notifications], ignoreOrder: true);

    [Fact]
    public void Every_account_mail_has_text_html_and_link_in_both_languages()
    {
        var links = new MailLinkOptions { App = "https://kashif.example.org/app/" };
        foreach (var kind in AccountMails)
        {
            var english = MailTemplates.Compose(1, new AccountMail(kind, "amal@example.org", "to-ken_1", "en"), links, _renderer);
            var arabic = MailTemplates.Compose(1, new AccountMail(kind, "amal@example.org", "to-ken_1", "ar"), links, _renderer);
            var link = $"https://kashif.example.org/app/{(kind == PasswordResetRequested.Type ? "reset-password" : kind == UserInvited.Type ? "take-over" : "verify-email")}#token=to-ken_1";

            foreach (var mail in new[] { english, arabic })
            {
                mail.To.ShouldBe("amal@example.org");
                mail.Text.ShouldContain(link);
                mail.Html.ShouldContain($"href=\"{link}\"");
            }

            arabic.Subject.ShouldMatch(@"\p{IsArabic}");
            arabic.Html.ShouldContain("<html lang=\"ar\" dir=\"rtl\">");
            english.Subject.ShouldNotMatch(@"\p{IsArabic}");
            english.Html.ShouldContain("<html lang=\"en\" dir=\"ltr\">");
        }
    }

    [Fact]
    public void Every_security_change_has_its_own_notice_without_a_link_in_both_languages()
    {
        var links = new MailLinkOptions { App = "https://kashif.example.org/app/" };
        foreach (var language in new[] { "en", "ar" })
        {
            var texts = SecurityChanges.All.Append("a_later_one").Select(change =>
            {
                var mail = MailTemplates.Compose(1, MailTemplates.SecurityChanged.Mail(new(User, "amal@example.org", language, change)), links, _renderer);
                mail.To.ShouldBe("amal@example.org");
                mail.Text.ShouldNotContain("http");
                mail.Html.ShouldNotContain("href");
                mail.Html.ShouldContain($"<html lang=\"{language}\"");
                foreach (var text in new[] { mail.Subject, mail.Text })
                {
                    (text.Any(character => character is >= '\u0600' and <= '\u06ff')).ShouldBe(language == "ar");
                }

                return mail.Text;
            }).ToArray();
            texts.Distinct().Count().ShouldBe(SecurityChanges.All.Count + 1);
        }
    }

    [Fact]
    public void A_visit_has_the_time_of_the_city_and_none_without_an_appointment()
    {
        var visit = new VisitScheduled(User, User, User, User, "Broken lamp", At, At.AddHours(2), "Asia/Damascus", Confirmed: false, Guid.Empty, 1);
        foreach (var language in new[] { "en", "ar" })
        {
            var body = Render(EventNotifications.VisitScheduled, language, visit).Body;
            body.ShouldContain("2026-12-08");
            body.ShouldContain("12:00");
            body.ShouldContain("14:00");
        }

        EventNotifications.VisitScheduled.Drafts([new ReceivedEvent<VisitScheduled>(Guid.CreateVersion7(), At, new EventCause(null, null), visit with { UserId = Guid.Empty, ReportId = null })]).ShouldBeEmpty();
        EventNotifications.VisitMoved.Type.ShouldBe("visit.updated");
    }

    [Fact]
    public void User_input_is_encoded_in_html() =>
        MailTemplates.Compose(1, "amal@example.org", "en", new RenderedText("<b>t</b>", "<script>x</script>"), "https://kashif.test/off").Html.ShouldSatisfyAllConditions(
            html => html.ShouldNotContain("<b>"), html => html.ShouldNotContain("<script>"), html => html.ShouldContain("&lt;script&gt;"));

    [Fact]
    public void Every_event_has_both_languages_and_falls_back_to_English()
    {
        foreach (var template in Templates.Values)
        {
            var english = template("en");
            var arabic = template("ar");

            foreach (var text in new[] { english.Title, english.Body, arabic.Title, arabic.Body })
            {
                text.ShouldNotBeNullOrWhiteSpace();
                text.ShouldNotContain("{");
            }

            arabic.Title.ShouldMatch(@"\p{IsArabic}");
            arabic.Body.ShouldMatch(@"\p{IsArabic}");
            english.Title.ShouldNotMatch(@"\p{IsArabic}");
            template(null).ShouldBe(english);
            template("fr").ShouldBe(english);
        }
    }

    [Fact]
    public void A_notification_does_not_contain_the_coupon_code()
    {
        var redeemed = new CouponRedeemed(User, User, 7, "Free coffee", "SECRET-CODE", 50);

        Templates[CouponRedeemed.Type]("en").Body.ShouldNotContain("SECRET-CODE");
        Templates[CouponRedeemed.Type]("ar").Body.ShouldNotContain("SECRET-CODE");
        EventNotifications.CouponRedeemed.Data(redeemed).Values.ShouldNotContain("SECRET-CODE");
        EventNotifications.CouponRedeemed.Variables(redeemed).ToJsonString().ShouldNotContain("SECRET-CODE"); // they are stored
    }

    private static RenderedText Render<TEvent>(EventNotification<TEvent> notification, string? language, TEvent data)
        where TEvent : IIntegrationEvent
    {
        var draft = notification.Drafts([new ReceivedEvent<TEvent>(User, TimeProvider.System.GetUtcNow(), new EventCause(null, null), data)]).ShouldHaveSingleItem();
        return DefaultTexts.Renderer().Render(draft.TemplateCode, language, ChannelNames.Inbox, JsonSerializer.SerializeToElement(draft.Variables));
    }

    [Theory]
    [InlineData("https://app.kashif.test", "nonsense", "Links:Gateway")]
    [InlineData("ftp://app.kashif.test", "https://kashif.test", "Links:App")]
    [InlineData("", "https://kashif.test/?a=b", "Links:Gateway")]
    public void An_invalid_link_fails_validation_with_its_name(string app, string gateway, string name) =>
        new MailLinkOptions { App = app, Gateway = gateway }.Validate(new(new object())).First().ErrorMessage.ShouldNotBeNull().ShouldContain(name);
}

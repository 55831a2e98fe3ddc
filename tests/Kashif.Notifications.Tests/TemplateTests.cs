using Kashif.Messaging.Events;
using Kashif.Notifications.Channels;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Tests;

public sealed class TemplateTests
{
    private static readonly Guid User = Guid.CreateVersion7();

    /// <summary>Every event that the service listens to, worded in a language.</summary>
    private static Dictionary<string, Func<string?, Wording>> Templates { get; } = new()
    {
        [UserRegistered.Type] = language => EventTemplates.UserRegistered.In(language, new(User, "Amal Haddad", "amal@example.org", "ar")),
        [ReportCreated.Type] = language => EventTemplates.ReportCreated.In(language, new(User, User, "Broken lamp", "lighting", 1, 2)),
        [ReportStatusUpdated.Type] = language => EventTemplates.ReportStatusUpdated.In(language, new(User, User, "Broken lamp", "verified", "in_progress", "On its way", User, 3)),
        [PointsAwarded.Type] = language => EventTemplates.PointsAwarded.In(language, new(User, User, 10, 60, "report_created")),
        [CouponRedeemed.Type] = language => EventTemplates.CouponRedeemed.In(language, new(User, User, 7, "Free coffee", "SECRET-CODE", 50)),
    };

    private static string[] AccountMails { get; } = [EmailVerificationRequested.Type, PasswordResetRequested.Type];

    [Fact]
    public void Every_event_that_is_listened_to_has_words() =>
        Templates.Keys.Concat(AccountMails).Append(UserUpdated.Type).Append(UserDeleted.Type).ShouldBe(EventCatalog.Subscriptions[ResourceNames.Notifications], ignoreOrder: true);

    [Fact]
    public void Every_letter_has_both_languages_with_a_text_an_html_and_its_link()
    {
        var links = new MailLinkOptions { App = "https://kashif.example.org/app/" };
        foreach (var kind in AccountMails)
        {
            var english = MailTemplates.Compose(1, new AccountMail(kind, "amal@example.org", "to-ken_1", "en"), links);
            var arabic = MailTemplates.Compose(1, new AccountMail(kind, "amal@example.org", "to-ken_1", "ar"), links);
            var link = $"https://kashif.example.org/app/{(kind == PasswordResetRequested.Type ? "reset-password" : "verify-email")}#token=to-ken_1";

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
    public void What_somebody_typed_in_is_text_in_a_mail() =>
        MailTemplates.Compose(1, "amal@example.org", "en", new Wording("<b>t</b>", "<script>x</script>")).Html.ShouldSatisfyAllConditions(
            html => html.ShouldNotContain("<b>"), html => html.ShouldNotContain("<script>"), html => html.ShouldContain("&lt;script&gt;"));

    [Fact]
    public void Every_event_has_both_languages_and_English_for_the_rest()
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

    [Theory]
    [InlineData("submitted")]
    [InlineData("verified")]
    [InlineData("in_progress")]
    [InlineData("resolved")]
    [InlineData("rejected")]
    [InlineData("duplicate")]
    public void Every_status_has_an_Arabic_name(string status) =>
        EventTemplates.ReportStatusUpdated.Arabic(new(User, User, "t", "submitted", status, null, User, 2)).Body.ShouldNotContain(status);

    [Fact]
    public void A_coupons_code_stays_off_the_lock_screen()
    {
        var redeemed = new CouponRedeemed(User, User, 7, "Free coffee", "SECRET-CODE", 50);

        Templates[CouponRedeemed.Type]("en").Body.ShouldNotContain("SECRET-CODE");
        Templates[CouponRedeemed.Type]("ar").Body.ShouldNotContain("SECRET-CODE");
        EventTemplates.CouponRedeemed.Data(redeemed).Values.ShouldNotContain("SECRET-CODE");
    }
}

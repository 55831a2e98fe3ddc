using Kashif.Events;
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

    [Fact]
    public void Every_event_that_is_listened_to_has_words() =>
        Templates.Keys.ShouldBe(EventCatalog.Subscriptions[ResourceNames.Notifications], ignoreOrder: true);

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

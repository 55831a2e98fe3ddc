using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Tests;

public sealed class TemplateRendererTests
{
    private const char Isolate = UserText.FirstStrongIsolate;
    private const char EndOfIsolate = UserText.PopIsolate;
    private readonly TemplateRenderer _renderer = DefaultTexts.Renderer();

    [Fact]
    public void Every_code_has_a_text_in_both_languages()
    {
        foreach (var definition in TemplateCodes.All.Values)
        {
            var samples = JsonSerializer.SerializeToElement(definition.Variables.ToDictionary(variable => variable.Name, variable => variable.Sample));
            foreach (var channel in definition.Channels)
            {
                var english = _renderer.Render(definition.Code, "en", channel, samples);
                var arabic = _renderer.Render(definition.Code, "ar", channel, samples);

                $"{english.Title}{english.Body}".ShouldNotMatch(@"\p{IsArabic}");
                arabic.Title.ShouldMatch(@"\p{IsArabic}");
                arabic.Body.ShouldMatch(@"\p{IsArabic}");
                (english.Language, arabic.Language).ShouldBe(("en", "ar"));
                (english.Html is not null).ShouldBe(channel == ChannelNames.Email);
                _renderer.Render(definition.Code, null, channel, samples).ShouldBe(english);
                _renderer.Render(definition.Code, "fr", channel, samples).ShouldBe(english);
            }
        }
    }

    [Theory]
    [InlineData(0, "0 نقطة")]
    [InlineData(1, "نقطة واحدة")]
    [InlineData(2, "نقطتان")]
    [InlineData(3, "3 نقاط")]
    [InlineData(5, "5 نقاط")]
    [InlineData(10, "10 نقاط")]
    [InlineData(11, "11 نقطة")]
    [InlineData(99, "99 نقطة")]
    [InlineData(100, "100 نقطة")]
    [InlineData(101, "101 نقطة")]
    [InlineData(103, "103 نقاط")]
    public void An_Arabic_number_has_the_plural_of_its_category(long balance, string expected) =>
        Render(PointsAwarded.Type, "ar", new { points = 5, balance }).Body.ShouldBe($"لقد كسبت 5 نقاط. رصيدك الآن {expected}.");

    [Theory]
    [InlineData("en", 1, "1 point has expired. Your balance is 60 points.")]
    [InlineData("en", 2, "2 points have expired. Your balance is 60 points.")]
    [InlineData("ar", 1, "انتهت صلاحية نقطة واحدة من نقاطك. رصيدك الآن 60 نقطة.")]
    [InlineData("ar", 2, "انتهت صلاحية نقطتين من نقاطك. رصيدك الآن 60 نقطة.")]
    [InlineData("ar", 7, "انتهت صلاحية 7 نقاط من نقاطك. رصيدك الآن 60 نقطة.")]
    [InlineData("ar", 12, "انتهت صلاحية 12 نقطة من نقاطك. رصيدك الآن 60 نقطة.")]
    public void Expired_points_agree_with_their_number(string language, int points, string expected) =>
        Render(PointsExpired.Type, language, new { points, balance = 60 }).Body.ShouldBe(expected);

    [Theory]
    [InlineData(0, "0 points")]
    [InlineData(1, "1 point")]
    [InlineData(2, "2 points")]
    public void An_English_number_has_a_singular_and_a_plural(long balance, string expected) =>
        Render(PointsAwarded.Type, "en", new { points = 1, balance }).Body.ShouldBe($"You have earned 1 point. Your balance is {expected}.");

    [Theory]
    [InlineData(-10, "report_rejected", "Points taken back", "A report of yours was rejected. You lost 10 points. Your balance is 1 point.")]
    [InlineData(-1, "report_withdrawn", "Points taken back", "You have withdrawn a report. You lost 1 point. Your balance is 1 point.")]
    [InlineData(0, "report_rejected", "Points taken back", "A report of yours was rejected. You have spent its points, so your next points pay for them. Your balance is 1 point.")]
    [InlineData(30, "refunded", "Points given back", "A purchase was cancelled. You got 30 points back. Your balance is 1 point.")]
    [InlineData(-5, "owed", "Points taken back", "Your new points pay for points that were taken back after you had spent them. You lost 5 points. Your balance is 1 point.")]
    [InlineData(-5, "a_later_one", "Points taken back", "A booking was corrected. You lost 5 points. Your balance is 1 point.")]
    public void Reversed_points_come_with_their_reason(int points, string reason, string title, string body) =>
        Render(PointsReversed.Type, "en", new { points, balance = 1, reason }).ShouldBe(new RenderedText(title, body));

    [Theory]
    [InlineData(-2, "report_rejected", "رُفض أحد بلاغاتك. خُصمت منك نقطتان. رصيدك الآن 11 نقطة.")]
    [InlineData(3, "refunded", "أُلغيت عملية شراء. أُعيدت إليك 3 نقاط. رصيدك الآن 11 نقطة.")]
    public void Reversed_points_come_with_their_reason_in_Arabic(int points, string reason, string body) =>
        Render(PointsReversed.Type, "ar", new { points, balance = 11, reason }).Body.ShouldBe(body);

    [Theory]
    [InlineData(1.0, "one")]
    [InlineData(1.5, "other")]
    [InlineData(3.5, "other")]
    [InlineData(11.5, "other")]
    [InlineData(-3, "few")]
    public void Plural_categories_follow_CLDR(double number, string category) =>
        PluralRules.Category("ar", (decimal)number).ShouldBe(category);

    [Theory]
    [InlineData("submitted")]
    [InlineData("verified")]
    [InlineData("in_progress")]
    [InlineData("resolved")]
    [InlineData("rejected")]
    [InlineData("duplicate")]
    [InlineData("withdrawn")]
    public void Every_status_has_an_Arabic_name(string status) =>
        Render(ReportStatusUpdated.Type, "ar", new { title = "t", status, comment = (string?)null }).Body.ShouldNotContain(status);

    [Fact]
    public void A_comment_is_a_line_of_its_own()
    {
        Render(ReportStatusUpdated.Type, "en", new { title = "Lamp", status = "in_progress", comment = "On its way" }).Body.ShouldBe("“Lamp” is now in progress.\nOn its way");
        Render(ReportStatusUpdated.Type, "en", new { title = "Lamp", status = "verified", comment = " " }).Body.ShouldBe("“Lamp” is now verified.");
    }

    [Theory]
    [InlineData("ar", "مصباح", "مصباح")]
    [InlineData("ar", "Lamp 12", "\u2068Lamp 12\u2069")]
    [InlineData("ar", "مصباح 12", "\u2068مصباح 12\u2069")]
    [InlineData("en", "Lamp 12", "Lamp 12")]
    [InlineData("en", "مصباح", "\u2068مصباح\u2069")]
    public void A_text_of_the_other_direction_is_isolated(string language, string title, string expected) =>
        Render(ReportCreated.Type, language, new { title }).Body.ShouldContain(language == "ar" ? $"«{expected}»" : $"“{expected}”");

    [Theory]
    [InlineData("{{ title }}{% assign x = 1 %}")]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("[a](javascript:alert(1))")]
    public void A_variable_is_text(string title)
    {
        var text = Render(ReportCreated.Type, "en", new { title }, ChannelNames.Email);

        text.Body.ShouldContain($"“{title}”");
        text.Html.ShouldNotBeNull().ShouldNotContain("<script");
    }

    [Fact]
    public void A_variable_cannot_change_the_direction_of_the_text_or_control_a_terminal()
    {
        var body = Render(ReportCreated.Type, "en", new { title = "\u202eevil\u2069\u2066\u001b[31m\0" }).Body;

        body.ShouldBe("Thank you. We have received your report “evil[31m”.");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"title":{"a":1},"status":[[[]]],"comment":1e400}""")]
    [InlineData("""{"points":"many","balance":true}""")]
    public void Render_accepts_any_variables(string json)
    {
        foreach (var code in TemplateCodes.All.Values.Where(definition => !definition.IsAccountMail).Select(definition => definition.Code))
        {
            _renderer.Render(code, "ar", ChannelNames.Email, JsonElement.Parse(json)).Title.ShouldMatch(@"\p{IsArabic}");
            _renderer.Render(code, "en", ChannelNames.Inbox, default).Title.ShouldNotBeEmpty();
        }
    }

    [Fact]
    public void An_unknown_code_is_its_own_title() =>
        _renderer.Render("no.such\ncode", "ar", ChannelNames.Push, default).ShouldBe(new RenderedText("no.such code", ""));

    [Fact]
    public void A_long_variable_is_cut_between_characters()
    {
        var body = Render(ReportCreated.Type, "en", new { title = string.Concat(Enumerable.Repeat("\U0001F600", 5000)) }).Body;

        body.Length.ShouldBeLessThan(Liquid.MaxText + 100);
        body.ShouldContain("\U0001F600…”");
    }

    [Theory]
    [InlineData("{{ title }}")]
    [InlineData("{{ title | upcase }}")]
    public void A_title_is_one_line_of_limited_length(string source)
    {
        var values = new Dictionary<string, Fluid.Values.FluidValue>
        {
            ["title"] = Liquid.ToValue(JsonSerializer.SerializeToElement($"a\r\nb\tc {new string('x', 500)}"), VariableType.Text, "ar"),
        };

        var title = TemplateText.OneLine(Liquid.Render(Liquid.Parse(source, values.Keys), values, "ar"));

        title.ShouldStartWith($"{Isolate}a b c x", Case.Insensitive);
        title.ShouldEndWith($"…{EndOfIsolate}");
        title.Length.ShouldBe(Notification.MaxTitleLength);
    }

    [Fact]
    public void A_loop_reads_the_members_of_the_items_of_a_list()
    {
        const string Source = "{% for item in items %}{{ item.title }}: {{ item.points | plural: one: '# point', other: '# points' }}{% unless forloop.last %}, {% endunless %}{% endfor %}";
        var values = new Dictionary<string, Fluid.Values.FluidValue>
        {
            ["items"] = Liquid.ToValue(JsonElement.Parse("""[{"title":"\u202eLamp","points":1},{"title":"Hole","points":5,"more":{"too":"deep"}}]"""), VariableType.List, "en"),
        };

        Liquid.Render(Liquid.Parse(Source, values.Keys), values, "en").ShouldBe("Lamp: 1 point, Hole: 5 points");
    }

    [Theory]
    [InlineData("{{ titel }}", "Unknown variable 'titel'.")]
    [InlineData("{% if titel == 1 %}{% endif %}", "Unknown variable 'titel'.")]
    [InlineData("{% if title == titel %}{% endif %}", "Unknown variable 'titel'.")]
    [InlineData("{% unless title and titel %}{% endunless %}", "Unknown variable 'titel'.")]
    [InlineData("{% if title %}{% elsif titel %}{% endif %}", "Unknown variable 'titel'.")]
    [InlineData("{% if title %}{% else %}{{ titel }}{% endif %}", "Unknown variable 'titel'.")]
    [InlineData("{% case titel %}{% when 1 %}{% endcase %}", "Unknown variable 'titel'.")]
    [InlineData("{% case title %}{% when titel %}{% endcase %}", "Unknown variable 'titel'.")]
    [InlineData("{% for item in titel %}{% endfor %}", "Unknown variable 'titel'.")]
    [InlineData("{% for item in title limit: titel %}{% endfor %}", "Unknown variable 'titel'.")]
    [InlineData("{% assign a = titel %}", "Unknown variable 'titel'.")]
    [InlineData("{{ title | append: titel }}", "Unknown variable 'titel'.")]
    [InlineData("{{ title | plural: other: titel }}", "Unknown variable 'titel'.")]
    [InlineData("{{ a }}{% assign a = 1 %}", "Unknown variable 'a'.")]
    [InlineData("{{ title | shout }}", "Unknown filter 'shout'.")]
    [InlineData("{{ title | replace: 'a', 'b' }}", "Unknown filter 'replace'.")]
    [InlineData("{{ title | plural: one: '#' }}", "The filter 'plural' takes zero, one, two, few, many, other; 'other' is required.")]
    [InlineData("{{ title | plural: few: '#', others: '#' }}", "The filter 'plural' takes zero, one, two, few, many, other; 'other' is required.")]
    [InlineData("{% for i in (1..1000000000) %}{% endfor %}", "Ranges are not supported.")]
    public void What_a_template_may_not_contain_is_refused(string source, string error) =>
        Should.Throw<TemplateException>(() => Liquid.Parse(source, ["title"])).Message.ShouldBe(error);

    [Theory]
    [InlineData("{{ title")]
    [InlineData("a\n{% if title %}")]
    [InlineData("{{ (title) }}")]
    [InlineData("{{ title[0] }}")]
    [InlineData("{% include 'a' %}")]
    [InlineData("{% render 'a' %}")]
    [InlineData("{% capture a %}{% endcapture %}")]
    [InlineData("{% liquid\necho title %}")]
    [InlineData("{% nonsense %}")]
    public void What_does_not_parse_is_refused(string source) =>
        Should.Throw<TemplateException>(() => Liquid.Parse(source, ["title"])).Message.ShouldNotBeEmpty();

    public static TheoryData<string> Hostile => new(
        [
            Repeat("{{ long }}", 6),
            Repeat("{% for a in list %}", 3) + Repeat("{% endfor %}", 3),
            Repeat("{% for a in list %}", 8) + "x" + Repeat("{% endfor %}", 8),
            "{% assign a = 'xxxxxxxxxx' %}" + Repeat("{% assign a = a | append: a %}", 90) + "{{ a }}",
            "{% for i in list %}{% for j in list %}{{ long }}{% endfor %}{% endfor %}",
            "{{ long " + Repeat("| append: long ", 250) + "}}",
        ]);

    [Theory]
    [MemberData(nameof(Hostile))]
    public void A_template_that_exceeds_its_bounds_ends(string source)
    {
        var values = new Dictionary<string, Fluid.Values.FluidValue>
        {
            ["list"] = Liquid.ToValue(JsonSerializer.SerializeToElement(Enumerable.Range(0, 1000)), VariableType.List, "en"),
            ["long"] = Liquid.ToValue(JsonSerializer.SerializeToElement(new string('x', 3000)), VariableType.Text, "en"),
        };
        var template = Liquid.Parse(source, values.Keys);

        Should.Throw<Exception>(() => Liquid.Render(template, values, "en")).ShouldSatisfyAllConditions(
            exception => exception.ShouldNotBeOfType<OutOfMemoryException>(),
            exception => exception.Message.ShouldMatch("longer than 10000 characters|recursion"));
    }

    public static TheoryData<string> Deep => new(
        [
            Repeat("{% if title %}", 50) + Repeat("{% endif %}", 50),
            Repeat("{% if title %}", 100),
            "{{ title" + Repeat("|size", 790) + "}}",
            "{% if title" + Repeat(" or title", 430) + "%}{% endif %}",
            "{{ " + new string('(', 3900),
            "{{ title" + Repeat("[title", 600),
            "{{ title" + Repeat(".a", 1900) + " }}",
            new string('{', 4000),
        ]);

    /// <summary>The stack of a thread of the pool is 1.5 MB on some systems; an overflow would end the process.</summary>
    [Theory]
    [MemberData(nameof(Deep))]
    public void A_deep_template_does_not_overflow_the_stack(string source)
    {
        var thread = new Thread(
            () =>
            {
                try
                {
                    Liquid.Render(Liquid.Parse(source, ["title"]), [new("title", Fluid.Values.NumberValue.Create(1))], "en");
                }
                catch (Exception exception) when (exception is TemplateException or InvalidOperationException)
                {
                    // Refused: fine too.
                }
            },
            maxStackSize: 1 << 20);
        thread.Start();
        thread.Join();
    }

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    private RenderedText Render(string code, string language, object variables, string channel = ChannelNames.Inbox) =>
        _renderer.Render(code, language, channel, JsonSerializer.SerializeToElement(variables));
}

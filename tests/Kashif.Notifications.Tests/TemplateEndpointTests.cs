using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Notifications.Templates;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Notifications.Tests;

/// <summary>Administrators change texts. Tests use codes or texts of their own, because the service is shared.</summary>
public sealed class TemplateEndpointTests(SharedService shared, NotificationsServers servers) : IClassFixture<SharedService>
{
    private const string Root = "/api/v1/notifications/templates";

    private NotificationsService Service => shared.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_saved_text_is_used_for_old_notifications_until_it_is_deleted()
    {
        using var admin = Service.AsAdmin();
        var user = Guid.CreateVersion7();
        await Service.PublishAsync(new UserRegistered(user, "Lina", "lina@people.test", "ar"));
        (await Service.WaitForFeedAsync(user, 1))[0].GetProperty("body").GetString().ShouldStartWith("مرحباً \u2068Lina\u2069!");

        var saved = await SendAsync(admin, HttpMethod.Put, "user.registered/ar/inbox", new { title = "أهلاً {{ full_name }}", body = "نحن في خدمتك." });

        saved.GetProperty("version").GetInt32().ShouldBe(1);
        saved.GetProperty("is_default").GetBoolean().ShouldBeFalse();
        (await Service.FeedAsync(user))[0].GetProperty("title").GetString().ShouldBe("أهلاً \u2068Lina\u2069");

        // Its language changes, and with it the text of the old notification.
        await Service.PublishAsync(new UserUpdated(user, "Lina", "lina@people.test", "en", []));
        await Eventually.TrueAsync(async () => (await Service.FeedAsync(user))[0].GetProperty("title").GetString() == "Welcome to Kashif", "English");
        await Service.PublishAsync(new UserUpdated(user, "Lina", "lina@people.test", "ar", []));
        await Eventually.TrueAsync(async () => (await Service.FeedAsync(user))[0].GetProperty("title").GetString() == "أهلاً \u2068Lina\u2069", "Arabic");

        using var deleted = await admin.DeleteAsync($"{Root}/user.registered/ar/inbox", Cancel);
        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await Service.FeedAsync(user))[0].GetProperty("title").GetString().ShouldBe("أهلاً بك في كاشف");
        (await SendAsync(admin, HttpMethod.Get, "user.registered/ar/inbox")).ShouldSatisfyAllConditions(
            text => text.GetProperty("version").GetInt32().ShouldBe(2),
            text => text.GetProperty("is_default").GetBoolean().ShouldBeTrue(),
            text => text.GetProperty("title").GetString().ShouldBe("أهلاً بك في كاشف"));
    }

    [Fact]
    public async Task Every_version_is_kept_with_its_author()
    {
        var (first, second) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        using var one = Service.AsAdmin(first);
        using var two = Service.AsAdmin(second);
        const string Path = "report.created/en/push";

        await SendAsync(one, HttpMethod.Put, Path, new { title = "One", body = "1" });
        await SendAsync(two, HttpMethod.Put, Path, new { title = "Two", body = "2" });
        using var deleted = await one.DeleteAsync($"{Root}/{Path}", Cancel);
        using var again = await one.DeleteAsync($"{Root}/{Path}", Cancel);
        again.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        var page = await SendAsync(two, HttpMethod.Get, $"{Path}/versions?limit=2");
        var rest = await SendAsync(two, HttpMethod.Get, $"{Path}/versions?limit=2&cursor={page.GetProperty("next_cursor").GetString()}");
        rest.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        page.GetProperty("items").EnumerateArray().Concat(rest.GetProperty("items").EnumerateArray())
            .Select(version => (version.GetProperty("version").GetInt32(), version.GetProperty("title").GetString(), version.GetProperty("changed_by").GetGuid()))
            .ShouldBe([(3, null, first), (2, "Two", second), (1, "One", first)]);
    }

    [Fact]
    public async Task Concurrent_changes_get_different_versions()
    {
        using var admin = Service.AsAdmin();
        const string Path = "report.created/ar/push";

        var versions = await Task.WhenAll(Enumerable.Range(0, 8).Select(async number =>
            (await SendAsync(admin, HttpMethod.Put, Path, new { title = $"t{number}", body = "b" })).GetProperty("version").GetInt32()));

        versions.Order().ShouldBe(Enumerable.Range(1, 8));
        (await Service.QueryAsync(database => database.TemplateVersions.CountAsync(text => text.Code == "report.created" && text.Language == "ar" && text.Channel == "push", Cancel))).ShouldBe(8);
    }

    [Fact]
    public async Task A_change_of_another_version_is_refused()
    {
        using var admin = Service.AsAdmin();
        const string Path = "coupon.redeemed/en/inbox";
        using var read = await admin.GetAsync($"{Root}/{Path}", Cancel);
        read.Headers.ETag.ShouldNotBeNull().Tag.ShouldBe("\"0\"");

        (await PutAsync("\"0\"")).ShouldBe((HttpStatusCode.OK, "\"1\""));
        (await PutAsync("\"0\"")).Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await PutAsync("\"1\"")).ShouldBe((HttpStatusCode.OK, "\"2\""));

        async Task<(HttpStatusCode Status, string? Tag)> PutAsync(string condition)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, $"{Root}/{Path}") { Content = JsonContent.Create(new { title = "t", body = "b" }) };
            request.Headers.TryAddWithoutValidation("If-Match", condition);
            using var response = await admin.SendAsync(request, Cancel);
            return (response.StatusCode, response.Headers.ETag?.Tag);
        }
    }

    [Theory]
    [InlineData("title", "{{ name }}", "b", "Unknown variable 'name'.")]
    [InlineData("body", "t", "{% if points > limit %}x{% endif %}", "Unknown variable 'limit'.")]
    [InlineData("body", "t", "{{ points | shout }}", "Unknown filter 'shout'.")]
    [InlineData("body", "t", "one\ntwo {{ points", "It is no valid template at line 2, column 14: End of tag '}}' was expected.")]
    [InlineData("body", "t", "{% for i in (1..100) %}x{% endfor %}", "Ranges are not supported.")]
    [InlineData("title", "{% if points == 0 %}t{% endif %}", "b", "It is empty with the sample values.")]
    [InlineData("body", "t", "{{ points | divided_by: 0 }}", "It cannot be rendered with the sample values (")]
    public async Task An_invalid_text_is_refused_with_its_field(string field, string title, string body, string error)
    {
        using var admin = Service.AsAdmin();
        using var response = await admin.PutAsJsonAsync($"{Root}/points.awarded/en/email", new { title, body }, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var errors = (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors");
        errors.EnumerateObject().ShouldHaveSingleItem().Name.ShouldBe(field);
        errors.GetProperty(field)[0].GetString().ShouldNotBeNull().ShouldStartWith(error);
        (await SendAsync(admin, HttpMethod.Get, "points.awarded/en/email")).GetProperty("version").GetInt32().ShouldBe(0);
    }

    [Theory]
    [InlineData("no.such_code/en/inbox")]
    [InlineData("points.awarded/fr/inbox")]
    [InlineData("points.awarded/en/fax")]
    [InlineData("user.password_reset_requested/en/push")]
    public async Task An_unknown_template_is_not_found(string path)
    {
        using var admin = Service.AsAdmin();
        foreach (var (method, suffix, body) in new[] { (HttpMethod.Get, "", null), (HttpMethod.Delete, "", null), (HttpMethod.Post, "/preview", (object?)new { }) })
        {
            using var response = await admin.SendAsync(new HttpRequestMessage(method, $"{Root}/{path}{suffix}") { Content = body is null ? null : JsonContent.Create(body) }, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }
    }

    [Fact]
    public async Task A_preview_shows_samples_and_given_values_and_saves_nothing()
    {
        using var admin = Service.AsAdmin();

        var sample = await SendAsync(admin, HttpMethod.Post, "points.awarded/ar/inbox/preview", new { });
        sample.GetProperty("body").GetString().ShouldBe("لقد كسبت 10 نقاط. رصيدك الآن 60 نقطة.");
        sample.GetProperty("html").ValueKind.ShouldBe(JsonValueKind.Null);

        var mail = await SendAsync(admin, HttpMethod.Post, "report.created/ar/email/preview",
            new { title = "بلاغ {{ title }}", body = "أولاً\n\n{{ title }}", variables = new { title = "<b>Lamp</b>" } });
        mail.GetProperty("title").GetString().ShouldBe("بلاغ \u2068<b>Lamp</b>\u2069");
        mail.GetProperty("html").GetString().ShouldNotBeNull().ShouldSatisfyAllConditions(
            html => html.ShouldContain("<html lang=\"ar\" dir=\"rtl\">"),
            html => html.ShouldContain("<p style=\"white-space:pre-line\">\u2068&lt;b&gt;Lamp&lt;/b&gt;\u2069</p>"));
        (await SendAsync(admin, HttpMethod.Get, "report.created/ar/email")).GetProperty("version").GetInt32().ShouldBe(0);

        foreach (var variables in new object[] { new { titel = "x" }, new { title = 5 }, new[] { 1 }, "text" })
        {
            using var refused = await admin.PostAsJsonAsync($"{Root}/report.created/ar/email/preview", new { variables }, Cancel);
            refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").TryGetProperty("variables", out _).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task An_own_code_has_the_variables_that_it_declares()
    {
        using var admin = Service.AsAdmin();
        var catalog = Service.Services.GetRequiredService<TemplateCatalog>();
        var renderer = Service.Services.GetRequiredService<TemplateRenderer>();
        const string Code = "city.street_closed";
        object[] variables =
        [
            new { name = "street", type = "text", sample = "Baghdad Street" }, new { name = "until", type = "time" },
            new { name = "detours", type = "list", required = false, sample = "[\"North\", \"South\"]" }, new { name = "map", type = "link", required = false },
        ];

        using var undeclared = await admin.PutAsJsonAsync($"{Root}/{Code}/en/push", new { title = "t", body = "b" }, Cancel);
        undeclared.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        catalog.Find(Code).ShouldBeNull();

        await SendAsync(admin, HttpMethod.Put, $"{Code}/en/push", new
        {
            title = "{{ street }} is closed",
            body = "Until {{ until | date }}.{% for detour in detours %}\n{{ forloop.index }}. {{ detour }}{% endfor %}\n\n{{ map }}",
            variables,
        });

        catalog.Find(Code).ShouldNotBeNull().IsOwn.ShouldBeTrue();
        catalog.Find(Code).ShouldNotBeNull().Missing(JsonElement.Parse("""{"street":"A"}""")).ShouldBe(["until"]);
        catalog.Find(Code).ShouldNotBeNull().Mistyped(JsonElement.Parse("""{"street":1,"until":"x","detours":{},"map":"javascript:alert(1)"}"""))
            .Select(variable => variable.Name).ShouldBe(["street", "until", "detours", "map"]);
        var values = JsonElement.Parse("""{"street":"A","until":"2026-12-01T08:00:00+03:00","detours":["B","C"],"map":"https://maps.example/a"}""");

        (await SendAsync(admin, HttpMethod.Post, $"{Code}/en/push/preview", new { variables = new { until = "2026-12-01T08:00:00Z" } })).GetProperty("body").GetString()
            .ShouldBe("Until 1 December 2026.\n1. North\n2. South\n\nhttps://example.org/");

        // The text of another channel and language is better than none.
        var text = renderer.Render(Code, "ar", ChannelNames.Email, values);
        text.Title.ShouldBe("A is closed");
        text.Body.ShouldBe("Until 1 December 2026.\n1. B\n2. C\n\nhttps://maps.example/a");
        text.Html.ShouldNotBeNull().ShouldContain("<a href=\"https://maps.example/a\"");
        await SendAsync(admin, HttpMethod.Put, $"{Code}/ar/push", new { title = "أُغلق {{ street }}", body = "حتى {{ until | date }}." });
        renderer.Render(Code, "ar", ChannelNames.Email, values).Body.ShouldBe("حتى 1 ديسمبر 2026.");

        // Variables that its texts use cannot go.
        using var removed = await admin.PutAsJsonAsync(
            $"{Root}/{Code}/ar/push", new { title = "t", body = "b", variables = new[] { new { name = "street", type = "text" } } }, Cancel);
        removed.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await removed.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").GetProperty("variables")[0].GetString()
            .ShouldBe("The text in en for push does not fit: Unknown variable 'until'.");

        (await ListedAsync(admin, Code)).ShouldNotBeNull().GetProperty("changed").GetArrayLength().ShouldBe(2);
        foreach (var language in new[] { "en", "ar" })
        {
            using var deleted = await admin.DeleteAsync($"{Root}/{Code}/{language}/push", Cancel);
            deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        catalog.Find(Code).ShouldBeNull();
        (await ListedAsync(admin, Code)).ShouldBeNull();
        using var forgotten = await admin.PutAsJsonAsync($"{Root}/{Code}/en/push", new { title = "t", body = "b" }, Cancel);
        forgotten.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using var gone = await admin.DeleteAsync($"{Root}/{Code}/en/push", Cancel);
        gone.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("""[{"name":"Street","type":"text"}]""")]
    [InlineData("""[{"name":"for loop","type":"text"}]""")]
    [InlineData("""[{"name":"empty","type":"text"}]""")]
    [InlineData("""[{"name":"a","type":"text"},{"name":"a","type":"number"}]""")]
    [InlineData("""[{"name":"a","type":"number","sample":"many"}]""")]
    [InlineData("""[{"name":"a","type":"number","sample":"true"}]""")]
    [InlineData("""[{"name":"a","type":"list","sample":"[1"}]""")]
    [InlineData("""[{"name":"a","type":"link","sample":"javascript:alert(1)"}]""")]
    public async Task Invalid_variables_are_refused(string variables)
    {
        using var admin = Service.AsAdmin();
        using var response = await admin.PutAsJsonAsync($"{Root}/city.invalid/en/inbox", new { title = "t", body = "b", variables = JsonElement.Parse(variables) }, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").TryGetProperty("variables", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task The_variables_of_an_event_cannot_be_changed()
    {
        using var admin = Service.AsAdmin();
        using var response = await admin.PutAsJsonAsync(
            $"{Root}/points.awarded/en/inbox", new { title = "t", body = "b", variables = new[] { new { name = "points", type = "text" } } }, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        Service.Services.GetRequiredService<TemplateCatalog>().Find("points.awarded").ShouldNotBeNull().Missing(default).ShouldBe(["points", "balance"]);
    }

    [Fact]
    public async Task A_mail_about_an_account_keeps_its_link_and_cannot_be_sent_by_others()
    {
        using var admin = Service.AsAdmin();
        using var refused = await admin.PutAsJsonAsync($"{Root}/user.password_reset_requested/en/email", new { title = "t", body = "{% if link %}{% endif %}b" }, Cancel);
        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").GetProperty("body")[0].GetString().ShouldBe("The variable 'link' must be in the text.");

        Service.Services.GetRequiredService<TemplateCatalog>().Find(PasswordResetRequested.Type).ShouldBeNull();
        await SendAsync(admin, HttpMethod.Put, "user.password_reset_requested/en/email", new { title = "New password", body = "Here: {{ link }}" });
        var mail = MailTemplates.Compose(
            1, new AccountMail(PasswordResetRequested.Type, "amal@example.org", "to-ken_1", "en"), new MailLinkOptions { App = "https://app.example" },
            Service.Services.GetRequiredService<TemplateRenderer>());
        mail.Subject.ShouldBe("New password");
        mail.Text.ShouldBe("Here: https://app.example/reset-password#token=to-ken_1\n");
        mail.Html.ShouldContain("Here: <a href=\"https://app.example/reset-password#token=to-ken_1\">");
    }

    [Fact]
    public async Task Another_replica_knows_a_new_code_at_once()
    {
        await using var other = await NotificationsService.StartAsync(servers, database: Service.Database);
        var user = await Service.AddUserAsync();
        using var client = other.As(user);

        for (var time = 0; time < 3; time++)
        {
            (await other.SendAsync(user, await Service.AddTemplateAsync())).StatusCode.ShouldBe(HttpStatusCode.Accepted);
            (await Service.SendAsync(user, await Service.AddTemplateAsync())).StatusCode.ShouldBe(HttpStatusCode.Accepted);
            (await other.FeedAsync(user)).ShouldAllBe(item => item.GetProperty("title").GetString() == "\u2068Baghdad Street\u2069 is closed" || item.GetProperty("title").GetString() == "Baghdad Street is closed");
        }
    }

    [Fact]
    public async Task A_code_of_a_scheduled_message_cannot_be_deleted()
    {
        var (user, code) = (await Service.AddUserAsync(), await Service.AddTemplateAsync());
        using var admin = Service.AsAdmin();
        (await Service.SendAsync(user, code, sendAt: TimeProvider.System.GetUtcNow().AddHours(1))).EnsureSuccessStatusCode();

        using var refused = await admin.DeleteAsync($"{Root}/{code}/en/push", Cancel);
        refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe("template_in_use");
        (await SendAsync(admin, HttpMethod.Get, $"{code}/en/push")).GetProperty("version").GetInt32().ShouldBe(1);

        await Service.QueryAsync(database => database.SendRequests.Where(request => request.TemplateCode == code).ExecuteDeleteAsync(Cancel));
        using var deleted = await admin.DeleteAsync($"{Root}/{code}/en/push", Cancel);
        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task An_API_key_changes_no_text()
    {
        using var key = Service.AsApiKey("notifications:read notifications:write", Roles.Admin);
        using var put = await key.PutAsJsonAsync($"{Root}/user.password_reset_requested/en/email", new { title = "t", body = "{{ link }}" }, Cancel);
        using var deleted = await key.DeleteAsync($"{Root}/user.password_reset_requested/en/email", Cancel);
        using var read = await key.GetAsync($"{Root}/user.password_reset_requested/en/email", Cancel);

        put.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        deleted.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        read.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Another_replica_takes_a_change_over()
    {
        await using var other = await NotificationsService.StartAsync(servers, database: Service.Database);
        using var admin = Service.AsAdmin();

        await SendAsync(admin, HttpMethod.Put, "report.status_updated/en/email", new { title = "Changed {{ title }}", body = "b" });

        var renderer = other.Services.GetRequiredService<TemplateRenderer>();
        await Eventually.TrueAsync(
            () => Task.FromResult(renderer.Render("report.status_updated", "en", ChannelNames.Email, JsonElement.Parse("""{"title":"x"}""")).Title == "Changed x"), "the change");
    }

    [Fact]
    public async Task A_text_that_fails_with_some_values_gives_way_to_the_default()
    {
        using var admin = Service.AsAdmin();
        using var failures = new MeasuredCounter("notification_render_failures", ChannelNames.Push);
        await SendAsync(admin, HttpMethod.Put, "points.awarded/en/push", new { title = "{{ points | divided_by: points }}", body = "b" });
        var renderer = Service.Services.GetRequiredService<TemplateRenderer>();

        renderer.Render("points.awarded", "en", ChannelNames.Push, JsonElement.Parse("""{"points":5,"balance":5}""")).Title.ShouldBe("1");
        renderer.Render("points.awarded", "en", ChannelNames.Push, JsonElement.Parse("""{"points":0,"balance":5}""")).Title.ShouldBe("Points earned");
        failures.Sum.ShouldBe(1);
    }

    [Fact]
    public async Task Erasing_an_administrator_keeps_their_versions_without_their_id()
    {
        var admin = Guid.CreateVersion7();
        using var client = Service.AsAdmin(admin);
        await SendAsync(client, HttpMethod.Put, "coupon.redeemed/ar/inbox", new { title = "t", body = "b" });
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        using var auth = Service.AsService();
        (await auth.GetStringAsync($"/internal/v1/users/{admin}/export", Cancel)).ShouldContain("{\"code\":\"coupon.redeemed\",\"language\":\"ar\",\"channel\":\"inbox\",\"version\":1,");

        await tap.EraseAsync(admin, ResourceNames.Notifications);

        var version = (await SendAsync(client, HttpMethod.Get, "coupon.redeemed/ar/inbox/versions")).GetProperty("items")[0];
        version.GetProperty("changed_by").GetGuid().ShouldBe(ErasedUser.Id);
    }

    [Fact]
    public async Task Only_administrators_read_and_change_texts()
    {
        using var citizen = Service.As(Guid.CreateVersion7());
        using var anonymous = Service.Anonymous();
        using var refused = await citizen.PutAsJsonAsync($"{Root}/points.awarded/en/inbox", new { title = "t", body = "b" }, Cancel);
        using var unread = await anonymous.GetAsync(Root, Cancel);

        refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        unread.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static async Task<JsonElement?> ListedAsync(HttpClient admin, string code) =>
        (await admin.GetFromJsonAsync<JsonElement>(Root, Cancel)).GetProperty("items").EnumerateArray()
            .Cast<JsonElement?>().FirstOrDefault(item => item?.GetProperty("code").GetString() == code);

    private static async Task<JsonElement> SendAsync(HttpClient admin, HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, $"{Root}/{path}") { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await admin.SendAsync(request, Cancel);
        var text = await response.Content.ReadAsStringAsync(Cancel);
        response.IsSuccessStatusCode.ShouldBeTrue(text);
        return JsonElement.Parse(text);
    }
}

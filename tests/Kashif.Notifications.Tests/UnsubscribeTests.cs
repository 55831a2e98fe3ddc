using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Tests;

/// <summary>Mails are unsubscribed with one click and without a login.</summary>
public sealed class UnsubscribeTests(NotificationsServers servers) : IAsyncLifetime
{
    private const string Preferences = "/api/v1/notifications/preferences";
    private readonly SmtpSink _sink = new();
    private readonly Guid _user = Guid.CreateVersion7();
    private NotificationsService? _service;

    private NotificationsService Service => _service ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _service = await NotificationsService.StartAsync(servers, new()
    {
        ["Smtp:Host"] = "127.0.0.1",
        ["Smtp:Port"] = $"{_sink.Port}",
        ["Smtp:Security"] = "None",
        ["Smtp:From"] = "Kashif <no-reply@kashif.test>",
        ["Smtp:EnvelopeFrom"] = "bounces@kashif.test",
        ["Links:Gateway"] = "https://kashif.test/",
    });

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        await _sink.DisposeAsync();
    }

    [Fact]
    public async Task A_click_turns_off_the_mails_of_one_type()
    {
        await SetAsync("en", new { types = new Dictionary<string, object> { ["points.awarded"] = new { push = false, email = true } } });
        await Service.NotifyAsync(_user);
        var mail = await MailAsync(1);
        var link = mail.Header("List-Unsubscribe").ShouldNotBeNull().Trim('<', '>');
        link.ShouldStartWith("https://kashif.test/api/v1/notifications/unsubscribe?token=");
        mail.Header("List-Unsubscribe-Post").ShouldBe("List-Unsubscribe=One-Click");
        mail.Raw.ShouldContain($"<{link}>");
        mail.Text.ShouldNotBeNull().ShouldContain(link);
        mail.Html.ShouldNotBeNull().ShouldContain($"href=\"{link}\"");
        _sink.Commands.ShouldContain(command => command.StartsWith("MAIL FROM:<bounces@kashif.test>", StringComparison.Ordinal));
        mail.Header("From").ShouldBe("Kashif <no-reply@kashif.test>");

        using var anonymous = Service.Anonymous();
        var path = new Uri(link).PathAndQuery;
        (await anonymous.GetStringAsync(path, Cancel)).ShouldContain("<button>Turn off e-mails of this type</button>");
        (await TypeAsync("points.awarded")).ShouldBe("""{"push":false,"email":true}"""); // a scanner's GET changes nothing

        for (var click = 0; click < 2; click++)
        {
            using var form = new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")]);
            using var response = await anonymous.PostAsync(path, form, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (response.Content.Headers.ContentType?.MediaType).ShouldBe("text/html");
        }

        (await TypeAsync("points.awarded")).ShouldBe("""{"push":false,"email":false}""");
        (await TypeAsync("coupon.redeemed")).ShouldBe("""{"push":true,"email":true}""");

        using var all = await anonymous.PostAsync($"{path}&all=true", null, Cancel);
        all.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await TypeAsync("coupon.redeemed")).ShouldBe("""{"push":true,"email":false}""");
        (await TypeAsync(await Service.AddTemplateAsync())).ShouldBe("""{"push":true,"email":false}"""); // later codes too
    }

    [Fact]
    public async Task A_held_mail_is_not_sent_after_unsubscribing()
    {
        await SetAsync("ar", new { });
        await Service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), _user, 1, "Free coffee", "ABCD", 50));
        var link = new Uri((await MailAsync(1)).Header("List-Unsubscribe").ShouldNotBeNull().Trim('<', '>')).PathAndQuery;
        await SetAsync("ar", new { paused_until = TimeProvider.System.GetUtcNow().AddHours(1) });
        await Service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), _user, 2, "Free tea", "ABCE", 50));
        await Eventually.TrueAsync(() => Service.QueryAsync(database => database.HeldDeliveries.AnyAsync(held => held.Channel == "email", Cancel)), "the held mail");

        using var anonymous = Service.Anonymous();
        anonymous.DefaultRequestHeaders.AcceptLanguage.ParseAdd("ar");
        (await anonymous.GetStringAsync(link, Cancel)).ShouldContain("dir=\"rtl\"");
        using var response = await anonymous.PostAsync(link, null, Cancel);
        response.EnsureSuccessStatusCode();

        (await Service.QueryAsync(database => database.HeldDeliveries.AnyAsync(held => held.Channel == "email", Cancel))).ShouldBeFalse();
    }

    [Fact]
    public async Task A_forged_link_is_refused()
    {
        await SetAsync("en", new { });
        await Service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), _user, 1, "Free coffee", "ABCD", 50));
        var link = new Uri((await MailAsync(1)).Header("List-Unsubscribe").ShouldNotBeNull().Trim('<', '>'));
        var token = Base64Url.DecodeFromChars(link.Query.AsSpan("?token=".Length));
        Encoding.UTF8.GetString(token[32..]).ShouldBe("coupon.redeemed");
        token[^1] ^= 1;

        using var anonymous = Service.Anonymous();
        foreach (var forged in new[] { Base64Url.EncodeToString(token), "", "%00", "x", Base64Url.EncodeToString(Guid.CreateVersion7().ToByteArray()) })
        {
            using var response = await anonymous.PostAsync($"{link.AbsolutePath}?token={forged}", null, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, forged);
        }

        (await TypeAsync("coupon.redeemed")).ShouldBe("""{"push":true,"email":true}""");
    }

    [Fact]
    public async Task A_link_of_a_deleted_user_brings_nothing_back()
    {
        await SetAsync("en", new { });
        await Service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), _user, 1, "Free coffee", "ABCD", 50));
        var link = new Uri((await MailAsync(1)).Header("List-Unsubscribe").ShouldNotBeNull().Trim('<', '>')).PathAndQuery;
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        await tap.EraseAsync(_user, ResourceNames.Notifications);

        using var anonymous = Service.Anonymous();
        using var response = await anonymous.PostAsync(link, null, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await DatabaseScan.TablesWithAsync(Service.Database, _user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
    }

    private async Task SetAsync(string language, object preferences)
    {
        await Service.PublishAsync(new UserUpdated(_user, "Amal", $"{_user:N}@example.org", language, ["email"]));
        await Eventually.TrueAsync(() => Service.QueryAsync(database => database.Recipients.AnyAsync(row => row.UserId == _user && row.EmailEnabled, Cancel)), "the recipient");
        using var client = Service.As(_user);
        using var response = await client.PutAsJsonAsync(Preferences, preferences, Cancel);
        response.EnsureSuccessStatusCode();
    }

    private async Task<ReceivedMail> MailAsync(int count)
    {
        await Eventually.TrueAsync(() => _sink.To($"{_user:N}@example.org").Count >= count, "the mail");
        return _sink.To($"{_user:N}@example.org")[count - 1];
    }

    private async Task<string> TypeAsync(string type)
    {
        using var client = Service.As(_user);
        return (await client.GetFromJsonAsync<JsonElement>(Preferences, Cancel)).GetProperty("types").GetProperty(type).GetRawText();
    }
}

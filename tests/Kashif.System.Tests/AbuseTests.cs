using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>Attackers against the whole system. A bystander uses it meanwhile and notices nothing.</summary>
public sealed class AbuseTests(KashifSystem system)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_mail_bomber_sends_three_mails_of_a_kind_and_others_get_theirs()
    {
        var target = NewEmail();
        var attackers = await system.RegisterAsync(3);
        var statuses = await WhileServedAsync(() => Task.WhenAll(
            from attacker in attackers
            from _ in Enumerable.Range(0, 5) // each waits for a password hash
            select StatusAsync(attacker.Client.PatchAsJsonAsync("/api/v1/auth/me", new { email = target, current_password = KashifSystem.Password }, Cancel))));
        statuses.Count(status => status is HttpStatusCode.OK).ShouldBeInRange(1, 3);
        statuses.ShouldAllBe(status => status == HttpStatusCode.OK || status == HttpStatusCode.TooManyRequests);

        var victim = await EmailOfAsync(await system.RegisterAsync());
        var bystander = await EmailOfAsync(await system.RegisterAsync());
        using var anonymous = system.Anonymous();
        await WhileServedAsync(() => Task.WhenAll(Enumerable.Range(0, 30).Select(_ => ForgetAsync(victim))));
        await ForgetAsync(bystander);

        await Eventually.TrueAsync(() => Mails(bystander) == 2, "the bystander's mails"); // verification and reset
        await system.InvariantsHoldAsync(); // all events are published
        (await LinksAsync(target)).ShouldBeInRange(1, 3);
        (await LinksAsync(victim)).ShouldBeInRange(2, 4); // one to verify, three to reset
        Mails(target).ShouldBeLessThanOrEqualTo(3);

        Task<long> LinksAsync(string email) => system.CountAsync(ResourceNames.AuthDb, "SELECT count(*) FROM email_tokens WHERE email = $1", email);

        async Task<HttpStatusCode> ForgetAsync(string email) =>
            await StatusAsync(anonymous.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }, Cancel));
    }

    [Fact]
    public async Task An_account_locker_does_not_lock_out_the_owner()
    {
        var owner = await system.RegisterAsync();
        var email = await EmailOfAsync(owner);
        var device = (await SignInAsync(email, KashifSystem.Password)).Body.GetProperty("device_token").GetString() ?? "";

        await WhileServedAsync(() => Task.WhenAll(Enumerable.Range(0, 40).Select(_ => SignInAsync(email, "not the password"))));
        (await SignInAsync(email, KashifSystem.Password)).Status.ShouldBeOneOf(HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests);

        (await SignInAsync(email, KashifSystem.Password, device)).Status.ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(owner.Client.PutAsJsonAsync(
            "/api/v1/auth/me/password", new { current_password = KashifSystem.Password, new_password = "one more perfectly good one" }, Cancel))).ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task A_device_hoarder_keeps_the_latest_twenty_devices()
    {
        var hoarder = await system.RegisterAsync();
        var statuses = await WhileServedAsync(() => Task.WhenAll(Enumerable.Range(0, 60).Select(index => StatusAsync(hoarder.Client.PostAsJsonAsync(
            "/api/v1/notifications/register-device", new { token = $"hoard-{hoarder.Id:N}-{index}", device_type = "android" }, Cancel)))));

        statuses.ShouldAllBe(status => (int)status < 300);
        (await StatusAsync(hoarder.Client.PostAsJsonAsync(
            "/api/v1/notifications/register-device", new { token = $"last-{hoarder.Id:N}", device_type = "android" }, Cancel))).ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.Created, HttpStatusCode.NoContent);
        (await system.CountAsync(ResourceNames.NotificationsDb, "SELECT count(*) FROM devices WHERE token = $1", $"last-{hoarder.Id:N}")).ShouldBe(1);
        (await system.CountAsync(ResourceNames.NotificationsDb, "SELECT count(*) FROM devices WHERE user_id = $1", hoarder.Id)).ShouldBe(20);
    }

    [Fact]
    public async Task A_stock_blocker_without_points_takes_no_coupon_from_a_buyer()
    {
        var blockers = await system.RegisterAsync(8);
        var buyers = await system.RegisterAsync(2);
        foreach (var buyer in buyers)
        {
            await buyer.ReportAsync();
            await buyer.WaitForPointsAsync(10);
        }

        var coupon = await system.CreateCouponAsync(stock: 2, pointsCost: 10);
        var blocked = WhileServedAsync(() => Task.WhenAll(
            from blocker in blockers
            from _ in Enumerable.Range(0, 4)
            select blocker.RedeemAsync(coupon)));
        foreach (var buyer in buyers)
        {
            await buyer.RedeemAndWaitAsync(coupon);
        }

        (await blocked).ShouldAllBe(answer => answer.Status == 422);
        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task A_cursor_forger_gets_a_page_or_a_400()
    {
        const string Nearest = "/api/v1/reports?latitude=33.51&longitude=36.29&radius_km=5&sort=nearest&limit=1";
        var reporter = await system.RegisterAsync();
        await reporter.ReportAsync();
        await reporter.ReportAsync("A dark street light");
        using var anonymous = system.Anonymous();
        var page = await anonymous.GetFromJsonAsync<JsonElement>(Nearest, Cancel);
        var real = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(page.GetProperty("next_cursor").GetString()));
        var id = real.Split('|')[^1];
        string[] forged =
        [
            .. new[] { "NaN", "-NaN", "Infinity", "-Infinity", "-1", "-0", "1e308", "2.1", "1.9", "0.5", "", " ", "0x1", "1,5", "\0" }.Select(chord => $"{chord}|{id}"),
            $"0|{Guid.Empty}", $"0|{Guid.AllBitsSet}", id, "|", "||", $"{real}|{real}", real[..^1], $"{real}'; DROP TABLE reports; --", new string('9', 140),
        ];

        var statuses = await WhileServedAsync(() => Task.WhenAll(
            from cursor in forged
            from list in new[] { Nearest, "/api/v1/reports?limit=1", "/api/v1/gamification/leaderboard?limit=1", "/api/v1/coupons?limit=1" }
            select StatusAsync(anonymous.GetAsync($"{list}&cursor={Base64Url.EncodeToString(Encoding.UTF8.GetBytes(cursor))}", Cancel))));

        statuses.ShouldAllBe(status => status == HttpStatusCode.OK || status == HttpStatusCode.BadRequest);
        statuses.ShouldContain(HttpStatusCode.BadRequest);
        (await StatusAsync(anonymous.GetAsync($"{Nearest}&cursor={page.GetProperty("next_cursor").GetString()}", Cancel))).ShouldBe(HttpStatusCode.OK);
    }

    /// <summary>Runs the attack. A bystander reads and writes until it ends, at least once, and each call must succeed.</summary>
    private async Task<T> WhileServedAsync<T>(Func<Task<T>> attack)
    {
        var bystander = await system.RegisterAsync();
        using var anonymous = system.Anonymous();
        var running = attack();
        do
        {
            (await StatusAsync(anonymous.GetAsync("/api/v1/reports?limit=5", Cancel))).ShouldBe(HttpStatusCode.OK);
            (await StatusAsync(bystander.Client.GetAsync("/api/v1/notifications", Cancel))).ShouldBe(HttpStatusCode.OK);
            (await StatusAsync(bystander.Client.PutAsJsonAsync(
                "/api/v1/auth/me/preferences", new { language = "ar", theme = "dark", channels = new { push = true, email = true } }, Cancel))).ShouldBe(HttpStatusCode.OK);
        }
        while (!running.IsCompleted);
        return await running;
    }

    private static async Task<HttpStatusCode> StatusAsync(Task<HttpResponseMessage> sent)
    {
        using var response = await sent;
        return response.StatusCode;
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> SignInAsync(string email, string password, string device = "")
    {
        using var anonymous = system.Anonymous();
        using var form = new FormUrlEncodedContent([new("username", email), new("password", password), new("device_token", device)]);
        using var response = await anonymous.PostAsync("/api/v1/auth/token", form, Cancel);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    private static async Task<string> EmailOfAsync(User user) =>
        (await user.Client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me", Cancel)).GetProperty("email").GetString().ShouldNotBeNull();

    private static string NewEmail() => $"target-{Guid.CreateVersion7():N}@kashif.test";

    private int Mails(string email) => system.Mail.GetFiles("*.eml")
        .Count(file => File.ReadAllText(file.FullName).Contains($"To: {email}", StringComparison.Ordinal));
}

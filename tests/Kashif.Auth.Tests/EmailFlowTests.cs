using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kashif.Auth.EmailLinks;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>E-mailed links: single use, short-lived, bound to an address, and silent about which accounts exist.</summary>
public sealed class EmailFlowTests(AuthServers servers)
{
    private const string Verification = "user.email_verification_requested";
    private const string Reset = "user.password_reset_requested";
    private const string NewPassword = "amber heron 12";

    private readonly HttpClient _client = servers.Auth.Anonymous();

    [Fact]
    public async Task Registration_sends_a_link_that_verifies_the_address_once()
    {
        _client.DefaultRequestHeaders.Add("Accept-Language", "ar");
        var (email, user) = await _client.RegisterAsync();
        var asked = await DataAsync(Verification, email);
        asked.GetProperty("user_id").GetGuid().ShouldBe(user.GetProperty("id").GetGuid());
        asked.GetProperty("language").GetString().ShouldBe("ar");
        var token = asked.GetProperty("token").GetString() ?? "";
        token.Length.ShouldBe(43); // 256 bits
        (await CountAsync(
            "SELECT count(*) FROM email_tokens WHERE hash = $1 AND expires_at - created_at = interval '24 hours'",
            SHA256.HashData(Encoding.UTF8.GetBytes(token)))).ShouldBe(1);

        (await VerifyAsync(token)).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await CountAsync("SELECT count(*) FROM users WHERE email = $1 AND email_confirmed", email)).ShouldBe(1);
        (await AuditedAsync(user, "email_verified")).ShouldBe(1);
        var updated = await servers.Events.WaitForAsync("user.updated", data => data.GetProperty("email").GetString() == email);
        updated.GetProperty("data").GetProperty("channels").EnumerateArray().Select(channel => channel.GetString()).ShouldBe(["push", "email"]);
        await (await VerifyAsync(token)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
    }

    [Fact]
    public async Task A_link_does_not_verify_the_account_of_a_stranger()
    {
        var (email, _) = await _client.RegisterAsync();
        var token = (await DataAsync(Verification, email)).GetProperty("token").GetString() ?? "";
        var (another, _) = await _client.RegisterAsync();
        using var owner = servers.Auth.With((await _client.LoginAsync(another)).Access);

        await (await VerifyAsync(token, password: null)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "password_required");
        await (await VerifyAsync(token, owner, password: null)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "password_required");
        await (await VerifyAsync(token, password: "not this one")).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");

        (await CountAsync("SELECT count(*) FROM users WHERE email = $1 AND email_confirmed", email)).ShouldBe(0);
        (await VerifyAsync(token)).StatusCode.ShouldBe(HttpStatusCode.NoContent); // the link is not used up
    }

    [Fact]
    public async Task A_session_of_the_account_verifies_its_address_without_the_password()
    {
        var (email, _) = await _client.RegisterAsync();
        var token = (await DataAsync(Verification, email)).GetProperty("token").GetString() ?? "";
        using var person = servers.Auth.With((await _client.LoginAsync(email)).Access);

        (await VerifyAsync(token, person, password: null)).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await CountAsync("SELECT count(*) FROM users WHERE email = $1 AND email_confirmed", email)).ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Wrong_passwords_with_a_link_lock_the_account(bool inSessionOfAnother)
    {
        var (email, user) = await _client.RegisterAsync();
        var token = (await DataAsync(Verification, email)).GetProperty("token").GetString() ?? "";
        var (another, _) = await _client.RegisterAsync();
        using var caller = inSessionOfAnother ? servers.Auth.With((await _client.LoginAsync(another)).Access) : servers.Auth.Anonymous();
        for (var guess = 0; guess < 5; guess++)
        {
            await (await VerifyAsync(token, caller, "not this one")).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        }

        await (await VerifyAsync(token, caller)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        (await AuditedAsync(user, "locked_out")).ShouldBe(1);
    }

    [Fact]
    public async Task Published_links_leave_no_token_in_the_database()
    {
        var (email, _) = await _client.RegisterAsync();
        var token = (await DataAsync(Verification, email)).GetProperty("token").GetString() ?? "";

        await Eventually.TrueAsync(
            async () => await CountAsync("SELECT count(*) FROM outbox WHERE payload::text LIKE '%' || $1 || '%'", token) == 0, "an empty outbox");
    }

    [Fact]
    public async Task Link_is_bound_to_its_address_and_purpose()
    {
        var (email, user) = await _client.RegisterAsync();
        var token = (await DataAsync(Verification, email)).GetProperty("token").GetString() ?? "";
        await (await ResetAsync(token)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");

        await ExecuteAsync("UPDATE users SET email = $1 WHERE email = $2", Journey.NewEmail(), email);

        await (await VerifyAsync(token)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        (await CountAsync("SELECT count(*) FROM users WHERE id = $1 AND email_confirmed", user.GetProperty("id").GetGuid())).ShouldBe(0);
    }

    [Fact]
    public async Task Resend_is_limited_per_hour_and_skips_verified_addresses()
    {
        var (email, _) = await _client.RegisterAsync();
        using var person = servers.Auth.With((await _client.LoginAsync(email)).Access);

        // In parallel: a count without a lock would let all through.
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ResendAsync(person)));

        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.Accepted);
        (await CountAsync("SELECT count(*) FROM email_tokens WHERE email = $1", email)).ShouldBe(EmailTokens.MaxPerHour);

        var (verified, _) = await _client.RegisterAsync();
        (await VerifyAsync((await DataAsync(Verification, verified)).GetProperty("token").GetString() ?? "")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var other = servers.Auth.With((await _client.LoginAsync(verified)).Access);
        using var answer = await ResendAsync(other);
        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe(await answers[0].Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        (await CountAsync("SELECT count(*) FROM email_tokens WHERE email = $1", verified)).ShouldBe(1);

        using var anonymous = await ResendAsync(_client);
        await anonymous.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Resend_goes_to_the_pending_address()
    {
        var (email, user) = await _client.RegisterAsync();
        using var person = servers.Auth.With((await _client.LoginAsync(email)).Access);
        var wanted = Journey.NewEmail();
        using var asked = await person.PatchAsJsonAsync(
            "/api/v1/auth/me", new { email = wanted, current_password = AuthServers.GoodPassword }, TestContext.Current.CancellationToken);
        asked.StatusCode.ShouldBe(HttpStatusCode.OK);

        using var answer = await ResendAsync(person);

        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await CountAsync("SELECT count(*) FROM email_tokens WHERE email = $1", wanted)).ShouldBe(2);
        (await CountAsync("SELECT count(*) FROM email_tokens WHERE email = $1", email)).ShouldBe(1);
        (await AuditedAsync(user, "email_change_requested")).ShouldBe(1);
    }

    [Fact]
    public async Task Forgot_password_answers_alike_and_mails_only_existing_accounts()
    {
        var (email, user) = await _client.RegisterAsync();
        var (disabled, _) = await _client.RegisterAsync();
        await ExecuteAsync("UPDATE users SET disabled_at = now() WHERE email = $1", disabled);
        var unknown = Journey.NewEmail();
        using var device = servers.Auth.Anonymous();
        device.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.77");

        var answers = new List<string>();
        foreach (var address in new[] { unknown, disabled, $" {email.ToUpperInvariant()} " })
        {
            using var response = await ForgotAsync(device, address);
            answers.Add($"{response.StatusCode} {response.Headers.Location} {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }

        answers.ShouldAllBe(answer => answer == answers[0]);
        answers[0].ShouldStartWith("Accepted");

        // The queue is in order: once the last e-mail is sent, the other requests have been handled too.
        var asked = await DataAsync(Reset, email);
        asked.GetProperty("user_id").GetGuid().ShouldBe(user.GetProperty("id").GetGuid());
        servers.Events.Envelopes(Reset).Select(envelope => envelope.GetProperty("data").GetProperty("email").GetString())
            .ShouldNotContain(address => address == unknown || address == disabled);
        (await CountAsync("SELECT count(*) FROM audit_log WHERE action = 'password_reset_requested' AND ip_address = '203.0.113.77' AND user_id = $1", user.GetProperty("id").GetGuid())).ShouldBe(1);

        using var nonsense = await ForgotAsync(_client, "nobody");
        await nonsense.ShouldNameFieldsAsync("email");
    }

    [Fact]
    public async Task Forgot_password_is_limited_per_hour()
    {
        var (email, _) = await _client.RegisterAsync();
        var (last, _) = await _client.RegisterAsync();
        for (var ask = 0; ask < EmailTokens.MaxPerHour + 2; ask++)
        {
            (await ForgotAsync(_client, email)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        }

        await ForgotAsync(_client, last);

        await DataAsync(Reset, last);
        (await CountAsync("SELECT count(*) FROM email_tokens WHERE email = $1 AND purpose = 'ResetPassword'", email)).ShouldBe(EmailTokens.MaxPerHour);
    }

    [Fact]
    public async Task Reset_replaces_the_password_and_ends_all_sessions()
    {
        var (email, user) = await _client.RegisterAsync();
        var session = await _client.LoginAsync(email);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ => (await _client.TryLoginAsync(email, "not this one")).Dispose()));
        var (first, second) = (await ForgetAsync(email, 1), await ForgetAsync(email, 2));

        (await ResetAsync(second)).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await _client.LoginAsync(email, NewPassword)).Access.ShouldNotBeEmpty(); // no longer locked out
        (await _client.TryLoginAsync(email)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await _client.TryRefreshAsync(session.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var signedOut = await servers.Events.WaitForAsync("user.signed_out", data => data.GetProperty("user_id").GetGuid() == user.GetProperty("id").GetGuid());
        signedOut.GetProperty("data").GetProperty("session_ids").EnumerateArray().ShouldHaveSingleItem().GetGuid().ShouldBe(Journey.SessionOf(session));
        signedOut.GetProperty("data").GetProperty("everywhere").GetBoolean().ShouldBeTrue();
        (await AuditedAsync(user, "password_reset")).ShouldBe(1);
        foreach (var used in new[] { first, second, "unknown" })
        {
            await (await ResetAsync(used)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        }
    }

    [Fact]
    public async Task Reset_cancels_a_pending_address()
    {
        var (email, _) = await _client.RegisterAsync();
        using var thief = servers.Auth.With((await _client.LoginAsync(email)).Access);
        var wanted = Journey.NewEmail();
        using var asked = await thief.PatchAsJsonAsync(
            "/api/v1/auth/me", new { email = wanted, current_password = AuthServers.GoodPassword }, TestContext.Current.CancellationToken);
        var link = (await DataAsync(Verification, wanted)).GetProperty("token").GetString() ?? "";

        (await ResetAsync(await ForgetAsync(email))).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        await (await VerifyAsync(link, password: NewPassword)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        (await CountAsync("SELECT count(*) FROM users WHERE email = $1 AND pending_email IS NULL", email)).ShouldBe(1);
    }

    [Fact]
    public async Task Reset_of_an_unverified_account_starts_it_anew()
    {
        var (email, user) = await _client.RegisterAsync();
        var id = user.GetProperty("id").GetGuid();
        using var squatter = servers.Auth.With((await _client.LoginAsync(email)).Access);
        await ExecuteAsync("UPDATE users SET email_confirmed = true WHERE email = $1", email); // a second factor needed no verified address before
        using var begun = await squatter.PostAsJsonAsync("/api/v1/auth/mfa/totp", new { password = AuthServers.GoodPassword }, TestContext.Current.CancellationToken);
        var secret = (await begun.JsonAsync()).GetProperty("secret").GetString() ?? "";
        var code = new OtpNet.Totp(OtpNet.Base32Encoding.ToBytes(secret)).ComputeTotp(TimeProvider.System.GetUtcNow().UtcDateTime);
        using var confirmed = await squatter.PostAsJsonAsync("/api/v1/auth/mfa/totp/confirm", new { code }, TestContext.Current.CancellationToken);
        confirmed.StatusCode.ShouldBe(HttpStatusCode.OK);
        await ExecuteAsync("UPDATE users SET email_confirmed = false WHERE email = $1", email);

        (await ResetAsync(await ForgetAsync(email))).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        using var owner = servers.Auth.With((await _client.LoginAsync(email, NewPassword)).Access); // without a code
        using var me = await owner.MeAsync();
        (await me.JsonAsync()).GetProperty("email_verified").GetBoolean().ShouldBeTrue();
        (await CountAsync("SELECT count(*) FROM totp_credentials WHERE user_id = $1", id)).ShouldBe(0);
        (await CountAsync("SELECT count(*) FROM recovery_codes WHERE user_id = $1", id)).ShouldBe(0);
        (await AuditedAsync(user, "totp_disabled")).ShouldBe(1);
        (await AuditedAsync(user, "email_verified")).ShouldBe(1);
        (await owner.AuditAsync("password_reset")).ShouldHaveSingleItem().GetProperty("details").GetProperty("started_anew").GetString().ShouldBe("true");
        var updated = await servers.Events.WaitForAsync("user.updated", data => data.GetProperty("user_id").GetGuid() == id);
        updated.GetProperty("data").GetProperty("channels").EnumerateArray().Select(channel => channel.GetString()).ShouldContain("email");
    }

    [Fact]
    public async Task Parallel_resets_with_one_link_succeed_once()
    {
        var (email, user) = await _client.RegisterAsync();
        var token = await ForgetAsync(email);
        var passwords = Enumerable.Range(0, 20).Select(number => $"amber heron {number:00}").ToArray();

        var answers = await Task.WhenAll(passwords.Select(password => ResetAsync(token, password)));

        answers.Count(answer => answer.StatusCode == HttpStatusCode.UnprocessableEntity).ShouldBe(19);
        var winner = passwords[Array.FindIndex(answers, answer => answer.StatusCode == HttpStatusCode.NoContent)];
        (await _client.LoginAsync(email, winner)).Access.ShouldNotBeEmpty();
        (await AuditedAsync(user, "password_reset")).ShouldBe(1);
    }

    [Fact]
    public async Task Reset_with_a_weak_password_keeps_the_link_valid()
    {
        var (email, _) = await _client.RegisterAsync();
        var token = await ForgetAsync(email);
        foreach (var bad in new[] { "short", "password123", new string('x', 300) })
        {
            using var refused = await ResetAsync(token, bad);
            await refused.ShouldNameFieldsAsync("new_password");
        }

        (await ResetAsync(token)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Reset_of_a_disabled_account_is_refused()
    {
        var (email, _) = await _client.RegisterAsync();
        var token = await ForgetAsync(email);
        await ExecuteAsync("UPDATE users SET disabled_at = now() WHERE email = $1", email);

        await (await ResetAsync(token)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
    }

    [Fact]
    public async Task Expired_links_are_refused_and_deleted()
    {
        var time = new MovableTime();
        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<TimeProvider>(time));
        using var client = auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        var verification = (await DataAsync(Verification, email)).GetProperty("token").GetString() ?? "";
        (await ForgotAsync(client, email)).Dispose();
        var reset = (await DataAsync(Reset, email)).GetProperty("token").GetString() ?? "";

        time.Advance(EmailTokens.ResetLifetime);
        await (await ResetAsync(reset, client: client)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        time.Advance(EmailTokens.VerificationLifetime);
        await (await VerifyAsync(verification, client)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");

        await auth.Services.GetServices<IHostedService>().OfType<EmailTokenCleanup>().Single().RunOnceAsync(TestContext.Current.CancellationToken);
        await using var database = NpgsqlDataSource.Create(auth.Database);
        (await database.CreateCommand("SELECT count(*) FROM email_tokens").ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(0L);
    }

    [Theory]
    [InlineData("email/verify", "token")]
    [InlineData("password/reset", "token", "new_password")]
    [InlineData("password/forgot", "email")]
    public async Task Missing_fields_return_400_naming_them(string path, params string[] fields)
    {
        using var response = await _client.PostAsJsonAsync($"/api/v1/auth/{path}", new { }, TestContext.Current.CancellationToken);
        await response.ShouldNameFieldsAsync(fields);
    }

    private static Task<HttpResponseMessage> ForgotAsync(HttpClient client, string email) => client.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email });

    private static Task<HttpResponseMessage> ResendAsync(HttpClient client) => client.PostAsync("/api/v1/auth/email/verify/resend", null);

    private Task<HttpResponseMessage> VerifyAsync(string token, HttpClient? client = null, string? password = AuthServers.GoodPassword) =>
        (client ?? _client).PostAsJsonAsync("/api/v1/auth/email/verify", new { token, password });

    private Task<HttpResponseMessage> ResetAsync(string token, string password = NewPassword, HttpClient? client = null) =>
        (client ?? _client).PostAsJsonAsync("/api/v1/auth/password/reset", new { token, new_password = password });

    /// <returns>The token of the user's nth link.</returns>
    private async Task<string> ForgetAsync(string email, int nth = 1)
    {
        (await ForgotAsync(_client, email)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        string[] tokens = [];
        await Eventually.TrueAsync(
            () => (tokens = [.. servers.Events.Envelopes(Reset).Select(envelope => envelope.GetProperty("data"))
                .Where(data => data.GetProperty("email").GetString() == email).Select(data => data.GetProperty("token").GetString() ?? "")]).Length == nth,
            "the link");
        return tokens[^1];
    }

    private async Task<JsonElement> DataAsync(string type, string email) =>
        (await servers.Events.WaitForAsync(type, data => data.GetProperty("email").GetString() == email)).GetProperty("data");

    private Task<long> AuditedAsync(JsonElement user, string action) =>
        CountAsync("SELECT count(*) FROM audit_log WHERE user_id = $1 AND action = $2 AND ip_address IS NOT NULL", user.GetProperty("id").GetGuid(), action);

    private async Task<long> CountAsync(string sql, params object[] arguments) => (long)(await RunAsync(sql, arguments) ?? 0L);

    private Task ExecuteAsync(string sql, params object[] arguments) => RunAsync(sql, arguments);

    private async Task<object?> RunAsync(string sql, object[] arguments)
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kashif.Auth.SignIn;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>Two-factor login with an authenticator app and recovery codes.</summary>
public sealed class TotpTests(AuthServers servers)
{
    private const string Base = "/api/v1/auth/mfa";

    private readonly HttpClient _client = servers.Auth.Anonymous();

    /// <summary>RFC 6238, appendix B: the SHA-1 column.</summary>
    [Theory]
    [InlineData(59, "94287082")]
    [InlineData(1111111109, "07081804")]
    [InlineData(1111111111, "14050471")]
    [InlineData(1234567890, "89005924")]
    [InlineData(2000000000, "69279037")]
    [InlineData(20000000000, "65353130")]
    public void Totp_matches_the_RFC_6238_test_vectors(long seconds, string code)
    {
        var secret = "12345678901234567890"u8.ToArray();
        var time = DateTimeOffset.FromUnixTimeSeconds(seconds);
        Totp.Match(secret, code[2..], time).ShouldBe(seconds / 30);
        Totp.Match(secret, code[2..], time.AddSeconds(-30)).ShouldBe(seconds / 30);
        Totp.Match(secret, code[2..], time.AddSeconds(30)).ShouldBe(seconds / 30);
        Totp.Match(secret, code[2..], time.AddSeconds(60)).ShouldBeNull();
        Totp.Match(secret, code[2..], time.AddSeconds(-90)).ShouldBeNull();
    }

    /// <summary>RFC 4648, section 10.</summary>
    [Theory]
    [InlineData("f", "MY")]
    [InlineData("fo", "MZXQ")]
    [InlineData("foo", "MZXW6")]
    [InlineData("foob", "MZXW6YQ")]
    [InlineData("fooba", "MZXW6YTB")]
    [InlineData("foobar", "MZXW6YTBOI")]
    public void Totp_secret_is_unpadded_base32(string text, string base32) => Totp.Base32(Encoding.ASCII.GetBytes(text)).ShouldBe(base32);

    [Fact]
    public async Task Setup_needs_a_verified_address()
    {
        var (email, user) = await _client.RegisterAsync();
        using var person = servers.Auth.With((await _client.LoginAsync(email)).Access);

        await (await PostAsync(person, "totp", new { password = AuthServers.GoodPassword })).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "email_not_verified");
        await (await PostAsync(person, "totp/confirm", new { code = "123456" })).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "email_not_verified");

        (await CountAsync("SELECT count(*) FROM totp_credentials WHERE user_id = $1", user.GetProperty("id").GetGuid())).ShouldBe(0);
    }

    [Fact]
    public async Task Confirmation_for_a_deleted_account_returns_404()
    {
        var (email, _) = await _client.RegisterAsync();
        using var person = servers.Auth.With((await _client.LoginAsync(email)).Access);
        (await ReadAsync<string>(servers.Auth.Database, "DELETE FROM users WHERE email = $1 RETURNING email", email)).ShouldBe(email);

        await (await PostAsync(person, "totp/confirm", new { code = "123456" })).ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Totp_setup_requires_the_password_and_applies_from_the_first_code()
    {
        var (email, user) = await servers.Auth.RegisterVerifiedAsync();
        using var person = servers.Auth.With((await _client.LoginAsync(email)).Access);

        await (await PostAsync(person, "totp", new { password = "not this one" })).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        using var begun = await PostAsync(person, "totp", new { password = AuthServers.GoodPassword });
        begun.StatusCode.ShouldBe(HttpStatusCode.OK);
        begun.Headers.CacheControl.ShouldNotBeNull().NoStore.ShouldBeTrue();
        var answer = await begun.JsonAsync();
        var secret = answer.GetProperty("secret").GetString() ?? "";
        secret.Length.ShouldBe(32); // 160 bits
        answer.GetProperty("otpauth_uri").GetString().ShouldBe(
            $"otpauth://totp/Kashif:{Uri.EscapeDataString(email)}?secret={secret}&issuer=Kashif&algorithm=SHA1&digits=6&period=30");
        var png = Convert.FromBase64String((answer.GetProperty("qr_code").GetString() ?? "").Replace("data:image/png;base64,", "", StringComparison.Ordinal));
        png[..8].ShouldBe([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

        // Logins ask for no code before the setup is confirmed.
        await _client.LoginAsync(email);
        await (await PostAsync(person, "totp/confirm", new { code = "000000" == CodeOf(secret) ? "000001" : "000000" })).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_otp");
        using var confirmed = await PostAsync(person, "totp/confirm", new { code = $" {CodeOf(secret).Insert(3, " ")} " });
        confirmed.StatusCode.ShouldBe(HttpStatusCode.OK);
        var codes = CodesIn(await confirmed.JsonAsync());
        codes.Length.ShouldBe(10);
        codes.Distinct().Count().ShouldBe(10);

        await (await _client.TryLoginAsync(email)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "mfa_required");
        await (await PostAsync(person, "totp", new { password = AuthServers.GoodPassword })).ShouldBeProblemAsync(HttpStatusCode.Conflict, "totp_enabled");
        (await CountAsync("SELECT count(*) FROM audit_log WHERE user_id = $1 AND action = 'totp_enabled'", user.GetProperty("id").GetGuid())).ShouldBe(1);

        // The database contains neither the secret nor a recovery code in plain text.
        var plain = Convert.ToHexString(FromBase32(secret)).ToLowerInvariant();
        (await CountAsync("SELECT count(*) FROM totp_credentials WHERE user_id = $1 AND encode(protected_secret, 'hex') NOT LIKE '%' || $2 || '%'", user.GetProperty("id").GetGuid(), plain)).ShouldBe(1);
        (await CountAsync(
            "SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND hash <> $2",
            user.GetProperty("id").GetGuid(), SHA256.HashData(Encoding.UTF8.GetBytes(codes[0].Replace("-", "", StringComparison.Ordinal))))).ShouldBe(10);
    }

    [Fact]
    public async Task Totp_code_signs_in_once_under_parallel_logins()
    {
        var time = new MovableTime();
        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<TimeProvider>(time));
        using var client = auth.Anonymous();
        var (email, secret, _) = await SetUpAsync(client, auth);

        // The code of the confirmation is used up too. Compare its time step, because the next one may have begun.
        var confirmed = await ReadAsync<long>(auth.Database, "SELECT last_step FROM totp_credentials JOIN users ON users.id = user_id WHERE email = $1", email);
        var first = CodeAt(secret, DateTimeOffset.FromUnixTimeSeconds(confirmed * Totp.StepSeconds));
        await (await TryLoginAsync(client, email, first)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_otp");

        time.Advance(TimeSpan.FromSeconds(60));
        var code = CodeAt(secret, time.GetUtcNow());
        var user = await ReadAsync<Guid>(auth.Database, "SELECT id FROM users WHERE email = $1", email);

        // Directly at the second factor: password hashing runs only one or two at a time.
        var passed = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            await using var scope = auth.Services.CreateAsyncScope();
            return await scope.ServiceProvider.GetRequiredService<SecondFactor>().TryUseAsync(user, code, TestContext.Current.CancellationToken);
        }));

        passed.Count(one => one).ShouldBe(1);
        await (await TryLoginAsync(client, email, code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_otp");
        time.Advance(TimeSpan.FromSeconds(60));
        (await TryLoginAsync(client, email, CodeAt(secret, time.GetUtcNow()))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Last_step_in_the_future_does_not_lock_the_user_out()
    {
        var (email, secret, _) = await SetUpAsync(_client, servers.Auth);

        // As after a login while the clock was a day ahead.
        await CountAsync(
            "UPDATE totp_credentials SET last_step = last_step + 2880 FROM users WHERE users.id = user_id AND email = $1 RETURNING 1::bigint", email);

        var code = CodeOf(secret);
        (await TryLoginAsync(_client, email, code)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await TryLoginAsync(_client, email, code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_otp");
    }

    [Fact]
    public async Task Wrong_codes_lock_the_account_despite_correct_passwords()
    {
        var time = new MovableTime();
        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<TimeProvider>(time));
        using var client = auth.Anonymous();
        var (email, secret, codes) = await SetUpAsync(client, auth);
        for (var guess = 0; guess < 5; guess++)
        {
            await (await TryLoginAsync(client, email, "")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "mfa_required");
            await (await TryLoginAsync(client, email, "WRONG-WRONG")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_otp");
        }

        // Locked: the answer does not tell whether the password is correct, and no code is used up.
        await (await TryLoginAsync(client, email, codes[0])).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        await (await TryLoginAsync(client, email, "")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        time.Advance(TimeSpan.FromMinutes(6));
        (await TryLoginAsync(client, email, codes[0])).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await TryLoginAsync(client, email, CodeAt(secret, time.GetUtcNow()))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Mfa_required_is_returned_only_after_the_correct_password()
    {
        var (email, _, _) = await SetUpAsync(_client, servers.Auth);
        foreach (var otp in new[] { "", "123456" })
        {
            using var wrong = await _client.TryTokenAsync(("username", email), ("password", "not this one"), ("otp", otp));
            await wrong.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        }
    }

    [Fact]
    public async Task Recovery_code_works_once_and_renewal_replaces_all()
    {
        var (email, _, codes) = await SetUpAsync(_client, servers.Auth);

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TryLoginAsync(_client, email, codes[0].ToLowerInvariant().Replace("-", " ", StringComparison.Ordinal))));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        (await CountAsync("SELECT count(*) FROM audit_log JOIN users ON users.id = user_id WHERE email = $1 AND action = 'recovery_code_used'", email)).ShouldBe(1);

        using var signedIn = await TryLoginAsync(_client, email, codes[1]);
        using var person = servers.Auth.With(Tokens.Of(await signedIn.JsonAsync()).Access);
        using var renewed = await PostAsync(person, "recovery-codes", new { password = AuthServers.GoodPassword, code = codes[2] });
        var next = CodesIn(await renewed.JsonAsync());
        next.Intersect(codes).ShouldBeEmpty();
        await (await TryLoginAsync(_client, email, codes[3])).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_otp");
        (await TryLoginAsync(_client, email, next[0])).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Recovery_code_of_another_user_is_refused()
    {
        var (_, _, theirs) = await SetUpAsync(_client, servers.Auth);
        var (email, _, _) = await SetUpAsync(_client, servers.Auth);
        await (await TryLoginAsync(_client, email, theirs[0])).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_otp");
    }

    [Fact]
    public async Task Refresh_needs_no_code_and_password_change_keeps_totp()
    {
        var (email, _, codes) = await SetUpAsync(_client, servers.Auth);
        using var signedIn = await TryLoginAsync(_client, email, codes[0]);
        await _client.RefreshAsync(Tokens.Of(await signedIn.JsonAsync()).Refresh);

        // A reset of an unverified account would remove the app.
        await CountAsync("UPDATE users SET email_confirmed = true WHERE email = $1 RETURNING 1::bigint", email);
        (await _client.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }, TestContext.Current.CancellationToken)).Dispose();
        var token = (await servers.Events.WaitForAsync("user.password_reset_requested", data => data.GetProperty("email").GetString() == email))
            .GetProperty("data").GetProperty("token").GetString();
        using var reset = await _client.PostAsJsonAsync("/api/v1/auth/password/reset", new { token, new_password = "amber heron 12" }, TestContext.Current.CancellationToken);
        reset.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        await (await _client.TryLoginAsync(email, "amber heron 12")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "mfa_required");
    }

    [Fact]
    public async Task Totp_removal_requires_password_and_code()
    {
        var (email, _, codes) = await SetUpAsync(_client, servers.Auth);
        using var signedIn = await TryLoginAsync(_client, email, codes[0]);
        using var person = servers.Auth.With(Tokens.Of(await signedIn.JsonAsync()).Access);

        await (await RemoveAsync(person, "not this one", codes[1])).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        await (await RemoveAsync(person, AuthServers.GoodPassword, codes[0])).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_otp");
        (await RemoveAsync(person, AuthServers.GoodPassword, codes[1])).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await _client.LoginAsync(email)).Access.ShouldNotBeEmpty();
        (await CountAsync("SELECT count(*) FROM recovery_codes JOIN users ON users.id = user_id WHERE email = $1", email)).ShouldBe(0);
        await (await RemoveAsync(person, AuthServers.GoodPassword, codes[2])).ShouldBeProblemAsync(HttpStatusCode.Conflict, "totp_not_enabled");
        await (await PostAsync(person, "recovery-codes", new { password = AuthServers.GoodPassword, code = "x" })).ShouldBeProblemAsync(HttpStatusCode.Conflict, "totp_not_enabled");
    }

    [Fact]
    public async Task Totp_secret_decrypts_only_for_its_owner()
    {
        var (email, secret, _) = await SetUpAsync(_client, servers.Auth);
        var (thief, _, _) = await SetUpAsync(_client, servers.Auth);
        await CountAsync(
            "UPDATE totp_credentials SET protected_secret = (SELECT protected_secret FROM totp_credentials JOIN users ON users.id = user_id WHERE email = $1), last_step = 0 WHERE user_id = (SELECT id FROM users WHERE email = $2) RETURNING 1::bigint",
            thief, email);
        (await TryLoginAsync(_client, email, CodeOf(secret))).StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
    }

    [Fact]
    public async Task Mfa_endpoints_validate_fields_and_require_a_session()
    {
        using var unauthorized = await PostAsync(_client, "totp", new { password = "x" });
        await unauthorized.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var (email, _) = await servers.Auth.RegisterVerifiedAsync();
        using var person = servers.Auth.With((await _client.LoginAsync(email)).Access);
        await (await PostAsync(person, "totp", new { })).ShouldNameFieldsAsync("password");
        await (await PostAsync(person, "totp/confirm", new { code = new string('1', 1000) })).ShouldNameFieldsAsync("code");
        await (await PostAsync(person, "recovery-codes", new { })).ShouldNameFieldsAsync("password", "code");
        await (await PostAsync(person, "totp/confirm", new { code = "123456" })).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_otp");
    }

    [Fact]
    public async Task Second_factors_and_signing_keys_survive_a_changed_secret()
    {
        const string NextSecret = "Zt4/9LmQe7RbXw2KcVhN5sYpJg8UfAoD";
        (string, string?)[] grace = [("Auth:RefreshGrace", "00:01:00")];
        await using var former = await servers.StartAsync(settings: grace);
        using var client = former.Anonymous();
        var (email, secret, codes) = await SetUpAsync(client, former);
        var tokens = Tokens.Of(await (await TryLoginAsync(client, email, codes[0])).JsonAsync());
        var child = await client.RefreshAsync(tokens.Refresh);

        // Before the change every replica can decrypt with both; none encrypts with the next one yet.
        await using (var prepared = await servers.StartAsync(former.Database, settings: ("Auth:OtherSigningKeySecret", NextSecret)))
        {
            using var early = prepared.Anonymous();
            (await TryLoginAsync(early, email, codes[1])).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        await using (var changed = await servers.StartAsync(
            former.Database, settings: [.. grace, ("Auth:SigningKeySecret", NextSecret), ("Auth:OtherSigningKeySecret", AuthServers.SigningKeySecret)]))
        {
            using var signedIn = changed.With(tokens.Access);
            (await signedIn.MeAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
            using var late = changed.Anonymous();
            await using (var database = NpgsqlDataSource.Create(former.Database))
            {
                // The grace period may have ended while the servers started.
                await database.CreateCommand("UPDATE refresh_tokens SET used_at = now() WHERE used_at IS NOT NULL").ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            }

            (await late.RefreshAsync(tokens.Refresh)).Refresh.ShouldBe(child.Refresh); // a repeat within the grace period
            using var known = await late.TryTokenAsync(
                ("username", email), ("password", AuthServers.GoodPassword), ("otp", codes[2]), ("device_token", tokens.Device));
            known.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        // The start has encrypted everything anew, so the former secret can go.
        var time = new MovableTime();
        time.Advance(TimeSpan.FromSeconds(90));
        await using var next = await servers.StartAsync(
            former.Database, services => services.AddSingleton<TimeProvider>(time), ("Auth:SigningKeySecret", NextSecret));
        using var last = next.Anonymous();
        (await TryLoginAsync(last, email, CodeAt(secret, time.GetUtcNow()))).StatusCode.ShouldBe(HttpStatusCode.OK);

        var failure = await Should.ThrowAsync<Exception>(() => servers.StartAsync(former.Database));
        failure.ToString().ShouldContain("Auth:OtherSigningKeySecret");
        failure = await Should.ThrowAsync<Exception>(() => servers.StartAsync(former.Database, settings: ("Auth:SigningKeySecret", $"{NextSecret}x")));
        failure.ToString().ShouldContain("Auth:OtherSigningKeySecret");
    }

    [Fact]
    public async Task Second_factor_under_an_unknown_secret_stops_the_start_until_it_is_deleted()
    {
        const string NextSecret = "Zt4/9LmQe7RbXw2KcVhN5sYpJg8UfAoD";
        await using var auth = await servers.StartAsync();
        using var client = auth.Anonymous();
        var (email, _, _) = await SetUpAsync(client, auth);
        var (_, other) = await client.RegisterAsync();
        await using var database = NpgsqlDataSource.Create(auth.Database);
        await RunAsync($"""
            INSERT INTO totp_credentials (user_id, protected_secret, created_at, last_step)
            SELECT '{other.GetProperty("id").GetGuid()}', protected_secret, created_at, 0 FROM totp_credentials; DELETE FROM signing_keys
            """);

        var failure = await Should.ThrowAsync<Exception>(() => servers.StartAsync(auth.Database, settings: ("Auth:SigningKeySecret", NextSecret)));
        var message = failure.ToString();
        message.ShouldContain("0 signing keys and 1 second factors"); // not the setup that was never confirmed
        message.ShouldContain("Auth:OtherSigningKeySecret");

        await RunAsync(System.Text.RegularExpressions.Regex.Match(message, "DELETE FROM totp_credentials [^;]+").Value);
        await using var started = await servers.StartAsync(auth.Database, settings: ("Auth:SigningKeySecret", NextSecret));
        using var again = started.Anonymous();
        await again.LoginAsync(email);

        Task RunAsync(string sql) => database.CreateCommand(sql).ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<(string Email, string Secret, string[] Codes)> SetUpAsync(HttpClient client, Testing.ServiceHost<Program> auth)
    {
        var (email, _) = await auth.RegisterVerifiedAsync();
        using var person = auth.With((await client.LoginAsync(email)).Access);
        using var begun = await PostAsync(person, "totp", new { password = AuthServers.GoodPassword });
        var secret = (await begun.JsonAsync()).GetProperty("secret").GetString() ?? "";
        using var confirmed = await PostAsync(person, "totp/confirm", new { code = CodeOf(secret) });
        return (email, secret, CodesIn(await confirmed.JsonAsync()));
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, string path, object body) => client.PostAsJsonAsync($"{Base}/{path}", body);

    private static Task<HttpResponseMessage> RemoveAsync(HttpClient client, string password, string code) =>
        client.SendAsync(new HttpRequestMessage(HttpMethod.Delete, $"{Base}/totp") { Content = JsonContent.Create(new { password, code }) });

    private static Task<HttpResponseMessage> TryLoginAsync(HttpClient client, string email, string otp) =>
        client.TryTokenAsync(("username", email), ("password", AuthServers.GoodPassword), ("otp", otp));

    private static string CodeOf(string secret) => CodeAt(secret, TimeProvider.System.GetUtcNow());

    private static string[] CodesIn(JsonElement answer) => [.. answer.GetProperty("recovery_codes").EnumerateArray().Select(code => code.GetString() ?? "")];

    private static string CodeAt(string secret, DateTimeOffset time) => new OtpNet.Totp(FromBase32(secret)).ComputeTotp(time.UtcDateTime);

    private static byte[] FromBase32(string text) => OtpNet.Base32Encoding.ToBytes(text);

    private async Task<long> CountAsync(string sql, params object[] arguments) => await ReadAsync<long>(servers.Auth.Database, sql, arguments);

    private static async Task<T?> ReadAsync<T>(string connection, string sql, params object[] arguments)
    {
        await using var database = NpgsqlDataSource.Create(connection);
        await using var command = database.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        return (T?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}

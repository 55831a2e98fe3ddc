using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Kashif.Auth.Users;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Kashif.Auth.Tests;

public sealed class RegistrationTests(AuthServers servers)
{
    private readonly HttpClient _client = servers.Auth.Anonymous();

    [Fact]
    public async Task Registration_creates_a_citizen_and_publishes_the_event()
    {
        var email = Journey.NewEmail();
        using var response = await _client.TryRegisterAsync(
            new { email = $"  {email}\t", password = AuthServers.GoodPassword, full_name = " Lina Haddad ", phone = "+962 79 123 4567", unknown = 1 });

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        var user = await response.JsonAsync();
        user.EnumerateObject().Select(field => field.Name)
            .ShouldBe(["id", "email", "email_verified", "pending_email", "full_name", "phone", "roles", "language", "mfa_enabled", "created_at"]);
        user.GetProperty("id").GetGuid().Version.ShouldBe(7);
        user.GetProperty("email").GetString().ShouldBe(email);
        user.GetProperty("full_name").GetString().ShouldBe("Lina Haddad");
        user.GetProperty("phone").GetString().ShouldBe("+962 79 123 4567");
        user.GetProperty("roles").EnumerateArray().Select(role => role.GetString()).ShouldBe(["citizen"]);
        user.GetProperty("language").GetString().ShouldBe("en");
        user.GetProperty("created_at").GetString().ShouldNotBeNull().ShouldEndWith("Z");

        var registered = await servers.Events.WaitForAsync("user.registered", data => data.GetProperty("email").GetString() == email);
        registered.GetProperty("source").GetString().ShouldBe("/kashif/auth");
        var data = registered.GetProperty("data");
        data.GetProperty("user_id").GetGuid().ShouldBe(user.GetProperty("id").GetGuid());
        data.GetProperty("full_name").GetString().ShouldBe("Lina Haddad");
        data.GetProperty("language").GetString().ShouldBe("en");
    }

    [Theory]
    [InlineData("ar-JO,ar;q=0.9,en;q=0.5", "ar")]
    [InlineData("fr, en;q=0.2, ar;q=0.8", "ar")]
    [InlineData("fr", "en")]
    [InlineData("*", "en")]
    public async Task Registration_takes_the_language_from_Accept_Language(string acceptLanguage, string expected)
    {
        _client.DefaultRequestHeaders.TryAddWithoutValidation("Accept-Language", acceptLanguage);
        var (_, user) = await _client.RegisterAsync();
        user.GetProperty("language").GetString().ShouldBe(expected);
    }

    [Fact]
    public async Task Registration_with_a_taken_address_in_other_case_returns_409()
    {
        var (email, _) = await _client.RegisterAsync();
        using var response = await _client.TryRegisterAsync(new { email = email.ToUpperInvariant(), password = AuthServers.GoodPassword, full_name = "Other" });
        await response.ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
    }

    [Fact]
    public async Task Parallel_registrations_of_one_address_succeed_once()
    {
        var body = new { email = Journey.NewEmail(), password = AuthServers.GoodPassword, full_name = "Lina" };
        var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _client.TryRegisterAsync(body)));

        responses.Count(response => response.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        responses.Count(response => response.StatusCode == HttpStatusCode.Conflict).ShouldBe(7);
    }

    [Fact]
    public async Task Registration_of_an_address_that_an_older_replica_takes_returns_409()
    {
        var email = Journey.NewEmail();

        using var response = await servers.Auth.TakeMeanwhileAsync(
            email, () => _client.TryRegisterAsync(new { email, password = AuthServers.GoodPassword, full_name = "Lina" }));

        await response.ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
    }

    [Fact]
    public async Task Repeated_idempotency_key_survives_a_changed_secret()
    {
        const string NextSecret = "Zt4/9LmQe7RbXw2KcVhN5sYpJg8UfAoD";
        var body = new { email = Journey.NewEmail(), password = AuthServers.GoodPassword, full_name = "Lina" };
        var key = Guid.CreateVersion7().ToString();
        await using var former = await servers.StartAsync(settings: ("Auth:OtherSigningKeySecret", NextSecret));
        await using var changed = await servers.StartAsync(
            former.Database, settings: [("Auth:SigningKeySecret", NextSecret), ("Auth:OtherSigningKeySecret", AuthServers.SigningKeySecret)]);
        using var before = former.Anonymous();
        using var after = changed.Anonymous();
        using var first = await before.TryRegisterAsync(body, key);

        using var second = await after.TryRegisterAsync(body, key);

        second.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await second.JsonAsync()).GetRawText().ShouldBe((await first.JsonAsync()).GetRawText());
        using var other = await after.TryRegisterAsync(body with { full_name = "Other" }, key);
        await other.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
    }

    [Fact]
    public async Task Repeated_idempotency_key_returns_the_first_answer()
    {
        var body = new { email = Journey.NewEmail(), password = AuthServers.GoodPassword, full_name = "Lina" };
        var key = Guid.CreateVersion7().ToString();
        using var first = await _client.TryRegisterAsync(body, key);
        using var second = await _client.TryRegisterAsync(body, key);

        first.StatusCode.ShouldBe(HttpStatusCode.Created);
        second.StatusCode.ShouldBe(HttpStatusCode.Created);
        second.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
        (await second.JsonAsync()).GetRawText().ShouldBe((await first.JsonAsync()).GetRawText());

        using var other = await _client.TryRegisterAsync(new { email = Journey.NewEmail(), password = AuthServers.GoodPassword, full_name = "Lina" }, key);
        await other.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
    }

    [Fact]
    public async Task Stored_idempotency_fingerprint_does_not_reveal_the_password()
    {
        var body = new { email = Journey.NewEmail(), password = AuthServers.GoodPassword, full_name = "Lina" };
        var key = Guid.CreateVersion7().ToString();
        (await _client.TryRegisterAsync(body, key)).Dispose();

        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand("SELECT fingerprint FROM idempotency_keys WHERE key = $1");
        command.Parameters.AddWithValue(key);
        var kept = (byte[]?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        var bytes = await JsonContent.Create(body).ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        kept.ShouldBe(HMACSHA256.HashData(DerivedKey.Of(AuthServers.SigningKeySecret, DerivedKey.Fingerprints), bytes));
    }

    [Fact]
    public async Task Registration_with_invalid_fields_returns_400_naming_them()
    {
        using var bad = await _client.TryRegisterAsync(new { email = "lina", password = "short", full_name = "  ", phone = "call me" });
        await bad.ShouldNameFieldsAsync("email", "password", "full_name", "phone");

        using var missing = await _client.TryRegisterAsync(new { });
        await missing.ShouldNameFieldsAsync("email", "password", "full_name");

        using var wrong = await _client.TryRegisterAsync(new { email = 7, password = true, full_name = new[] { "a" }, phone = new { } });
        await wrong.ShouldNameFieldsAsync("email", "password", "full_name", "phone");

        using var nothing = await _client.TryRegisterAsync(new { email = (string?)null, password = (string?)null, full_name = (string?)null });
        await nothing.ShouldNameFieldsAsync("email", "password", "full_name");

        using var nul = await _client.TryRegisterAsync(new { email = Journey.NewEmail(), password = AuthServers.GoodPassword, full_name = "a\0b" });
        await nul.ShouldNameFieldsAsync("full_name");

        using var longName = await _client.TryRegisterAsync(new { email = Journey.NewEmail(), password = AuthServers.GoodPassword, full_name = new string('x', 201) });
        await longName.ShouldNameFieldsAsync("full_name");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"email\":\"\\ud800@x.test\",\"password\":\"violet otter 9\",\"full_name\":\"x\"}")]
    public async Task Malformed_body_returns_400(string body)
    {
        using var response = await _client.PostAsync(
            "/api/v1/auth/register", new StringContent(body, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Theory]
    [InlineData("Password123!")]
    [InlineData("QWERTYUIOP")]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("1234567")]
    [InlineData("🦊🦊🦊🦊")]
    public async Task Short_or_common_password_returns_400(string password)
    {
        using var response = await _client.TryRegisterAsync(new { email = Journey.NewEmail(), password, full_name = "Lina" });
        await response.ShouldNameFieldsAsync("password");
    }

    [Fact]
    public async Task Passwords_are_not_trimmed_or_truncated()
    {
        var password = $" {new string('x', 200)} tail ";
        var (email, _) = await _client.RegisterAsync(password);

        (await _client.LoginAsync(email, password)).Access.ShouldNotBeEmpty();
        foreach (var other in new[] { password.Trim(), password[..^1], password[1..], password[..72] })
        {
            using var response = await _client.TryLoginAsync(email, other);
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        using var tooLong = await _client.TryRegisterAsync(new { email = Journey.NewEmail(), password = new string('y', 250) + "1234567", full_name = "Lina" });
        await tooLong.ShouldNameFieldsAsync("password");
    }

    [Fact]
    public async Task Password_is_hashed_at_the_default_cost_and_an_older_hash_at_the_next_login()
    {
        var (older, _) = await _client.RegisterAsync();
        await using var auth = await servers.StartAsync(servers.Auth.Database, settings: ("Auth:PasswordIterations", null));
        using var client = auth.Anonymous();
        var (newer, _) = await client.RegisterAsync();
        (await IterationsAsync(older)).ShouldBe(AuthServers.CheapIterations);
        (await IterationsAsync(newer)).ShouldBeGreaterThanOrEqualTo(210_000);

        using var login = await client.TryLoginAsync(older, AuthServers.GoodPassword);
        login.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await IterationsAsync(older)).ShouldBeGreaterThanOrEqualTo(210_000);

        async Task<int> IterationsAsync(string email)
        {
            await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
            await using var command = database.CreateCommand("SELECT password_hash FROM users WHERE email = $1");
            command.Parameters.AddWithValue(email);
            var hash = Convert.FromBase64String((string?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) ?? "");

            // Identity's format 3: marker, PRF (2 is HMAC-SHA512), iterations.
            hash[0].ShouldBe((byte)1);
            BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(1)).ShouldBe(2u);
            return (int)BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(5));
        }
    }

    [Fact]
    public async Task A_lower_cost_is_refused_outside_Development()
    {
        var exception = await Should.ThrowAsync<Exception>(() => servers.StartAsync(configure: services =>
            services.AddSingleton<IHostEnvironment>(new HostingEnvironment { EnvironmentName = Environments.Production, ContentRootPath = AppContext.BaseDirectory })));

        exception.GetBaseException().ShouldBeOfType<OptionsValidationException>().Message.ShouldContain("Auth:PasswordIterations must be at least 210000.");
    }

    [Theory]
    [InlineData("lina@example.com", true)]
    [InlineData("lina.haddad+kashif@mail.example.co.uk", true)]
    [InlineData("lina@مثال.إختبار", true)]
    [InlineData("lina@xn--mgbh0fb.xn--kgbechtv", true)]
    [InlineData("لينا@مثال.إختبار", false)]
    [InlineData("lina@ｅxample。com", true)]
    [InlineData("lina@example\u200b.com", false)]
    [InlineData("\ufefflina@example.com", false)]
    [InlineData("x@بلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلدية.com", false)]
    [InlineData("x@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com", false)]
    [InlineData("x@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com", true)]
    [InlineData("lina@-bad.com", false)]
    [InlineData("lina@bad-.com", false)]
    [InlineData("lina@ex_ample.com", false)]
    [InlineData("lina@ex_ämple.com", false)]
    [InlineData("lina@xn--a.com", false)]
    [InlineData("lina@[192.0.2.1]", false)]
    [InlineData("lina@192.0.2.1", false)]
    [InlineData("lina@example.1a", true)]
    [InlineData("lina.@example.com", false)]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com", true)]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com", false)]
    [InlineData("lina", false)]
    [InlineData("lina@", false)]
    [InlineData("@example.com", false)]
    [InlineData("lina@localhost", false)]
    [InlineData("lina@example..com", false)]
    [InlineData("lina@example.com.", false)]
    [InlineData("li na@example.com", false)]
    [InlineData("Lina <lina@example.com>", false)]
    [InlineData("lina@example.com,other@example.com", false)]
    [InlineData("lina@exam\nple.com", false)]
    public void Email_address_validation(string email, bool valid) => (EmailAddress.ErrorOf(email, nonAscii: false) is null).ShouldBe(valid);

    [Fact]
    public async Task Non_ASCII_mailbox_is_accepted_only_where_it_gets_mail()
    {
        var body = new { email = "لينا@example.com", password = AuthServers.GoodPassword, full_name = "لينا" };
        using var refused = await _client.TryRegisterAsync(body);
        await refused.ShouldNameFieldsAsync("email");

        await using var auth = await servers.StartAsync(settings: ("Auth:NonAsciiMailboxes", "true"));
        using var client = auth.Anonymous();
        using var accepted = await client.TryRegisterAsync(body);
        accepted.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Theory]
    [InlineData("x@EXAMPLE.com", "x@example.com")]
    [InlineData("x@XN--MGBH0FB.Xn--Kgbechtv", "x@xn--mgbh0fb.xn--kgbechtv")]
    [InlineData("x@BÜCHER.example", "x@xn--bcher-kva.example")]
    [InlineData("x@ｅXAMPLE。com", "x@example.com")]
    public void Domains_are_stored_in_ASCII_and_lower_case(string email, string stored)
    {
        EmailAddress.ErrorOf(email, nonAscii: false).ShouldBeNull();
        EmailAddress.Clean(email).ShouldBe(stored);
    }

    [Fact]
    public async Task Registration_with_a_domain_that_is_no_host_name_returns_400()
    {
        using var response = await _client.TryRegisterAsync(new { email = "lina@Ex_Ample.com", password = AuthServers.GoodPassword, full_name = "Lina" });
        await response.ShouldNameFieldsAsync("email");
    }

    [Theory]
    [InlineData("لينا{0}@example.com")]
    [InlineData("li\u200bna{0}@example.com")]
    [InlineData("lina{0}@Ex_Ample.com")]
    [InlineData("lina{0}@exam\u200bple.com")]
    public async Task Accounts_from_before_the_rules_can_log_in_and_get_a_reset_link(string pattern)
    {
        var (registered, _) = await _client.RegisterAsync();
        var email = string.Format(CultureInfo.InvariantCulture, pattern, Guid.CreateVersion7().ToString("N"));
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand("UPDATE users SET email = $1, normalized_email = $2 WHERE email = $3");
        command.Parameters.AddWithValue(email);
        command.Parameters.AddWithValue(email.ToUpperInvariant());
        command.Parameters.AddWithValue(registered);
        (await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken)).ShouldBe(1);

        await _client.LoginAsync(email);
        using var forgot = await _client.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }, TestContext.Current.CancellationToken);

        forgot.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await servers.Events.WaitForAsync("user.password_reset_requested", data => data.GetProperty("email").GetString() == email);
    }

    [Fact]
    public async Task Unicode_and_Punycode_domain_are_one_account()
    {
        var local = Guid.CreateVersion7().ToString("N");
        var (unicode, punycode) = ($"{local}@مثال.إختبار", $"{local}@XN--MGBH0FB.xn--kgbechtv");
        using var registered = await _client.TryRegisterAsync(new { email = unicode, password = AuthServers.GoodPassword, full_name = "Lina" });
        registered.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await registered.JsonAsync()).GetProperty("email").GetString().ShouldBe(punycode.ToLowerInvariant());

        using var again = await _client.TryRegisterAsync(new { email = punycode, password = AuthServers.GoodPassword, full_name = "Lina" });

        await again.ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
        await _client.LoginAsync(unicode);
        await _client.LoginAsync(punycode);
        using var forgot = await _client.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email = unicode }, TestContext.Current.CancellationToken);
        await servers.Events.WaitForAsync("user.password_reset_requested", data => data.GetProperty("email").GetString() == punycode.ToLowerInvariant());
    }

    [Theory]
    [InlineData("email", "li\u200bna@example.com", "U+200B")]
    [InlineData("email", "lina@exam\u200eple.com", "U+200E")]
    [InlineData("email", "lina\ufeff@example.com", "U+FEFF")]
    [InlineData("email", "li\u00adna@example.com", "U+00AD")]
    [InlineData("email", "lina\u3164@example.com", "U+3164")]
    [InlineData("phone", "\u202a+963 11 123 4567", "U+202A")]
    [InlineData("full_name", "Lina \u202edaddaH", "U+202E")]
    public async Task Deceptive_character_returns_400_naming_field_and_character(string field, string value, string character)
    {
        var body = new Dictionary<string, string> { ["email"] = Journey.NewEmail(), ["password"] = AuthServers.GoodPassword, ["full_name"] = "Lina", [field] = value };
        using var response = await _client.TryRegisterAsync(body);

        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "invalid_request");
        var error = problem.GetProperty("errors").EnumerateObject().ShouldHaveSingleItem();
        error.Name.ShouldBe(field);
        error.Value[0].GetString().ShouldNotBeNull().ShouldContain(character);
    }

    [Theory]
    [InlineData("\u200fلينا حداد", "\u200fلينا حداد")]
    [InlineData("می\u200cخواهم", "می\u200cخواهم")]
    public async Task Names_keep_joiners_and_marks(string name, string stored)
    {
        using var response = await _client.TryRegisterAsync(new { email = Journey.NewEmail(), password = AuthServers.GoodPassword, full_name = name });
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await response.JsonAsync()).GetProperty("full_name").GetString().ShouldBe(stored);
    }
}

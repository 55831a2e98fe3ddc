using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Testing;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>API keys: shown once, limited to scopes and the roles of the owner, revocable.</summary>
public sealed class ApiKeyTests(AuthServers servers)
{
    private const string Root = "/api/v1/auth/api-keys";

    [Fact]
    public async Task Api_key_is_shown_once_and_works_until_revoked()
    {
        var (client, user) = await PersonAsync();
        using var made = await CreateAsync(client, "reporting:read", "auth:read");
        made.StatusCode.ShouldBe(HttpStatusCode.Created);
        made.Headers.CacheControl.ShouldNotBeNull().NoStore.ShouldBeTrue();
        var created = await made.JsonAsync();
        var key = created.GetProperty("key").GetString().ShouldNotBeNull();
        key.ShouldStartWith("kashif_");

        var listed = (await client.GetFromJsonAsync<JsonElement>(Root)).GetProperty("items").EnumerateArray().Single();
        listed.ToString().ShouldNotContain(key);
        key.ShouldStartWith(listed.GetProperty("prefix").GetString().ShouldNotBeNull());
        (await DatabaseScan.TablesWithAsync(servers.Auth.Database, key)).ShouldBeEmpty();

        var token = await ExchangeAsync(key);
        var claims = JsonSerializer.Deserialize<JsonElement>(System.Buffers.Text.Base64Url.DecodeFromChars(token.ShouldNotBeNull().Split('.')[1]));
        claims.GetProperty("sub").GetGuid().ShouldBe(user);
        claims.GetProperty("scope").GetString().ShouldBe("auth:read reporting:read");
        claims.GetProperty("api_key").GetGuid().ShouldBe(created.GetProperty("id").GetGuid());
        claims.TryGetProperty("sid", out _).ShouldBeFalse();
        (claims.GetProperty("exp").GetInt64() - claims.GetProperty("iat").GetInt64()).ShouldBeLessThanOrEqualTo(300);
        (await client.GetFromJsonAsync<JsonElement>(Root)).GetProperty("items")[0].GetProperty("last_used_at").ValueKind.ShouldBe(JsonValueKind.String);

        // auth:read can read the account but not change it.
        using var program = servers.Auth.With(token);
        (await program.MeAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await program.GetAsync(Root)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await program.GetAsync("/api/v1/auth/me/export")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        await (await CreateAsync(program, "auth:read")).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");

        (await client.DeleteAsync($"{Root}/{listed.GetProperty("id").GetGuid()}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await ExchangeAsync(key)).ShouldBeNull();
        (await client.GetFromJsonAsync<JsonElement>(Root)).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Key_needs_a_verified_address()
    {
        using var anonymous = servers.Auth.Anonymous();
        var (email, _) = await anonymous.RegisterAsync();
        using var client = servers.Auth.With((await anonymous.LoginAsync(email)).Access);

        await (await CreateAsync(client, "auth:read")).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "email_not_verified");

        (await client.GetFromJsonAsync<JsonElement>(Root)).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Name_with_an_invisible_character_returns_400()
    {
        var (client, _) = await PersonAsync();
        using var response = await client.PostAsJsonAsync(Root, new { name = "Ti\u200bll", scopes = new[] { "auth:read" }, password = AuthServers.GoodPassword });
        await response.ShouldNameFieldsAsync("name");
    }

    [Fact]
    public async Task Expired_keys_and_keys_of_disabled_or_deleted_users_are_refused()
    {
        var (client, user) = await PersonAsync();
        var key = (await (await CreateAsync(client, "auth:read")).JsonAsync()).GetProperty("key").GetString() ?? "";
        (await ExchangeAsync(key)).ShouldNotBeNull();

        await ExecuteAsync("UPDATE api_keys SET expires_at = now() WHERE user_id = $1", user);
        (await ExchangeAsync(key)).ShouldBeNull();
        await ExecuteAsync("UPDATE api_keys SET expires_at = NULL WHERE user_id = $1", user);
        (await ExchangeAsync(key)).ShouldNotBeNull();
        await ExecuteAsync("UPDATE users SET disabled_at = now() WHERE id = $1", user);
        (await ExchangeAsync(key)).ShouldBeNull();
        await ExecuteAsync("DELETE FROM users WHERE id = $1", user);
        (await ExchangeAsync(key)).ShouldBeNull();
        await (await CreateAsync(client, "auth:read")).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
    }

    [Fact]
    public async Task Wrong_password_creates_no_key()
    {
        var (client, _) = await PersonAsync();

        using var refused = await client.PostAsJsonAsync(Root, new { name = "x", scopes = new[] { "auth:read" }, password = "not this one" }, TestContext.Current.CancellationToken);

        await refused.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        (await client.GetFromJsonAsync<JsonElement>(Root)).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Password_reset_revokes_all_keys()
    {
        using var anonymous = servers.Auth.Anonymous();
        var (email, _) = await servers.Auth.RegisterVerifiedAsync();
        var client = servers.Auth.With((await anonymous.LoginAsync(email)).Access);
        var first = await KeyAsync(client);
        var second = await KeyAsync(client);

        (await anonymous.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }, TestContext.Current.CancellationToken)).Dispose();
        var link = await servers.Events.WaitForAsync("user.password_reset_requested", data => data.GetProperty("email").GetString() == email);
        using var reset = await anonymous.PostAsJsonAsync(
            "/api/v1/auth/password/reset", new { token = link.GetProperty("data").GetProperty("token").GetString(), new_password = "amber heron 12" }, TestContext.Current.CancellationToken);

        reset.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await ExchangeAsync(first)).ShouldBeNull();
        (await ExchangeAsync(second)).ShouldBeNull();
        var owner = servers.Auth.With((await anonymous.LoginAsync(email, "amber heron 12")).Access);
        (await owner.GetFromJsonAsync<JsonElement>(Root)).GetProperty("items").GetArrayLength().ShouldBe(0);
        (await owner.AuditAsync("api_key_revoked")).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Keys_of_a_disabled_user_stay_revoked_when_the_user_is_enabled_again()
    {
        var (client, user) = await PersonAsync();
        var key = await KeyAsync(client);
        using var admin = servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword)).Access);

        foreach (var disabled in new[] { true, false })
        {
            using var changed = await admin.PatchAsJsonAsync($"/api/v1/auth/users/{user}", new { disabled }, TestContext.Current.CancellationToken);
            changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        (await ExchangeAsync(key)).ShouldBeNull();
    }

    [Fact]
    public async Task Logout_everywhere_keeps_keys()
    {
        var (client, _) = await PersonAsync();
        var key = await KeyAsync(client);

        (await client.PostAsync("/api/v1/auth/logout-all", null, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await ExchangeAsync(key)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Api_keys_of_other_users_return_404_and_users_cannot_exchange_keys()
    {
        var (owner, _) = await PersonAsync();
        var (other, _) = await PersonAsync();
        var created = await (await CreateAsync(owner, "auth:read")).JsonAsync();

        (await other.DeleteAsync($"{Root}/{created.GetProperty("id").GetGuid()}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await owner.PostAsJsonAsync("/internal/v1/api-keys/exchange", new { key = created.GetProperty("key").GetString() })).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Api_key_with_invalid_fields_returns_400_naming_them()
    {
        var (client, _) = await PersonAsync();
        await (await CreateAsync(client)).ShouldNameFieldsAsync("scopes");
        using var unproven = await client.PostAsJsonAsync(Root, new { name = "x", scopes = new[] { "auth:read" } });
        await unproven.ShouldNameFieldsAsync("password");
        await (await CreateAsync(client, "auth:write")).ShouldNameFieldsAsync("scopes");
        using var over = await client.PostAsJsonAsync(Root, new { name = "x", scopes = new[] { "auth:read" }, password = AuthServers.GoodPassword, expires_at = "2020-01-01T00:00:00Z" });
        await over.ShouldNameFieldsAsync("expires_at");
    }

    [Fact]
    public async Task Api_keys_are_limited_to_twenty_per_user()
    {
        var (client, _) = await PersonAsync();

        for (var made = 0; made < 16; made++)
        {
            (await CreateAsync(client, "auth:read")).StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        // No more at once than the throttle allows for one account and address.
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CreateAsync(client, "auth:read")));

        answers.Count(answer => answer.StatusCode == HttpStatusCode.Created).ShouldBe(4);
        await answers.First(answer => answer.StatusCode != HttpStatusCode.Created).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "too_many_api_keys");
    }

    private async Task<(HttpClient Client, Guid Id)> PersonAsync()
    {
        var (email, user) = await servers.Auth.RegisterVerifiedAsync();
        return (servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(email)).Access), user.GetProperty("id").GetGuid());
    }

    private static Task<HttpResponseMessage> CreateAsync(HttpClient client, params string[] scopes) =>
        client.PostAsJsonAsync(Root, new { name = "A kiosk", scopes, password = AuthServers.GoodPassword });

    private static async Task<string> KeyAsync(HttpClient client)
    {
        using var created = await CreateAsync(client, "auth:read");
        return (await created.JsonAsync()).GetProperty("key").GetString() ?? "";
    }

    /// <returns>The token; null if the key is refused.</returns>
    private async Task<string?> ExchangeAsync(string key)
    {
        using var asked = await servers.Auth.Anonymous().TryTokenAsync(
            ("grant_type", "client_credentials"), ("client_id", AuthServers.ClientId), ("client_secret", AuthServers.ClientSecret));
        using var gateway = servers.Auth.With((await asked.JsonAsync()).GetProperty("access_token").GetString() ?? "");
        using var response = await gateway.PostAsJsonAsync("/internal/v1/api-keys/exchange", new { key });
        response.StatusCode.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.NotFound);
        return response.StatusCode == HttpStatusCode.OK ? (await response.JsonAsync()).GetProperty("access_token").GetString() : null;
    }

    private async Task ExecuteAsync(string sql, Guid user)
    {
        await using var source = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = user });
        await command.ExecuteNonQueryAsync();
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Auth.EmailLinks;
using Kashif.Messaging.Events;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>Profile, password and preferences.</summary>
public sealed class ProfileTests(AuthServers servers)
{
    private const string Me = "/api/v1/auth/me";
    private const string NewPassword = "a quite different one 7";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Profile_change_is_saved_and_published()
    {
        var (client, email, id) = await SignedInAsync();
        using var response = await client.PatchAsJsonAsync(Me, new { full_name = "  Lina Haddad-Saleh ", phone = "+963 11 123" }, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var changed = await response.JsonAsync();
        changed.GetProperty("full_name").GetString().ShouldBe("Lina Haddad-Saleh");
        changed.GetProperty("phone").GetString().ShouldBe("+963 11 123");
        changed.GetProperty("email").GetString().ShouldBe(email);
        changed.GetProperty("email_verified").GetBoolean().ShouldBeFalse();
        changed.GetProperty("mfa_enabled").GetBoolean().ShouldBeFalse();
        var told = await servers.Events.WaitForAsync(UserUpdated.Type, data => data.GetProperty("user_id").GetGuid() == id);
        told.GetProperty("data").GetProperty("full_name").GetString().ShouldBe("Lina Haddad-Saleh");

        using var arabic = await client.PatchAsJsonAsync(Me, new { phone = "+٩٦٣ ۱۱ ١٢٣" }, Cancel);
        (await arabic.JsonAsync()).GetProperty("phone").GetString().ShouldBe("+963 11 123");
        using var cleared = await client.PatchAsJsonAsync(Me, new { phone = "" }, Cancel);
        (await cleared.JsonAsync()).GetProperty("phone").ValueKind.ShouldBe(JsonValueKind.Null);
        client.Dispose();
    }

    [Fact]
    public async Task Profile_with_invalid_fields_returns_400_naming_them()
    {
        var (client, _, _) = await SignedInAsync();
        using var bad = await client.PatchAsJsonAsync(Me, new { full_name = "   ", phone = "call me", email = "nowhere" }, Cancel);
        await bad.ShouldNameFieldsAsync("full_name", "phone", "email", "current_password");
        using var unproven = await client.PatchAsJsonAsync(Me, new { email = Journey.NewEmail() }, Cancel);
        await unproven.ShouldNameFieldsAsync("current_password");
        client.Dispose();
    }

    [Fact]
    public async Task New_address_requires_the_password_and_takes_effect_when_its_link_is_opened()
    {
        var (client, email, id) = await SignedInAsync();
        using var anonymous = servers.Auth.Anonymous();
        var wanted = Journey.NewEmail();

        using var wrong = await client.PatchAsJsonAsync(Me, new { email = wanted, current_password = "not this one" }, Cancel);
        await wrong.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");

        using var asked = await ChangeEmailAsync(client, wanted);
        var waiting = await asked.JsonAsync();
        waiting.GetProperty("email").GetString().ShouldBe(email);
        waiting.GetProperty("pending_email").GetString().ShouldBe(wanted);
        await anonymous.LoginAsync(email);
        using var early = await anonymous.TryLoginAsync(wanted);
        early.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var published = await servers.Events.WaitForAsync(UserUpdated.Type, data => data.GetProperty("user_id").GetGuid() == id);
        published.GetProperty("data").GetProperty("email").GetString().ShouldBe(email);

        using var opened = await OpenLinkAsync(id, wanted);
        opened.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        using var me = await client.MeAsync();
        var changed = await me.JsonAsync();
        changed.GetProperty("email").GetString().ShouldBe(wanted);
        changed.GetProperty("email_verified").GetBoolean().ShouldBeTrue();
        changed.GetProperty("pending_email").ValueKind.ShouldBe(JsonValueKind.Null);
        await anonymous.LoginAsync(wanted);
        using var old = await anonymous.TryLoginAsync(email);
        old.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var told = await servers.Events.WaitForAsync(UserUpdated.Type, data => data.GetProperty("email").GetString() == wanted);
        told.GetProperty("data").GetProperty("channels").EnumerateArray().Select(channel => channel.GetString()).ShouldContain("email");

        // The link to the first address was not opened, and must not bring it back.
        using var former = await OpenLinkAsync(id, email);
        await former.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        client.Dispose();
    }

    [Fact]
    public async Task New_request_replaces_the_pending_address_and_the_present_address_cancels_it()
    {
        var (client, email, id) = await SignedInAsync();
        var (first, second) = (Journey.NewEmail(), Journey.NewEmail());
        (await ChangeEmailAsync(client, first)).Dispose();
        using var replaced = await ChangeEmailAsync(client, second);
        (await replaced.JsonAsync()).GetProperty("pending_email").GetString().ShouldBe(second);
        using var stale = await OpenLinkAsync(id, first);
        await stale.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");

        using var canceled = await ChangeEmailAsync(client, email);

        (await canceled.JsonAsync()).GetProperty("pending_email").ValueKind.ShouldBe(JsonValueKind.Null);
        using var late = await OpenLinkAsync(id, second);
        await late.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        client.Dispose();
    }

    [Fact]
    public async Task Changed_password_cancels_the_pending_address()
    {
        var (client, _, id) = await SignedInAsync();
        var wanted = Journey.NewEmail();
        (await ChangeEmailAsync(client, wanted)).Dispose();

        using var changed = await client.PutAsJsonAsync($"{Me}/password", new { current_password = AuthServers.GoodPassword, new_password = NewPassword }, Cancel);

        changed.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var late = await OpenLinkAsync(id, wanted, NewPassword);
        await late.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        client.Dispose();
    }

    [Fact]
    public async Task Present_address_can_be_verified_while_another_is_pending()
    {
        var (client, email, id) = await SignedInAsync();
        var wanted = Journey.NewEmail();
        (await ChangeEmailAsync(client, wanted)).Dispose();

        using var present = await OpenLinkAsync(id, email);
        present.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var opened = await OpenLinkAsync(id, wanted);

        opened.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        client.Dispose();
    }

    [Fact]
    public async Task Verification_mails_are_limited_per_account()
    {
        var (client, _, id) = await SignedInAsync();
        for (var change = 1; change < EmailTokens.MaxPerHour; change++)
        {
            (await ChangeEmailAsync(client, Journey.NewEmail())).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        var last = Journey.NewEmail();
        using var refused = await ChangeEmailAsync(client, last);

        await refused.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_emails");
        refused.Headers.RetryAfter.ShouldNotBeNull();
        (await CountAsync("SELECT count(*) FROM users WHERE pending_email = $1", last)).ShouldBe(0);
        (await CountAsync("SELECT count(*) FROM email_tokens WHERE user_id = $1", id)).ShouldBe(EmailTokens.MaxPerHour);
        client.Dispose();
    }

    [Fact]
    public async Task Verification_mails_are_limited_per_address()
    {
        var target = Journey.NewEmail();
        for (var sent = 0; sent < EmailTokens.MaxPerHour; sent++)
        {
            var (client, _, _) = await SignedInAsync();
            (await ChangeEmailAsync(client, target)).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await ChangeEmailAsync(client, Journey.NewEmail())).StatusCode.ShouldBe(HttpStatusCode.OK);
            client.Dispose();
        }

        var (other, _, _) = await SignedInAsync();
        using var refused = await ChangeEmailAsync(other, target.ToUpperInvariant());
        await refused.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_emails");

        using var anonymous = servers.Auth.Anonymous();
        using var registered = await anonymous.TryRegisterAsync(new { email = target, password = AuthServers.GoodPassword, full_name = "Lina Haddad" });
        registered.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await CountAsync("SELECT count(*) FROM email_tokens WHERE email = $1", target)).ShouldBe(EmailTokens.MaxPerHour);
        other.Dispose();
    }

    [Fact]
    public async Task Taken_address_is_answered_alike_and_refused_when_its_link_is_opened()
    {
        var (client, email, id) = await SignedInAsync();
        var (other, taken, _) = await SignedInAsync();
        taken = $"{taken[..taken.IndexOf('@')].ToUpperInvariant()}@people.test";
        using var response = await ChangeEmailAsync(client, taken);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.JsonAsync()).GetProperty("pending_email").GetString().ShouldBe(taken);

        using var opened = await OpenLinkAsync(id, taken);

        await opened.ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
        using var me = await client.MeAsync();
        (await me.JsonAsync()).GetProperty("email").GetString().ShouldBe(email);
        client.Dispose();
        other.Dispose();
    }

    [Fact]
    public async Task Link_to_an_address_that_an_older_replica_takes_returns_409()
    {
        var (client, email, id) = await SignedInAsync();
        var wanted = Journey.NewEmail();
        (await ChangeEmailAsync(client, wanted)).Dispose();

        using var response = await servers.Auth.TakeMeanwhileAsync(wanted, () => OpenLinkAsync(id, wanted));

        await response.ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
        using var me = await client.MeAsync();
        (await me.JsonAsync()).GetProperty("email").GetString().ShouldBe(email);
        client.Dispose();
    }

    [Fact]
    public async Task Two_accounts_that_verify_one_address_at_once_are_not_merged()
    {
        var wanted = Journey.NewEmail();
        var people = new[] { await SignedInAsync(), await SignedInAsync() };
        foreach (var person in people)
        {
            (await ChangeEmailAsync(person.Client, wanted)).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        var answers = await Task.WhenAll(people.Select(person => OpenLinkAsync(person.Id, wanted)));

        answers.Select(answer => answer.StatusCode).ShouldBe([HttpStatusCode.NoContent, HttpStatusCode.Conflict], ignoreOrder: true);
        (await CountAsync("SELECT count(*) FROM users WHERE email = $1", wanted)).ShouldBe(1);
        Array.ForEach(people, person => person.Client.Dispose());
    }

    [Fact]
    public async Task Password_change_ends_all_other_sessions()
    {
        using var anonymous = servers.Auth.Anonymous();
        var (email, _) = await anonymous.RegisterAsync();
        var here = await anonymous.LoginAsync(email);
        var elsewhere = await anonymous.LoginAsync(email);
        using var client = servers.Auth.With(here.Access);

        using var changed = await client.PutAsJsonAsync($"{Me}/password", new { current_password = AuthServers.GoodPassword, new_password = NewPassword }, Cancel);
        changed.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        await anonymous.RefreshAsync(here.Refresh);
        using var ended = await anonymous.TryRefreshAsync(elsewhere.Refresh);
        ended.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        using var old = await anonymous.TryLoginAsync(email);
        old.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        await anonymous.LoginAsync(email, NewPassword);
    }

    [Fact]
    public async Task Password_change_checks_the_rules_and_the_current_password()
    {
        var (client, _, _) = await SignedInAsync();
        using var common = await client.PutAsJsonAsync($"{Me}/password", new { current_password = AuthServers.GoodPassword, new_password = "password123" }, Cancel);
        await common.ShouldNameFieldsAsync("new_password");
        using var wrong = await client.PutAsJsonAsync($"{Me}/password", new { current_password = "not this one", new_password = NewPassword }, Cancel);
        await wrong.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        client.Dispose();
    }

    [Fact]
    public async Task Wrong_current_passwords_are_limited_for_the_session_only()
    {
        var (client, email, _) = await SignedInAsync();
        using var anonymous = servers.Auth.Anonymous();
        for (var attempt = 0; attempt < 10; attempt++)
        {
            using var guess = await client.PutAsJsonAsync($"{Me}/password", new { current_password = $"guess {attempt}", new_password = NewPassword }, Cancel);
            await guess.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        }

        using var right = await client.PutAsJsonAsync($"{Me}/password", new { current_password = AuthServers.GoodPassword, new_password = NewPassword }, Cancel);
        await right.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_attempts");
        await anonymous.LoginAsync(email);
        client.Dispose();
    }

    [Fact]
    public async Task Preferences_are_saved_and_published()
    {
        var (client, _, id) = await SignedInAsync();
        var before = await client.GetFromJsonAsync<JsonElement>($"{Me}/preferences", Cancel);
        before.GetRawText().ShouldBe("""{"language":"en","theme":"system","channels":{"push":true,"email":true}}""");

        using var changed = await client.PutAsJsonAsync($"{Me}/preferences", new { language = "ar", theme = "dark", channels = new { push = false, email = true } }, Cancel);
        changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        var after = await client.GetStringAsync($"{Me}/preferences", Cancel);
        after.ShouldBe("""{"language":"ar","theme":"dark","channels":{"push":false,"email":true}}""");

        // An unverified address gets no notifications.
        var told = await servers.Events.WaitForAsync(UserUpdated.Type, data => data.GetProperty("user_id").GetGuid() == id);
        told.GetProperty("data").GetProperty("language").GetString().ShouldBe("ar");
        told.GetProperty("data").GetProperty("channels").GetArrayLength().ShouldBe(0);
        client.Dispose();
    }

    [Theory]
    [InlineData("""{"language":"fr","theme":"dark","channels":{"push":true,"email":true}}""", "language")]
    [InlineData("""{"language":"en","theme":"pink","channels":{"push":true,"email":true}}""", "theme")]
    [InlineData("""{"language":"en","theme":"dark","channels":{"push":true}}""", "channels")]
    [InlineData("""{"language":"en","theme":"dark"}""", "channels")]
    public async Task Invalid_preferences_return_400_naming_the_field(string body, string field)
    {
        var (client, _, _) = await SignedInAsync();
        using var response = await client.PutAsync($"{Me}/preferences", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancel);
        await response.ShouldNameFieldsAsync(field);
        client.Dispose();
    }

    private async Task<(HttpClient Client, string Email, Guid Id)> SignedInAsync()
    {
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await anonymous.RegisterAsync();
        return (servers.Auth.With((await anonymous.LoginAsync(email)).Access), email, user.GetProperty("id").GetGuid());
    }

    private static Task<HttpResponseMessage> ChangeEmailAsync(HttpClient client, string email) =>
        client.PatchAsJsonAsync(Me, new { email, current_password = AuthServers.GoodPassword }, Cancel);

    private async Task<HttpResponseMessage> OpenLinkAsync(Guid id, string email, string password = AuthServers.GoodPassword)
    {
        var asked = await servers.Events.WaitForAsync(
            EmailVerificationRequested.Type, data => data.GetProperty("user_id").GetGuid() == id && data.GetProperty("email").GetString() == email);
        using var anonymous = servers.Auth.Anonymous();
        return await anonymous.PostAsJsonAsync("/api/v1/auth/email/verify", new { token = asked.GetProperty("data").GetProperty("token").GetString(), password }, Cancel);
    }

    private async Task<long> CountAsync(string sql, object argument)
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = argument });
        return (long)(await command.ExecuteScalarAsync(Cancel) ?? 0L);
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;

namespace Kashif.Auth.Tests;

/// <summary>What people change of their own accounts, and who is told.</summary>
public sealed class ProfileTests(AuthServers servers)
{
    private const string Me = "/api/v1/auth/me";
    private const string NewPassword = "a quite different one 7";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Name_and_number_change_and_the_other_services_are_told()
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

        using var cleared = await client.PatchAsJsonAsync(Me, new { phone = "" }, Cancel);
        (await cleared.JsonAsync()).GetProperty("phone").ValueKind.ShouldBe(JsonValueKind.Null);
        client.Dispose();
    }

    [Fact]
    public async Task Bad_fields_are_named()
    {
        var (client, _, _) = await SignedInAsync();
        using var bad = await client.PatchAsJsonAsync(Me, new { full_name = "   ", phone = "call me", email = "nowhere" }, Cancel);
        await bad.ShouldNameFieldsAsync("full_name", "phone", "email");
        using var unproven = await client.PatchAsJsonAsync(Me, new { email = Journey.NewEmail() }, Cancel);
        await unproven.ShouldNameFieldsAsync("current_password");
        client.Dispose();
    }

    [Fact]
    public async Task A_new_address_needs_the_password_and_is_to_be_verified()
    {
        var (client, email, id) = await SignedInAsync();
        using var anonymous = servers.Auth.Anonymous();
        var wanted = Journey.NewEmail();

        using var wrong = await client.PatchAsJsonAsync(Me, new { email = wanted, current_password = "not this one" }, Cancel);
        await wrong.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");

        using var changed = await client.PatchAsJsonAsync(Me, new { email = wanted, current_password = AuthServers.GoodPassword }, Cancel);
        (await changed.JsonAsync()).GetProperty("email").GetString().ShouldBe(wanted);
        await servers.Events.WaitForAsync(
            EmailVerificationRequested.Type, data => data.GetProperty("user_id").GetGuid() == id && data.GetProperty("email").GetString() == wanted);
        await anonymous.LoginAsync(wanted);
        using var old = await anonymous.TryLoginAsync(email);
        old.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        client.Dispose();
    }

    [Fact]
    public async Task A_taken_address_is_a_conflict_and_changes_nothing()
    {
        var (client, email, _) = await SignedInAsync();
        var (other, taken, _) = await SignedInAsync();
        using var response = await client.PatchAsJsonAsync(
            Me, new { email = taken.ToUpperInvariant(), full_name = "Somebody Else", current_password = AuthServers.GoodPassword }, Cancel);

        await response.ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
        using var me = await client.MeAsync();
        var unchanged = await me.JsonAsync();
        unchanged.GetProperty("email").GetString().ShouldBe(email);
        unchanged.GetProperty("full_name").GetString().ShouldNotBe("Somebody Else");
        client.Dispose();
        other.Dispose();
    }

    [Fact]
    public async Task A_new_password_ends_all_other_sessions_and_keeps_this_one()
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
    public async Task A_new_password_follows_the_rules_and_the_old_one_is_asked_for()
    {
        var (client, _, _) = await SignedInAsync();
        using var common = await client.PutAsJsonAsync($"{Me}/password", new { current_password = AuthServers.GoodPassword, new_password = "password123" }, Cancel);
        await common.ShouldNameFieldsAsync("new_password");
        using var wrong = await client.PutAsJsonAsync($"{Me}/password", new { current_password = "not this one", new_password = NewPassword }, Cancel);
        await wrong.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        client.Dispose();
    }

    [Fact]
    public async Task Guessing_the_password_of_a_session_locks_the_account_like_guessing_at_the_door()
    {
        var (client, email, _) = await SignedInAsync();
        using var anonymous = servers.Auth.Anonymous();
        for (var attempt = 0; attempt < 8; attempt++)
        {
            using var guess = await client.PutAsJsonAsync($"{Me}/password", new { current_password = $"guess {attempt}", new_password = NewPassword }, Cancel);
            guess.IsSuccessStatusCode.ShouldBeFalse();
        }

        using var right = await client.PutAsJsonAsync($"{Me}/password", new { current_password = AuthServers.GoodPassword, new_password = NewPassword }, Cancel);
        right.IsSuccessStatusCode.ShouldBeFalse();
        using var login = await anonymous.TryLoginAsync(email);
        login.IsSuccessStatusCode.ShouldBeFalse();
        client.Dispose();
    }

    [Fact]
    public async Task Preferences_are_kept_and_told()
    {
        var (client, _, id) = await SignedInAsync();
        var before = await client.GetFromJsonAsync<JsonElement>($"{Me}/preferences", Cancel);
        before.GetRawText().ShouldBe("""{"language":"en","theme":"system","channels":{"push":true,"email":true}}""");

        using var changed = await client.PutAsJsonAsync($"{Me}/preferences", new { language = "ar", theme = "dark", channels = new { push = false, email = true } }, Cancel);
        changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        var after = await client.GetStringAsync($"{Me}/preferences", Cancel);
        after.ShouldBe("""{"language":"ar","theme":"dark","channels":{"push":false,"email":true}}""");

        // No mail goes to an address that nobody has proven to be theirs.
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
    public async Task Preferences_of_another_shape_are_named(string body, string field)
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
}

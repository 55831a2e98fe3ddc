using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>Owners of a verified address are told of each security change.</summary>
public sealed class SecurityNoticeTests(AuthServers servers)
{
    private const string Base = "/api/v1/auth";
    private const string NewPassword = "amber heron 12";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Changes_of_password_address_second_factor_and_keys_are_told()
    {
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await anonymous.RegisterAsync();
        var id = user.GetProperty("id").GetGuid();
        await VerifyAsync(id);
        using var person = servers.Auth.With((await anonymous.LoginAsync(email)).Access);

        await OkAsync(person.PostAsJsonAsync($"{Base}/api-keys", new { name = "A kiosk", scopes = new[] { "auth:read" }, password = AuthServers.GoodPassword }, Cancel));
        await ToldAsync(id, email, SecurityChanges.ApiKeyCreated);

        await OkAsync(person.PutAsJsonAsync($"{Base}/me/password", new { current_password = AuthServers.GoodPassword, new_password = NewPassword }, Cancel));
        await ToldAsync(id, email, SecurityChanges.PasswordChanged);

        var secret = (await OkAsync(person.PostAsJsonAsync($"{Base}/mfa/totp", new { password = NewPassword }, Cancel))).GetProperty("secret").GetString() ?? "";
        var code = new OtpNet.Totp(OtpNet.Base32Encoding.ToBytes(secret)).ComputeTotp(TimeProvider.System.GetUtcNow().UtcDateTime);
        var codes = (await OkAsync(person.PostAsJsonAsync($"{Base}/mfa/totp/confirm", new { code }, Cancel))).GetProperty("recovery_codes");
        await ToldAsync(id, email, SecurityChanges.TotpEnabled);

        await OkAsync(person.SendAsync(
            new HttpRequestMessage(HttpMethod.Delete, $"{Base}/mfa/totp") { Content = JsonContent.Create(new { password = NewPassword, code = codes[0].GetString() }) }, Cancel));
        await ToldAsync(id, email, SecurityChanges.TotpDisabled);

        var wanted = Journey.NewEmail();
        await OkAsync(person.PatchAsJsonAsync($"{Base}/me", new { email = wanted, current_password = NewPassword }, Cancel));
        await ToldAsync(id, email, SecurityChanges.EmailChangeRequested);
        var link = await servers.Events.WaitForAsync(EmailVerificationRequested.Type, data => data.GetProperty("email").GetString() == wanted);
        await OkAsync(anonymous.PostAsJsonAsync($"{Base}/email/verify", new { token = link.GetProperty("data").GetProperty("token").GetString(), password = NewPassword }, Cancel));
        await ToldAsync(id, email, SecurityChanges.EmailChanged);
    }

    [Fact]
    public async Task Password_reset_is_told()
    {
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await anonymous.RegisterAsync();
        var id = user.GetProperty("id").GetGuid();
        await VerifyAsync(id);

        await OkAsync(anonymous.PostAsJsonAsync($"{Base}/password/forgot", new { email }, Cancel));
        var link = await servers.Events.WaitForAsync(PasswordResetRequested.Type, data => data.GetProperty("email").GetString() == email);
        await OkAsync(anonymous.PostAsJsonAsync(
            $"{Base}/password/reset", new { token = link.GetProperty("data").GetProperty("token").GetString(), new_password = NewPassword }, Cancel));

        await ToldAsync(id, email, SecurityChanges.PasswordChanged);
    }

    [Fact]
    public async Task Unverified_address_gets_no_notice()
    {
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await anonymous.RegisterAsync();
        using var person = servers.Auth.With((await anonymous.LoginAsync(email)).Access);

        await OkAsync(person.PutAsJsonAsync($"{Base}/me/password", new { current_password = AuthServers.GoodPassword, new_password = NewPassword }, Cancel));

        // Events are published in order: a later one has come, so the notice would have come too.
        await OkAsync(person.PatchAsJsonAsync($"{Base}/me", new { full_name = "Lina Saleh" }, Cancel));
        var id = user.GetProperty("id").GetGuid();
        await servers.Events.WaitForAsync(UserUpdated.Type, data => data.GetProperty("user_id").GetGuid() == id);
        servers.Events.Envelopes(UserSecurityChanged.Type).ShouldNotContain(told => told.GetProperty("data").GetProperty("user_id").GetGuid() == id);
    }

    private async Task ToldAsync(Guid id, string email, string change)
    {
        var told = await servers.Events.WaitForAsync(
            UserSecurityChanged.Type, data => data.GetProperty("user_id").GetGuid() == id && data.GetProperty("change").GetString() == change);
        told.GetProperty("data").GetProperty("email").GetString().ShouldBe(email);
    }

    private static async Task<JsonElement> OkAsync(Task<HttpResponseMessage> asked)
    {
        using var response = await asked;
        response.IsSuccessStatusCode.ShouldBeTrue(await response.Content.ReadAsStringAsync(Cancel));
        return response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created ? await response.JsonAsync() : default;
    }

    private async Task VerifyAsync(Guid id)
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand("UPDATE users SET email_confirmed = true WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = id });
        (await command.ExecuteNonQueryAsync(Cancel)).ShouldBe(1);
    }
}

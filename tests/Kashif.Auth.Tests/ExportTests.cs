using System.Net;
using System.Net.Http.Json;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>Auth's own part of an export; <c>Kashif.Gateway.Tests</c> has the rest.</summary>
public sealed class ExportTests(AuthServers servers)
{
    private const string Path = "/api/v1/auth/me/export";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Export_holds_the_account_and_no_secret()
    {
        var (email, user) = await servers.Auth.Anonymous().RegisterAsync();
        var id = user.GetProperty("id").GetGuid();
        var tokens = await servers.Auth.Anonymous().LoginAsync(email);
        using var client = servers.Auth.With(tokens.Access);
        var pending = Journey.NewEmail();
        (await client.PatchAsJsonAsync("/api/v1/auth/me", new { email = pending, current_password = AuthServers.GoodPassword }, Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);

        using var response = await client.GetAsync(Path, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (response.Content.Headers.ContentType?.ToString()).ShouldBe("application/json; charset=utf-8");
        (response.Content.Headers.ContentDisposition?.ToString()).ShouldBe("attachment; filename=\"kashif-export.json\"");
        (response.Headers.CacheControl?.NoStore).ShouldBe(true);
        var export = await response.JsonAsync();
        export.EnumerateObject().Select(member => member.Name).ShouldBe(["exported_at", "account"]);
        var account = export.GetProperty("account");
        account.GetProperty("email").GetString().ShouldBe(email);
        account.GetProperty("pending_email").GetString().ShouldBe(pending);
        account.GetProperty("sessions").GetArrayLength().ShouldBe(1);
        account.GetProperty("audit_log").EnumerateArray().Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["registered", "logged_in", "email_change_requested"]);

        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        var text = export.ToString();
        text.ShouldNotContain(await ScalarAsync(database, "SELECT password_hash FROM users WHERE id = $1", id));
        text.ShouldNotContain(await ScalarAsync(database, "SELECT security_stamp FROM users WHERE id = $1", id));
        text.ShouldNotContain(tokens.Refresh);
        (await ScalarAsync(database, "SELECT count(*)::text FROM audit_log WHERE user_id = $1 AND action = 'exported'", id)).ShouldBe("1");
    }

    [Fact]
    public async Task Export_of_a_deleted_account_returns_404()
    {
        var (email, _) = await servers.Auth.Anonymous().RegisterAsync();
        using var client = servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(email)).Access);
        using var deletion = new HttpRequestMessage(HttpMethod.Delete, "/api/v1/auth/me") { Content = JsonContent.Create(new { password = AuthServers.GoodPassword }) };
        (await client.SendAsync(deletion, Cancel)).StatusCode.ShouldBe(HttpStatusCode.Accepted);

        using var response = await client.GetAsync(Path, Cancel);

        await response.ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
    }

    private static async Task<string> ScalarAsync(NpgsqlDataSource database, string sql, Guid id)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = id });
        return (string)(await command.ExecuteScalarAsync()).ShouldNotBeNull();
    }
}

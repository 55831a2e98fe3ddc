using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kashif.Auth.Sessions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Kashif.Auth.Tests;

public sealed class SessionTests(AuthServers servers)
{
    private readonly HttpClient _client = servers.Auth.Anonymous();

    [Fact]
    public async Task Refresh_returns_new_tokens_in_the_same_session()
    {
        var (email, _) = await _client.RegisterAsync();
        var first = await _client.LoginAsync(email);
        var second = await _client.RefreshAsync(first.Refresh);
        var third = await _client.RefreshAsync(second.Refresh);

        new[] { first.Refresh, second.Refresh, third.Refresh }.Distinct().Count().ShouldBe(3);
        new[] { first, second, third }.Select(SessionOf).Distinct().Count().ShouldBe(1);
        (await servers.Auth.With(third.Access).MeAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Reused_refresh_token_ends_its_session_only()
    {
        var time = new MovableTime();
        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<TimeProvider>(time));
        using var client = auth.Anonymous();
        var (email, user) = await client.RegisterAsync();
        var other = await client.LoginAsync(email);
        var stolen = await client.LoginAsync(email);
        var child = await client.RefreshAsync(stolen.Refresh);
        time.Advance(TimeSpan.FromSeconds(11));

        using var again = await client.TryRefreshAsync(stolen.Refresh);
        await again.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");
        using var family = await client.TryRefreshAsync(child.Refresh);
        await family.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");
        var next = await client.RefreshAsync(other.Refresh);

        using var person = auth.With(next.Access);
        var entry = (await person.AuditAsync("refresh_token_reused")).ShouldHaveSingleItem();
        entry.GetProperty("user_id").GetGuid().ShouldBe(user.GetProperty("id").GetGuid());
        entry.GetProperty("details").GetProperty("session_id").GetGuid().ShouldBe(Journey.SessionOf(stolen));
    }

    [Fact]
    public async Task Parallel_refreshes_return_the_same_successor()
    {
        var (email, _) = await _client.RegisterAsync();
        for (var round = 0; round < 5; round++)
        {
            var tokens = await _client.LoginAsync(email);
            var children = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => _client.RefreshAsync(tokens.Refresh)));

            var child = children.Select(answer => answer.Refresh).Distinct().ShouldHaveSingleItem();
            child.ShouldNotBe(tokens.Refresh);
            (await LiveTokensAsync(SessionOf(tokens))).ShouldBe(1);
            await _client.RefreshAsync(child);
        }
    }

    [Fact]
    public async Task Repeat_within_the_grace_period_returns_the_newest_token()
    {
        var (email, _) = await _client.RegisterAsync();
        var first = await _client.LoginAsync(email);
        var second = await _client.RefreshAsync(first.Refresh);
        var third = await _client.RefreshAsync(second.Refresh);

        (await _client.RefreshAsync(first.Refresh)).Refresh.ShouldBe(third.Refresh);
        (await LiveTokensAsync(SessionOf(first))).ShouldBe(1);
        await _client.RefreshAsync(third.Refresh);
    }

    [Fact]
    public async Task Successor_token_depends_on_the_secret()
    {
        await using var other = await servers.StartAsync(servers.Auth.Database);
        var (email, _) = await _client.RegisterAsync();
        var tokens = await _client.LoginAsync(email);
        var child = await _client.RefreshAsync(tokens.Refresh);

        using var replica = other.Anonymous();
        (await replica.RefreshAsync(tokens.Refresh)).Refresh.ShouldBe(child.Refresh);
        child.Refresh.ShouldNotBe(System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(tokens.Refresh))));
        child.Refresh.Length.ShouldBe(43); // 256 bits
    }

    [Fact]
    public async Task Ended_session_returns_no_successor_within_the_grace_period()
    {
        var (email, _) = await _client.RegisterAsync();
        var first = await _client.LoginAsync(email);
        var second = await _client.RefreshAsync(first.Refresh);
        (await servers.Auth.With(first.Access).LogoutAsync(second.Refresh)).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await _client.TryRefreshAsync(first.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await _client.TryRefreshAsync(second.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Every_way_to_sign_out_is_published()
    {
        var (email, user) = await _client.RegisterAsync();
        var id = user.GetProperty("id").GetGuid();
        var here = await _client.LoginAsync(email);
        using var person = servers.Auth.With(here.Access);

        var ended = await _client.LoginAsync(email);
        (await person.DeleteAsync($"/api/v1/auth/sessions/{SessionOf(ended)}", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await SignedOutAsync(id, everywhere: false, ended);

        var left = await _client.LoginAsync(email);
        (await person.LogoutAsync(left.Refresh)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await SignedOutAsync(id, everywhere: false, left);

        var stolen = await _client.LoginAsync(email);
        await _client.RefreshAsync(stolen.Refresh);
        await CountAsync("UPDATE refresh_tokens SET used_at = now() - interval '1 hour' WHERE session_id = $1 AND used_at IS NOT NULL RETURNING 1::bigint", SessionOf(stolen));
        (await _client.TryRefreshAsync(stolen.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        await SignedOutAsync(id, everywhere: false, stolen);

        var other = await _client.LoginAsync(email);
        using var password = await person.PutAsJsonAsync(
            "/api/v1/auth/me/password", new { current_password = AuthServers.GoodPassword, new_password = "amber heron 12" }, TestContext.Current.CancellationToken);
        password.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await SignedOutAsync(id, everywhere: false, other);

        (await person.PostAsync("/api/v1/auth/logout-all", null, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await SignedOutAsync(id, everywhere: true, here);

        var last = await _client.LoginAsync(email, "amber heron 12");
        using var admin = servers.Auth.With((await _client.LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword)).Access);
        using var disabled = await admin.PatchAsJsonAsync($"/api/v1/auth/users/{id}", new { disabled = true }, TestContext.Current.CancellationToken);
        disabled.StatusCode.ShouldBe(HttpStatusCode.OK);
        await SignedOutAsync(id, everywhere: true, last);
    }

    [Fact]
    public async Task Session_list_shows_own_sessions_and_marks_the_current_one()
    {
        var (email, _) = await _client.RegisterAsync();
        var (stranger, _) = await _client.RegisterAsync();
        await _client.LoginAsync(stranger);
        using var phone = servers.Auth.Anonymous();
        phone.DefaultRequestHeaders.UserAgent.ParseAdd("KashifPhone/2.0");
        phone.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.77");
        var here = await _client.LoginAsync(email);
        var there = await phone.LoginAsync(email);
        var over = await _client.LoginAsync(email);
        using var person = servers.Auth.With(here.Access);
        (await person.LogoutAsync(over.Refresh)).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        var page = await person.GetFromJsonAsync<JsonElement>("/api/v1/auth/sessions", TestContext.Current.CancellationToken);
        page.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        var sessions = page.GetProperty("items").EnumerateArray().ToList();
        sessions.Select(session => session.GetProperty("id").GetGuid()).ShouldBe([SessionOf(there), SessionOf(here)]);
        sessions.Select(session => session.GetProperty("current").GetBoolean()).ShouldBe([false, true]);
        sessions[0].GetProperty("user_agent").GetString().ShouldBe("KashifPhone/2.0");
        sessions[0].GetProperty("ip_address").GetString().ShouldBe("203.0.113.77");
        sessions[0].GetProperty("last_used_at").GetDateTimeOffset().ShouldBe(sessions[0].GetProperty("created_at").GetDateTimeOffset());

        var first = await person.GetFromJsonAsync<JsonElement>("/api/v1/auth/sessions?limit=1", TestContext.Current.CancellationToken);
        var cursor = first.GetProperty("next_cursor").GetString();
        var second = await person.GetFromJsonAsync<JsonElement>($"/api/v1/auth/sessions?limit=1&cursor={cursor}", TestContext.Current.CancellationToken);
        second.GetProperty("items").EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetGuid().ShouldBe(SessionOf(here));
        second.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        using var bad = await person.GetAsync("/api/v1/auth/sessions?cursor=nonsense", TestContext.Current.CancellationToken);
        await bad.ShouldNameFieldsAsync("cursor");
    }

    [Fact]
    public async Task Users_can_end_only_their_own_sessions()
    {
        var (email, _) = await _client.RegisterAsync();
        var (stranger, _) = await _client.RegisterAsync();
        var here = await _client.LoginAsync(email);
        var there = await _client.LoginAsync(email);
        var theirs = await _client.LoginAsync(stranger);
        using var person = servers.Auth.With(here.Access);

        (await EndAsync(person, SessionOf(there))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _client.TryRefreshAsync(there.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        foreach (var none in new[] { SessionOf(there), SessionOf(theirs), Guid.CreateVersion7() })
        {
            using var missing = await EndAsync(person, none);
            await missing.ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        await _client.RefreshAsync(theirs.Refresh);
        await _client.RefreshAsync(here.Refresh);
        (await person.AuditAsync("session_ended")).ShouldHaveSingleItem()
            .GetProperty("details").GetProperty("session_id").GetGuid().ShouldBe(SessionOf(there));

        static Task<HttpResponseMessage> EndAsync(HttpClient client, Guid session) =>
            client.DeleteAsync($"/api/v1/auth/sessions/{session}", TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Audit_log_records_logins_and_logouts_with_address_and_device()
    {
        using var device = servers.Auth.Anonymous();
        device.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.78");
        var (email, user) = await device.RegisterAsync();
        var first = await device.LoginAsync(email);
        using var person = servers.Auth.With(first.Access);
        (await person.LogoutAsync(first.Refresh)).Dispose();
        (await person.PostAsync("/api/v1/auth/logout-all", null, TestContext.Current.CancellationToken)).Dispose();

        var entries = await person.AuditAsync();
        entries.Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["sessions_ended", "logged_out", "logged_in", "registered"]);
        entries.ShouldAllBe(entry => entry.GetProperty("actor_id").GetGuid() == user.GetProperty("id").GetGuid());
        entries[2].GetProperty("ip_address").GetString().ShouldBe("203.0.113.78");
    }

    [Fact]
    public async Task Session_has_the_client_address_forwarded_by_the_gateway()
    {
        var (email, _) = await _client.RegisterAsync();
        using var device = servers.Auth.Anonymous();
        device.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.9");

        var session = SessionOf(await device.LoginAsync(email));

        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand("SELECT ip_address FROM sessions WHERE id = $1");
        command.Parameters.AddWithValue(Guid.Parse($"{session}"));
        (await command.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe("203.0.113.9");
    }

    [Fact]
    public async Task Refresh_tokens_are_stored_hashed()
    {
        var (email, _) = await _client.RegisterAsync();
        var tokens = await _client.LoginAsync(email);
        (await CountAsync("SELECT count(*) FROM refresh_tokens WHERE hash = $1", SHA256.HashData(Encoding.UTF8.GetBytes(tokens.Refresh)))).ShouldBe(1);
    }

    [Fact]
    public async Task Session_has_its_device_and_last_use()
    {
        var (email, _) = await _client.RegisterAsync();
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("KashifTests/1.0");
        var tokens = await _client.LoginAsync(email);
        await _client.RefreshAsync(tokens.Refresh);
        (await CountAsync(
            "SELECT count(*) FROM sessions WHERE id = $1 AND user_agent = 'KashifTests/1.0' AND ip_address IS NOT NULL AND last_used_at > created_at",
            SessionOf(tokens))).ShouldBe(1);
    }

    [Fact]
    public async Task Session_expires_unless_refreshed()
    {
        var time = new MovableTime();
        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<TimeProvider>(time));
        using var client = auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        var tokens = await client.LoginAsync(email);

        time.Advance(TimeSpan.FromDays(29));
        tokens = await client.RefreshAsync(tokens.Refresh);
        time.Advance(TimeSpan.FromDays(29));
        tokens = await client.RefreshAsync(tokens.Refresh);
        time.Advance(TimeSpan.FromDays(31));
        using var late = await client.TryRefreshAsync(tokens.Refresh);
        await late.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");

        var cleanup = auth.Services.GetServices<IHostedService>().OfType<SessionCleanup>().Single();
        await cleanup.RunOnceAsync(TestContext.Current.CancellationToken);
        await using var database = NpgsqlDataSource.Create(auth.Database);
        (await database.CreateCommand("SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM refresh_tokens)")
            .ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(0L);
    }

    [Fact]
    public async Task Session_ends_at_the_longest_lifetime_however_often_it_is_refreshed()
    {
        var time = new MovableTime();
        await using var auth = await servers.StartAsync(
            configure: services => services.AddSingleton<TimeProvider>(time), settings: ("Auth:LongestSession", "60.00:00:00"));
        using var client = auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        var tokens = await client.LoginAsync(email);
        foreach (var days in new[] { 29, 29, 1 })
        {
            time.Advance(TimeSpan.FromDays(days));
            tokens = await client.RefreshAsync(tokens.Refresh);
        }

        time.Advance(TimeSpan.FromDays(1));
        using var late = await client.TryRefreshAsync(tokens.Refresh);
        await late.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    [InlineData("w-5ubUbU_i8BYedL7bbeeVclDVFKInISMQQao3iI8JQ")]
    public async Task Unknown_refresh_token_returns_401(string token)
    {
        using var response = await _client.TryRefreshAsync(token);
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");
    }

    [Fact]
    public async Task Malformed_refresh_returns_400_naming_the_field()
    {
        using var missing = await _client.PostAsJsonAsync("/api/v1/auth/refresh", new { }, TestContext.Current.CancellationToken);
        await missing.ShouldNameFieldsAsync("refresh_token");
        using var wrong = await _client.PostAsJsonAsync("/api/v1/auth/refresh", new { refresh_token = 5 }, TestContext.Current.CancellationToken);
        await wrong.ShouldNameFieldsAsync("refresh_token");
        using var tooLong = await _client.TryRefreshAsync(new string('x', 1000));
        await tooLong.ShouldNameFieldsAsync("refresh_token");
    }

    [Fact]
    public async Task Logout_ends_one_session_and_is_repeatable()
    {
        var (email, _) = await _client.RegisterAsync();
        var here = await _client.LoginAsync(email);
        var there = await _client.LoginAsync(email);
        using var person = servers.Auth.With(here.Access);

        (await person.LogoutAsync(here.Refresh)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await person.LogoutAsync(here.Refresh)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _client.TryRefreshAsync(here.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        await _client.RefreshAsync(there.Refresh);
    }

    [Fact]
    public async Task Logout_with_another_users_token_ends_nothing()
    {
        var (mine, _) = await _client.RegisterAsync();
        var (theirs, _) = await _client.RegisterAsync();
        using var person = servers.Auth.With((await _client.LoginAsync(mine)).Access);
        var other = await _client.LoginAsync(theirs);

        (await person.LogoutAsync(other.Refresh)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await _client.RefreshAsync(other.Refresh);

        using var anonymous = await _client.LogoutAsync(other.Refresh);
        await anonymous.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Logout_all_ends_every_session_of_the_user()
    {
        var (email, _) = await _client.RegisterAsync();
        var first = await _client.LoginAsync(email);
        var second = await _client.LoginAsync(email);
        using var person = servers.Auth.With(first.Access);

        (await person.PostAsync("/api/v1/auth/logout-all", null, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _client.TryRefreshAsync(first.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await _client.TryRefreshAsync(second.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static Guid SessionOf(Tokens tokens) => Journey.SessionOf(tokens);

    private Task<long> LiveTokensAsync(Guid session) => CountAsync(
        "SELECT count(*) FROM refresh_tokens JOIN sessions ON id = session_id WHERE id = $1 AND used_at IS NULL AND revoked_at IS NULL", session);

    private async Task SignedOutAsync(Guid user, bool everywhere, Tokens ended)
    {
        var told = (await servers.Events.WaitForAsync("user.signed_out", data => data.GetProperty("user_id").GetGuid() == user
            && data.GetProperty("session_ids").EnumerateArray().Any(session => session.GetGuid() == SessionOf(ended)))).GetProperty("data");
        told.GetProperty("session_ids").GetArrayLength().ShouldBe(1);
        told.GetProperty("everywhere").GetBoolean().ShouldBe(everywhere);
    }

    private async Task<long> CountAsync(string sql, object argument)
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = argument });
        return (long?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) ?? 0;
    }
}

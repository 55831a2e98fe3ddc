using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Kashif.Auth.Sessions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Kashif.Auth.Tests;

public sealed class SessionTests(AuthServers servers)
{
    private readonly HttpClient _client = servers.Auth.Anonymous();

    [Fact]
    public async Task A_refresh_gives_new_tokens_in_the_same_session()
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
    public async Task A_refresh_token_used_twice_ends_its_family_and_no_other()
    {
        var (email, _) = await _client.RegisterAsync();
        var other = await _client.LoginAsync(email);
        var stolen = await _client.LoginAsync(email);
        var child = await _client.RefreshAsync(stolen.Refresh);

        using var again = await _client.TryRefreshAsync(stolen.Refresh);
        await again.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");
        using var family = await _client.TryRefreshAsync(child.Refresh);
        await family.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");
        await _client.RefreshAsync(other.Refresh);
    }

    [Fact]
    public async Task Parallel_refreshes_of_one_token_never_leave_two_that_live()
    {
        var (email, _) = await _client.RegisterAsync();
        for (var round = 0; round < 5; round++)
        {
            var tokens = await _client.LoginAsync(email);
            var responses = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => _client.TryRefreshAsync(tokens.Refresh)));

            responses.Count(response => response.StatusCode == HttpStatusCode.OK).ShouldBe(1);
            responses.Count(response => response.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(15);
            (await LiveTokensAsync(SessionOf(tokens))).ShouldBe(0);
        }
    }

    [Fact]
    public async Task A_session_knows_the_address_that_the_gateway_saw()
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
    public async Task Only_the_hash_of_a_refresh_token_is_stored()
    {
        var (email, _) = await _client.RegisterAsync();
        var tokens = await _client.LoginAsync(email);
        (await CountAsync("SELECT count(*) FROM refresh_tokens WHERE hash = $1", SHA256.HashData(Encoding.UTF8.GetBytes(tokens.Refresh)))).ShouldBe(1);
    }

    [Fact]
    public async Task A_session_knows_its_device_and_its_last_use()
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
    public async Task A_session_ends_when_it_is_not_used_and_goes_on_when_it_is()
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
        await cleanup.CleanAsync(TestContext.Current.CancellationToken);
        await using var database = NpgsqlDataSource.Create(auth.Database);
        (await database.CreateCommand("SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM refresh_tokens)")
            .ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(0L);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    [InlineData("w-5ubUbU_i8BYedL7bbeeVclDVFKInISMQQao3iI8JQ")]
    public async Task An_unknown_refresh_token_is_refused(string token)
    {
        using var response = await _client.TryRefreshAsync(token);
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");
    }

    [Fact]
    public async Task A_refresh_of_another_shape_is_named()
    {
        using var missing = await _client.PostAsJsonAsync("/api/v1/auth/refresh", new { }, TestContext.Current.CancellationToken);
        await missing.ShouldNameFieldsAsync("refresh_token");
        using var wrong = await _client.PostAsJsonAsync("/api/v1/auth/refresh", new { refresh_token = 5 }, TestContext.Current.CancellationToken);
        await wrong.ShouldNameFieldsAsync("refresh_token");
        using var tooLong = await _client.TryRefreshAsync(new string('x', 1000));
        await tooLong.ShouldNameFieldsAsync("refresh_token");
    }

    [Fact]
    public async Task Logout_ends_one_session_and_may_be_repeated()
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
    public async Task Nobody_ends_somebody_elses_session()
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
    public async Task Logout_all_ends_every_session_of_the_person()
    {
        var (email, _) = await _client.RegisterAsync();
        var first = await _client.LoginAsync(email);
        var second = await _client.LoginAsync(email);
        using var person = servers.Auth.With(first.Access);

        (await person.PostAsync("/api/v1/auth/logout-all", null, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _client.TryRefreshAsync(first.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await _client.TryRefreshAsync(second.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static Guid SessionOf(Tokens tokens) =>
        Guid.Parse(new System.IdentityModel.Tokens.Jwt.JwtSecurityToken(tokens.Access).Claims.Single(claim => claim.Type == "sid").Value);

    private Task<long> LiveTokensAsync(Guid session) => CountAsync(
        "SELECT count(*) FROM refresh_tokens JOIN sessions ON id = session_id WHERE id = $1 AND used_at IS NULL AND revoked_at IS NULL", session);

    private async Task<long> CountAsync(string sql, object argument)
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = argument });
        return (long?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) ?? 0;
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Kashif.Auth.Data;
using Kashif.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Kashif.Auth.Tests;

public sealed class AccessTests(AuthServers servers)
{
    [Fact]
    public async Task Me_returns_the_account_of_the_token()
    {
        using var client = servers.Auth.Anonymous();
        var (email, user) = await client.RegisterAsync();
        using var response = await servers.Auth.With((await client.LoginAsync(email)).Access).MeAsync();
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.JsonAsync()).GetRawText().ShouldBe(user.GetRawText());
    }

    [Fact]
    public async Task Me_parallel_requests_return_each_users_own_account()
    {
        using var client = servers.Auth.Anonymous();
        var people = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            var (email, user) = await client.RegisterAsync();
            return (User: user.GetRawText(), Client: servers.Auth.With((await client.LoginAsync(email)).Access));
        }));

        await Task.WhenAll(Enumerable.Range(0, 100).Select(async call =>
        {
            var person = people[call % people.Length];
            using var response = await person.Client.MeAsync();
            (await response.JsonAsync()).GetRawText().ShouldBe(person.User);
        }));
    }

    [Fact]
    public async Task Me_shows_a_committed_change_and_returns_404_after_deletion()
    {
        using var client = servers.Auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        using var person = servers.Auth.With((await client.LoginAsync(email)).Access);
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        for (var change = 0; change < 20; change++)
        {
            await using var rename = database.CreateCommand("UPDATE users SET full_name = $1 WHERE email = $2");
            rename.Parameters.AddWithValue($"Name {change}");
            rename.Parameters.AddWithValue(email);
            await rename.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            using var renamed = await person.MeAsync();
            (await renamed.JsonAsync()).GetProperty("full_name").GetString().ShouldBe($"Name {change}");
        }

        await using var delete = database.CreateCommand("DELETE FROM users WHERE email = $1");
        delete.Parameters.AddWithValue(email);
        await delete.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        using var gone = await person.MeAsync();
        await gone.ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Me_with_a_token_from_another_issuer_returns_401()
    {
        foreach (var token in new[] { servers.Stranger.TokenFor(Guid.CreateVersion7(), Roles.Admin), "nonsense", "a.b.c" })
        {
            using var response = await servers.Auth.With(token).MeAsync();
            await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }

        using var anonymous = await servers.Auth.Anonymous().MeAsync();
        await anonymous.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Me_with_forged_claims_returns_401()
    {
        using var client = servers.Auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        var parts = (await client.LoginAsync(email)).Access.Split('.');
        var claims = System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1])).Replace("citizen", "admin\",\"x", StringComparison.Ordinal);
        var forged = $"{parts[0]}.{System.Buffers.Text.Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes(claims))}.{parts[2]}";
        using var response = await servers.Auth.With(forged).MeAsync();
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Unknown_path_returns_404_and_wrong_method_405_without_a_token()
    {
        using var client = servers.Auth.Anonymous();
        using var absent = await client.GetAsync("/api/v1/auth/nothing", TestContext.Current.CancellationToken);
        await absent.ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
        using var method = await client.GetAsync("/api/v1/auth/token", TestContext.Current.CancellationToken);
        await method.ShouldBeProblemAsync(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
    }

    [Fact]
    public async Task Malformed_request_keeps_its_correlation_id()
    {
        using var client = servers.Auth.Anonymous();
        client.DefaultRequestHeaders.Add("X-Correlation-Id", "from-the-phone");
        using var response = await client.TryRegisterAsync(7);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        response.Headers.GetValues("X-Correlation-Id").ShouldBe(["from-the-phone"]);
    }

    [Fact]
    public void Endpoints_have_a_policy_or_allow_anonymous() =>
        servers.Auth.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<IAuthorizeData>() is null && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null)
            .Select(endpoint => endpoint.RoutePattern.RawText)
            .ShouldBeEmpty();

    [Fact]
    public async Task First_admin_can_sign_in_as_admin()
    {
        using var client = servers.Auth.Anonymous();
        var tokens = await client.LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword);
        using var response = await servers.Auth.With(tokens.Access).MeAsync();
        (await response.JsonAsync()).GetProperty("roles").EnumerateArray().Select(role => role.GetString()).ShouldBe(["citizen", "admin"], ignoreOrder: true);
    }

    [Fact]
    public async Task First_admin_second_start_keeps_the_account_and_its_password()
    {
        await using var first = await servers.StartAsync();
        await using var second = await servers.StartAsync(first.Database, settings: ("Auth:Admin:Password", "another harbour at night"));

        using var client = second.Anonymous();
        (await client.LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword)).Access.ShouldNotBeEmpty();
        (await client.TryLoginAsync(AuthServers.AdminEmail, "another harbour at night")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        await using var database = NpgsqlDataSource.Create(first.Database);
        (await database.CreateCommand("SELECT count(*) FROM users").ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(1L);
    }

    [Fact]
    public async Task First_admin_with_an_existing_verified_account_gets_the_role_and_an_audit_entry()
    {
        await using var first = await servers.StartAsync(settings: [("Auth:Admin:Email", ""), ("Auth:Admin:Password", "")]);
        using var client = first.Anonymous();
        var (email, user) = await client.RegisterAsync();
        await ExecuteAsync(first.Database, "UPDATE users SET email_confirmed = true");
        await using var second = await servers.StartAsync(first.Database, settings: ("Auth:Admin:Email", email));

        var tokens = await client.LoginAsync(email);
        (await RolesAsync(first.With(tokens.Access))).ShouldBe(["admin", "citizen"]);
        (await CountAsync(
            first.Database,
            "SELECT count(*) FROM audit_log WHERE user_id = $1 AND action = 'roles_changed' AND details = '{\"before\": \"citizen\", \"after\": \"admin citizen\"}'",
            user.GetProperty("id").GetGuid())).ShouldBe(1);
    }

    [Fact]
    public async Task First_admin_with_an_unverified_account_is_refused_with_a_warning()
    {
        await using var first = await servers.StartAsync(settings: [("Auth:Admin:Email", ""), ("Auth:Admin:Password", "")]);
        using var client = first.Anonymous();
        var (email, user) = await client.RegisterAsync();
        var said = new ConcurrentQueue<string>();
        await using var second = await servers.StartAsync(
            first.Database, services => services.AddSingleton<ILoggerProvider>(new Listener(said)), ("Auth:Admin:Email", email));

        var tokens = await client.LoginAsync(email);
        (await RolesAsync(first.With(tokens.Access))).ShouldBe(["citizen"]);
        said.ShouldContain(line => line.Contains($"There is no admin: account {user.GetProperty("id").GetGuid()}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task First_admin_is_not_promoted_while_there_is_an_admin()
    {
        await using var first = await servers.StartAsync();
        using var client = first.Anonymous();
        var (email, _) = await client.RegisterAsync();
        await ExecuteAsync(first.Database, "UPDATE users SET email_confirmed = true");
        await using var second = await servers.StartAsync(first.Database, settings: ("Auth:Admin:Email", email));

        var tokens = await client.LoginAsync(email);
        (await RolesAsync(first.With(tokens.Access))).ShouldBe(["citizen"]);
    }

    [Fact]
    public async Task No_first_admin_configured_creates_no_account()
    {
        await using var auth = await servers.StartAsync(settings: [("Auth:Admin:Email", ""), ("Auth:Admin:Password", "")]);
        await using var database = NpgsqlDataSource.Create(auth.Database);
        (await database.CreateCommand("SELECT count(*) FROM users").ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(0L);
    }

    [Fact]
    public void Migrations_match_the_model()
    {
        using var scope = servers.Auth.Services.CreateScope();
        scope.ServiceProvider.GetRequiredService<AuthDbContext>().Database.HasPendingModelChanges().ShouldBeFalse();
    }

    [Fact]
    public async Task Logs_and_traces_contain_no_secrets_or_personal_data()
    {
        var said = new ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                said.Enqueue(activity.DisplayName);
                foreach (var tag in activity.TagObjects)
                {
                    said.Enqueue($"{tag.Key}={tag.Value}");
                }
            },
        };
        ActivitySource.AddActivityListener(listener);

        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<ILoggerProvider>(new Listener(said)));
        using var client = auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        (await client.TryRegisterAsync(new { email, password = AuthServers.GoodPassword, full_name = "Lina Haddad" })).Dispose();
        var tokens = await client.LoginAsync(email);
        (await client.TryLoginAsync(email, "not this one")).Dispose();
        var next = await client.RefreshAsync(tokens.Refresh);
        (await client.TryRefreshAsync(tokens.Refresh)).Dispose();
        (await auth.With(tokens.Access).LogoutAsync(next.Refresh)).Dispose();
        (await auth.With(tokens.Access + "x").MeAsync()).Dispose();
        (await client.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }, TestContext.Current.CancellationToken)).Dispose();
        var link = await TokenAsync("user.email_verification_requested");
        var reset = await TokenAsync("user.password_reset_requested");
        (await client.PostAsJsonAsync("/api/v1/auth/email/verify", new { token = link, password = AuthServers.GoodPassword }, TestContext.Current.CancellationToken)).Dispose();
        (await client.PostAsJsonAsync("/api/v1/auth/password/reset", new { token = reset, new_password = "amber heron 12" }, TestContext.Current.CancellationToken)).Dispose();

        said.Count.ShouldBeGreaterThan(20);
        foreach (var secret in new[]
        {
            email, link, reset, "amber heron 12", AuthServers.GoodPassword, "not this one", "Lina Haddad", tokens.Access, tokens.Refresh, next.Refresh, AuthServers.AdminEmail,
            AuthServers.AdminPassword, AuthServers.SigningKeySecret, AuthServers.ClientSecret,
        })
        {
            said.ShouldNotContain(line => line.Contains(secret, StringComparison.OrdinalIgnoreCase));
        }

        async Task<string> TokenAsync(string type) =>
            (await servers.Events.WaitForAsync(type, data => data.GetProperty("email").GetString() == email)).GetProperty("data").GetProperty("token").GetString() ?? "";
    }

    private static async Task<string?[]> RolesAsync(HttpClient client)
    {
        using var response = await client.MeAsync();
        return [.. (await response.JsonAsync()).GetProperty("roles").EnumerateArray().Select(role => role.GetString())];
    }

    private static Task<long> CountAsync(string connection, string sql, Guid user) => RunAsync<long>(connection, sql, user);

    private static Task ExecuteAsync(string connection, string sql) => RunAsync<object>(connection, sql);

    private static async Task<T?> RunAsync<T>(string connection, string sql, params Guid[] arguments)
    {
        await using var database = NpgsqlDataSource.Create(connection);
        await using var command = database.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        return (T?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    private sealed class Listener(ConcurrentQueue<string> said) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            said.Enqueue(state.ToString() ?? "");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            said.Enqueue(formatter(state, exception));
            said.Enqueue(exception?.ToString() ?? "");
        }

        public void Dispose()
        {
        }
    }
}

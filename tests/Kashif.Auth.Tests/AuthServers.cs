using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

[assembly: AssemblyFixture(typeof(Kashif.Auth.Tests.AuthServers))]

namespace Kashif.Auth.Tests;

/// <summary>The servers of this assembly and one Auth host, started once.</summary>
public sealed class AuthServers : IAsyncLifetime
{
    public const string Issuer = "https://kashif.test/api/v1/auth";
    public const string AdminEmail = "first.admin@kashif.test";
    public const string AdminPassword = "lantern over the harbour";
    public const string ClientId = "coupons";
    public const string ClientSecret = "3n7Q-vTz9-Lw2x-Ks8d-Hf4j-Pm6c-Ry1b";
    public const string SigningKeySecret = "wX7f/2QmZr9TtLk0VbNc5YhJe3SgUa8D";
    public const string GoodPassword = "violet otter 9";

    /// <summary>The cost of password hashes here. The default takes a fifth of a second of a core for each of the hundreds of logins.</summary>
    public const int CheapIterations = 1000;

    private TestServers? _servers;
    private TestIssuer? _stranger;
    private ServiceHost<Program>? _auth;
    private EventTap? _events;

    /// <summary>An issuer that Auth does not trust.</summary>
    public TestIssuer Stranger => _stranger ?? throw NotStarted();
    public ServiceHost<Program> Auth => _auth ?? throw NotStarted();
    public EventTap Events => _events ?? throw NotStarted();

    private TestServers Servers => _servers ?? throw NotStarted();

    public async ValueTask InitializeAsync()
    {
        _servers = await TestServers.StartAsync();
        _stranger = await TestIssuer.StartAsync();
        _events = await EventTap.OpenAsync(_servers.Messaging);
        _auth = await StartAsync();
        await Eventually.TrueAsync(() => ThrottledServers.Throttle(_auth).IsShared, "Redis"); // until then it counts alone
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var started in new IAsyncDisposable?[] { _auth, _events, _stranger, _servers })
        {
            if (started is not null)
            {
                await started.DisposeAsync();
            }
        }
    }

    /// <summary>Starts another Auth, on a new database unless one is given.</summary>
    /// <param name="settings">Null for the default.</param>
    public Task<ServiceHost<Program>> StartAsync(
        string? database = null, Action<IServiceCollection>? configure = null, params (string Key, string? Value)[] settings)
    {
        var all = new Dictionary<string, string?>
        {
            ["Auth:Issuer"] = Issuer,
            ["Auth:SigningKeySecret"] = SigningKeySecret,
            [$"Auth:ServiceClients:{ClientId}:Secret"] = ClientSecret,
            [$"Auth:ServiceClients:{ClientId}:Scopes"] = ServiceScopes.ExchangeApiKeys,
            ["Auth:Throttle:PerAddress"] = "100000", // all tests share one address
            ["Auth:LongestHashingWait"] = "00:02:00", // and one machine
            ["Auth:Throttle:RedisTimeout"] = "00:00:20", // test machines are slow
            ["Auth:PasswordIterations"] = CheapIterations.ToString(CultureInfo.InvariantCulture),
            ["Auth:Admin:Email"] = AdminEmail,
            ["Auth:Admin:Password"] = AdminPassword,
        };
        foreach (var (key, value) in settings)
        {
            if (value is null)
            {
                all.Remove(key);
            }
            else
            {
                all[key] = value;
            }
        }

        return ServiceHost<Program>.StartAsync(Servers, Stranger, ResourceNames.AuthDb, all, database, configure);
    }

    /// <inheritdoc cref="TestServers.LogAsync"/>
    public Task<string> DatabaseLogAsync(string until) => Servers.LogAsync(ResourceNames.Postgres, until, TestContext.Current.CancellationToken);

    /// <summary>Creates an empty database, as a deployment does.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"test-{Guid.CreateVersion7():N}";
        await using var server = NpgsqlDataSource.Create(Servers.DatabaseServer);
        await server.CreateCommand($"CREATE DATABASE \"{name}\"").ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(Servers.DatabaseServer) { Database = name }.ConnectionString;
    }

    private static InvalidOperationException NotStarted() => new("Not started.");
}

/// <summary>The steps of a client.</summary>
internal static class Journey
{
    private const string Base = "/api/v1/auth";

    public static string NewEmail() => $"{Guid.CreateVersion7():N}@people.test";

    public static Task<HttpResponseMessage> TryRegisterAsync(this HttpClient client, object body, string? idempotencyKey = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"{Base}/register") { Content = JsonContent.Create(body) };
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return client.SendAsync(request);
    }

    /// <returns>The e-mail address and the account as Auth returns it.</returns>
    public static async Task<(string Email, JsonElement User)> RegisterAsync(this HttpClient client, string password = AuthServers.GoodPassword)
    {
        var email = NewEmail();
        using var response = await client.TryRegisterAsync(new { email, password, full_name = "Lina Haddad" });
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        return (email, await response.JsonAsync());
    }

    /// <summary>Registers an account whose address is verified.</summary>
    public static async Task<(string Email, JsonElement User)> RegisterVerifiedAsync(this ServiceHost<Program> auth)
    {
        using var client = auth.Anonymous();
        var registered = await client.RegisterAsync();
        await using var database = NpgsqlDataSource.Create(auth.Database);
        await using var command = database.CreateCommand("UPDATE users SET email_confirmed = true WHERE email = $1");
        command.Parameters.AddWithValue(registered.Email);
        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
        return registered;
    }

    /// <summary>Takes an address while a request for it runs, as a replica of an older version does: without locking it.</summary>
    public static async Task<HttpResponseMessage> TakeMeanwhileAsync(this ServiceHost<Program> auth, string email, Func<Task<HttpResponseMessage>> request)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var database = NpgsqlDataSource.Create(auth.Database);
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using var insert = new NpgsqlCommand(
            """
            INSERT INTO users (id, email, normalized_email, email_confirmed, password_hash, security_stamp, access_failed_count, full_name, roles, language, created_at)
            VALUES (gen_random_uuid(), $1, upper($1), false, 'hash', 'stamp', 0, 'A', '{citizen}', 'en', now())
            """, connection);
        insert.Parameters.AddWithValue(email);
        await insert.ExecuteNonQueryAsync(cancel);

        var answer = request();
        await Eventually.TrueAsync(
            async () =>
            {
                await using var waiting = database.CreateCommand("SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))");
                waiting.Parameters.AddWithValue(connection.ProcessID);
                return (long?)await waiting.ExecuteScalarAsync(cancel) == 1;
            },
            "a request that waits for the address");
        await transaction.CommitAsync(cancel);
        return await answer;
    }

    public static Task<HttpResponseMessage> TryTokenAsync(this HttpClient client, params (string Name, string Value)[] form) =>
        client.PostAsync($"{Base}/token", new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value))));

    public static Task<HttpResponseMessage> TryLoginAsync(this HttpClient client, string email, string password = AuthServers.GoodPassword) =>
        client.TryTokenAsync(("username", email), ("password", password));

    public static async Task<Tokens> LoginAsync(this HttpClient client, string email, string password = AuthServers.GoodPassword)
    {
        using var response = await client.TryLoginAsync(email, password);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return Tokens.Of(await response.JsonAsync());
    }

    public static Task<HttpResponseMessage> TryRefreshAsync(this HttpClient client, string refreshToken) =>
        client.PostAsJsonAsync($"{Base}/refresh", new { refresh_token = refreshToken });

    public static async Task<Tokens> RefreshAsync(this HttpClient client, string refreshToken)
    {
        using var response = await client.TryRefreshAsync(refreshToken);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return Tokens.Of(await response.JsonAsync());
    }

    public static Task<HttpResponseMessage> LogoutAsync(this HttpClient client, string refreshToken) =>
        client.PostAsJsonAsync($"{Base}/logout", new { refresh_token = refreshToken });

    /// <summary>The session id in an access token.</summary>
    public static Guid SessionOf(Tokens tokens) =>
        Guid.Parse(new System.IdentityModel.Tokens.Jwt.JwtSecurityToken(tokens.Access).Claims.Single(claim => claim.Type == "sid").Value);

    /// <summary>The user's own audit log, newest first.</summary>
    public static async Task<List<JsonElement>> AuditAsync(this HttpClient client, string? action = null)
    {
        var page = await client.GetFromJsonAsync<JsonElement>($"{Base}/me/audit-log{(action is null ? "" : $"?action={action}")}");
        return [.. page.GetProperty("items").EnumerateArray()];
    }

    public static Task<HttpResponseMessage> MeAsync(this HttpClient client) => client.GetAsync($"{Base}/me");

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response) =>
        JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsByteArrayAsync());

    /// <summary>Asserts a problem with this status and code.</summary>
    public static async Task<JsonElement> ShouldBeProblemAsync(this HttpResponseMessage response, HttpStatusCode status, string code)
    {
        response.StatusCode.ShouldBe(status);
        (response.Content.Headers.ContentType?.MediaType).ShouldBe("application/problem+json");
        var problem = await response.JsonAsync();
        problem.GetProperty("code").GetString().ShouldBe(code);
        problem.GetProperty("trace_id").GetString().ShouldNotBeNullOrEmpty();
        return problem;
    }

    /// <summary>Asserts a 400 that names exactly these fields.</summary>
    public static async Task ShouldNameFieldsAsync(this HttpResponseMessage response, params string[] fields)
    {
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "invalid_request");
        problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe(fields, ignoreOrder: true);
    }
}

internal sealed record Tokens(string Access, string Refresh, JsonElement Raw)
{
    /// <summary>Only after a login.</summary>
    public string Device => Raw.GetProperty("device_token").GetString() ?? "";

    public static Tokens Of(JsonElement answer) => new(
        answer.GetProperty("access_token").GetString() ?? "", answer.GetProperty("refresh_token").GetString() ?? "", answer);
}

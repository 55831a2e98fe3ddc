using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>Auth with its own broker: hosts on one broker share a queue, and the receipts must reach this host.</summary>
public sealed class DeletionServers : IAsyncLifetime
{
    private TestServers? _servers;
    private TestIssuer? _issuer;
    private EventTap? _events;
    private ServiceHost<Program>? _auth;

    public EventTap Events => _events ?? throw new InvalidOperationException("Not started.");
    public ServiceHost<Program> Auth => _auth ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _servers = await TestServers.StartAsync();
        _issuer = await TestIssuer.StartAsync();
        _events = await EventTap.OpenAsync(_servers.Messaging);
        _auth = await StartAsync();
    }

    /// <summary>Starts Auth with a short time to the last sweep.</summary>
    public Task<ServiceHost<Program>> StartAsync(string? database = null) => ServiceHost<Program>.StartAsync(
        _servers ?? throw new InvalidOperationException("Not started."),
        _issuer ?? throw new InvalidOperationException("Not started."),
        ResourceNames.AuthDb,
        new Dictionary<string, string?>
        {
            ["Auth:Issuer"] = AuthServers.Issuer,
            ["Auth:SigningKeySecret"] = AuthServers.SigningKeySecret,
            ["Auth:PasswordIterations"] = AuthServers.CheapIterations.ToString(CultureInfo.InvariantCulture),
            ["Auth:Admin:Email"] = AuthServers.AdminEmail,
            ["Auth:Admin:Password"] = AuthServers.AdminPassword,
            ["Auth:AccessTokenLifetime"] = "00:00:02",
            ["Auth:Deletion:Grace"] = "00:00:01",
            ["Auth:Deletion:Poll"] = "00:00:00.2",
            ["Auth:Deletion:Repeat"] = "00:00:01",
        },
        database);

    public async ValueTask DisposeAsync()
    {
        foreach (var started in new IAsyncDisposable?[] { _auth, _events, _issuer, _servers })
        {
            if (started is not null)
            {
                await started.DisposeAsync();
            }
        }
    }
}

/// <summary>Account deletion.</summary>
public sealed class DeletionTests(DeletionServers servers) : IClassFixture<DeletionServers>
{
    private static readonly string[] Services = [ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications];

    [Fact]
    public async Task Deletion_removes_the_account_and_all_its_data()
    {
        using var anonymous = servers.Auth.Anonymous();
        var email = Journey.NewEmail();
        var body = new { email, password = AuthServers.GoodPassword, full_name = "Lina Haddad" };
        using var registered = await anonymous.TryRegisterAsync(body, idempotencyKey: "once");
        var user = (await registered.JsonAsync()).GetProperty("id").GetGuid();
        var tokens = await anonymous.LoginAsync(email);
        using var client = servers.Auth.With(tokens.Access);
        await (await DeleteAsync(client, "not the password")).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");

        using var accepted = await DeleteAsync(client);

        accepted.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var deletion = await accepted.JsonAsync();
        (accepted.Headers.Location?.ToString()).ShouldBe($"/api/v1/auth/deletions/{deletion.GetProperty("id").GetGuid()}");
        deletion.GetProperty("status").GetString().ShouldBe("erasing");
        deletion.GetProperty("services").EnumerateArray().Select(service => service.GetProperty("service").GetString()).ShouldBe(Services);
        (await client.MeAsync()).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await anonymous.TryRefreshAsync(tokens.Refresh)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await anonymous.TryLoginAsync(email)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        await servers.Events.WaitForAsync(UserDeleted.Type, data => data.GetProperty("user_id").GetGuid() == user);

        (await DatabaseScan.TablesWithAsync(servers.Auth.Database, email)).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(servers.Auth.Database, user.ToString())).Except(["outbox"]).ShouldBeSubsetOf(["account_deletions", "audit_log"]);
        (await CountAsync("SELECT count(*) FROM audit_log WHERE user_id = $1 AND (ip_address IS NOT NULL OR user_agent IS NOT NULL)", user)).ShouldBe(0);
        (await CountAsync("SELECT count(*) FROM audit_log WHERE user_id = $1 AND action = 'deletion_requested'", user)).ShouldBe(1);

        // The address is free again, and the stored answer of the Idempotency-Key is gone.
        using var again = await anonymous.TryRegisterAsync(body, idempotencyKey: "once");
        again.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await again.JsonAsync()).GetProperty("id").GetGuid().ShouldNotBe(user);
    }

    [Fact]
    public async Task Deletion_completes_after_every_service_confirms_the_last_sweep()
    {
        var (user, id) = await BeginAsync();

        // Receipts before the last sweep, five times each, do not complete the deletion.
        foreach (var service in Services)
        {
            var early = Guid.CreateVersion7();
            for (var time = 0; time < 5; time++)
            {
                await ConfirmAsync(user, service, early);
            }
        }

        await Eventually.TrueAsync(async () => (await ReadAsync(id)).GetProperty("services").EnumerateArray()
            .All(service => service.GetProperty("erased_at").ValueKind is JsonValueKind.String), "the early receipts");
        (await ReadAsync(id)).GetProperty("status").GetString().ShouldBe("erasing");

        await Eventually.TrueAsync(() => Told(user) >= 2, "the last sweep");
        await Task.WhenAll(Services.Skip(1).Select(service => ConfirmAsync(user, service)));
        var told = Told(user);
        await Eventually.TrueAsync(() => Told(user) > told, "the event to be repeated for the missing service");
        (await ReadAsync(id)).GetProperty("status").GetString().ShouldBe("erasing");
        await ConfirmAsync(user, Services[0]);
        await ConfirmAsync(user, Services[0]);

        await Eventually.TrueAsync(async () => (await ReadAsync(id)).GetProperty("status").GetString() == "completed", "the deletion to complete");
        (await CountAsync("SELECT count(*) FROM audit_log WHERE user_id = $1 AND action = 'deletion_completed'", user)).ShouldBe(1);
    }

    [Fact]
    public async Task Deletion_with_parallel_receipts_completes_once()
    {
        var (user, id) = await BeginAsync();
        await Eventually.TrueAsync(() => Told(user) >= 2, "the last sweep");

        await Task.WhenAll(Services.SelectMany(service => Enumerable.Range(0, 5).Select(_ => ConfirmAsync(user, service))));

        await Eventually.TrueAsync(async () => (await ReadAsync(id)).GetProperty("status").GetString() == "completed", "the deletion to complete");
        (await CountAsync("SELECT count(*) FROM audit_log WHERE user_id = $1 AND action = 'deletion_completed'", user)).ShouldBe(1);
    }

    [Fact]
    public async Task Deletion_and_export_read_by_index()
    {
        var (email, user) = await servers.Auth.Anonymous().RegisterAsync();
        using var client = servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(email)).Access);
        using var queries = PersonQueries.Record(user.GetProperty("id").GetGuid());

        (await client.GetAsync("/api/v1/auth/me/export")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await DeleteAsync(client)).StatusCode.ShouldBe(HttpStatusCode.Accepted);

        (await queries.ScansAsync(servers.Auth.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Deletion_does_not_wait_for_a_relay_that_waits_for_the_broker()
    {
        var (email, user) = await servers.Auth.Anonymous().RegisterAsync();
        using var client = servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(email)).Access);
        await using var relay = new NpgsqlConnection(servers.Auth.Database);
        await relay.OpenAsync();
        NpgsqlTransaction? publishing = null;
        await Eventually.TrueAsync(async () =>
        {
            var id = Guid.CreateVersion7();
            await ExecuteAsync("INSERT INTO outbox (id, type, subject, payload, occurred_at) VALUES ($1, 'user.updated', $2, '{}', now())", id, user.GetProperty("id").GetString());
            publishing = await relay.BeginTransactionAsync();
            if (await ExecuteAsync("DELETE FROM outbox WHERE id = $1", id) == 1)
            {
                return true;
            }

            await publishing.DisposeAsync(); // the service's own relay was faster
            return false;
        }, "the lock of an unpublished event");

        (await DeleteAsync(client)).StatusCode.ShouldBe(HttpStatusCode.Accepted);

        await publishing.ShouldNotBeNull().CommitAsync();

        async Task<int> ExecuteAsync(string sql, params object?[] values)
        {
            await using var command = new NpgsqlCommand(sql, relay);
            command.Parameters.AddRange(values.Select(value => new NpgsqlParameter { Value = value }).ToArray());
            return await command.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task Parallel_deletion_requests_start_one_deletion()
    {
        var (email, user) = await servers.Auth.Anonymous().RegisterAsync();
        using var client = servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(email)).Access);

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => DeleteAsync(client)));

        answers.Select(answer => answer.StatusCode).ShouldContain(HttpStatusCode.Accepted);
        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.Accepted || answer.StatusCode == HttpStatusCode.NotFound || answer.StatusCode == HttpStatusCode.UnprocessableEntity);
        var accepted = await Task.WhenAll(answers.Where(answer => answer.StatusCode == HttpStatusCode.Accepted).Select(answer => answer.JsonAsync()));
        accepted.Select(answer => answer.GetProperty("id").GetGuid()).Distinct().Count().ShouldBe(1);
        (await CountAsync("SELECT count(*) FROM account_deletions WHERE user_id = $1", user.GetProperty("id").GetGuid())).ShouldBe(1);
    }

    [Fact]
    public async Task Last_admin_cannot_delete_the_account()
    {
        using var admin = servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword)).Access);
        await (await DeleteAsync(admin, AuthServers.AdminPassword)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "last_admin");
        (await admin.MeAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Unknown_deletion_returns_404() =>
        await (await servers.Auth.Anonymous().GetAsync($"/api/v1/auth/deletions/{Guid.CreateVersion7()}")).ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");

    /// <returns>The ids of the user and the deletion.</returns>
    private async Task<(Guid User, Guid Deletion)> BeginAsync()
    {
        var (email, user) = await servers.Auth.Anonymous().RegisterAsync();
        using var client = servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(email)).Access);
        using var accepted = await DeleteAsync(client);
        accepted.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        return (user.GetProperty("id").GetGuid(), (await accepted.JsonAsync()).GetProperty("id").GetGuid());
    }

    private Task ConfirmAsync(Guid user, string service, Guid? id = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        return servers.Events.PublishAsync(new UserDataErased(user, service), id, now);
    }

    private int Told(Guid user) =>
        servers.Events.Envelopes(UserDeleted.Type).Count(envelope => envelope.GetProperty("data").GetProperty("user_id").GetGuid() == user);

    private Task<JsonElement> ReadAsync(Guid id) => servers.Auth.Anonymous().GetFromJsonAsync<JsonElement>($"/api/v1/auth/deletions/{id}");

    private static Task<HttpResponseMessage> DeleteAsync(HttpClient client, string password = AuthServers.GoodPassword) =>
        client.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/api/v1/auth/me") { Content = JsonContent.Create(new { password }) });

    private async Task<long> CountAsync(string sql, Guid user)
    {
        await using var source = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = user });
        return (long)(await command.ExecuteScalarAsync() ?? 0L);
    }
}

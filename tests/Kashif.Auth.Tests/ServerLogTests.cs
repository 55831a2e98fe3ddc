using System.Net;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>PostgreSQL's log has no personal data.</summary>
public sealed class ServerLogTests(AuthServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <remarks>On a server as talkative as PostgreSQL's default, which a deployment may have.</remarks>
    [Fact]
    public async Task An_address_that_many_want_is_not_in_the_servers_log()
    {
        var database = await servers.CreateDatabaseAsync();
        await using (var server = NpgsqlDataSource.Create(database))
        {
            var name = new NpgsqlConnectionStringBuilder(database).Database;
            await server.CreateCommand($"ALTER DATABASE \"{name}\" SET log_error_verbosity = 'default'").ExecuteNonQueryAsync(Cancel);
        }

        var value = await ViolateAsync(database);
        await using var auth = await servers.StartAsync(database);
        using var client = auth.Anonymous();
        var wanted = Journey.NewEmail();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => client.TryRegisterAsync(new { email = wanted, password = AuthServers.GoodPassword, full_name = "Lina Haddad" })));

        answers.Count(answer => answer.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict).ShouldBe(9);
        var log = await LogAsync();
        log.ShouldContain(value, Case.Sensitive, "the log has the values of violated constraints");
        log.ShouldNotContain(wanted, Case.Insensitive);
    }

    [Fact]
    public async Task The_AppHosts_server_logs_no_values()
    {
        var value = await ViolateAsync(servers.Auth.Database);

        var log = await LogAsync();
        log.ShouldContain("duplicate key value");
        log.ShouldNotContain(value, Case.Sensitive);
    }

    /// <summary>Violates a unique index.</summary>
    /// <returns>The value.</returns>
    private static async Task<string> ViolateAsync(string connection)
    {
        var value = $"VALUE-{Guid.CreateVersion7():N}";
        await using var database = NpgsqlDataSource.Create(connection);

        // The statement itself is logged, so it must not contain the value.
        await using var twice = database.CreateCommand($"CREATE TEMPORARY TABLE people (address text UNIQUE); INSERT INTO people SELECT upper('{value.ToLowerInvariant()}') FROM generate_series(1, 2)");
        await Should.ThrowAsync<PostgresException>(() => twice.ExecuteNonQueryAsync(Cancel));
        return value.ToUpperInvariant();
    }

    /// <summary>The server's log up to an error that this call makes.</summary>
    private async Task<string> LogAsync()
    {
        var mark = $"mark_{Guid.CreateVersion7():N}";
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand($"SELECT {mark}");
        await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Cancel));
        return await servers.DatabaseLogAsync(mark);
    }
}

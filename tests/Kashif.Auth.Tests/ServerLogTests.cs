using System.Net;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>PostgreSQL's log has no personal data, also where two requests want the same address.</summary>
public sealed class ServerLogTests(AuthServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Addresses_that_are_taken_are_not_in_the_servers_log()
    {
        using var client = servers.Auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        var wanted = Journey.NewEmail();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => client.TryRegisterAsync(new { email = wanted, password = AuthServers.GoodPassword, full_name = "Lina Haddad" })));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict).ShouldBe(9);
        using var again = await client.TryRegisterAsync(new { email, password = AuthServers.GoodPassword, full_name = "Lina Haddad" });
        await again.ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");

        var log = await LogAsync();
        log.ShouldNotContain(email, Case.Insensitive);
        log.ShouldNotContain(wanted, Case.Insensitive);
        log.ShouldNotContain("@people.test", Case.Insensitive);
    }

    [Fact]
    public async Task The_server_logs_an_error_without_its_values()
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var twice = database.CreateCommand("CREATE TEMPORARY TABLE people (address text UNIQUE); INSERT INTO people SELECT upper('a') || '@b.test' FROM generate_series(1, 2)");

        var failure = await Should.ThrowAsync<PostgresException>(() => twice.ExecuteNonQueryAsync(Cancel));
        failure.ToString().ShouldNotContain("A@b.test");
        (await LogAsync()).ShouldNotContain("A@b.test");
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

using System.Diagnostics;
using System.Text.Json.Nodes;
using Npgsql;

namespace Kashif.LocalEngine.Tests;

public sealed class LifetimeTests : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), $"kashif-lifetime-{Guid.CreateVersion7():n}");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        if (Directory.Exists(_root))
        {
            Directory.Delete(_root, recursive: true);
        }
    }

    [Fact]
    public async Task Killing_the_AppHost_leaves_no_process_and_the_next_run_finds_its_data()
    {
        await using (var killed = new AppHostProcess(_root))
        {
            var state = await killed.HealthyAsync(Cancelled);
            await ExecuteAsync(state, "CREATE TABLE kept AS SELECT 1");
            var query = await BusyAsync(state);
            var tree = killed.Tree();
            string[] expected = ["postgres", "beam.smp", "erl_child_setup", "epmd", "redis-server", "dotnet", "sh"];
            tree.Select(p => p.Name).Intersect(expected).ShouldBe(expected, ignoreOrder: true);

            killed.Kill();
            await GoneAsync(tree, TimeSpan.FromSeconds(10));
            await query;
            File.Exists(Path.Combine(_root, "run", "state.json")).ShouldBeFalse();
        }

        await using var next = new AppHostProcess(_root);
        await ExecuteAsync(await next.HealthyAsync(Cancelled), "INSERT INTO kept VALUES (2)");
    }

    [Fact]
    public async Task Control_C_stops_everything_in_order_and_a_second_run_finds_the_first_ones_data()
    {
        await using (var first = new AppHostProcess(_root))
        {
            var state = await first.HealthyAsync(Cancelled);
            await ExecuteAsync(state, "CREATE TABLE kept AS SELECT 1");
            var tree = first.Tree();
            var begin = Stopwatch.GetTimestamp();
            first.Interrupt();
            (await first.ExitedAsync(Cancelled)).Code.ShouldBe(0);
            await GoneAsync(tree, TimeSpan.FromSeconds(10) - Stopwatch.GetElapsedTime(begin));
            (await first.Output).ShouldContain("All resources are healthy");
        }

        Directory.EnumerateFiles(Path.Combine(_root, "run")).ShouldNotContain(f => f.EndsWith("state.json", StringComparison.Ordinal));
        File.GetUnixFileMode(Path.Combine(_root, "secrets.json")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await File.ReadAllTextAsync(Path.Combine(_root, "run", "logs", "postgres.log"), Cancelled)).ShouldContain("received fast shutdown request");

        await using var second = new AppHostProcess(_root);
        await ExecuteAsync(await second.HealthyAsync(Cancelled), "INSERT INTO kept VALUES (2)");
    }

    [Fact]
    public async Task A_second_run_on_the_same_data_is_refused()
    {
        await using var first = new AppHostProcess(_root);
        await first.HealthyAsync(Cancelled);
        await using var second = new AppHostProcess(_root);

        var (code, errors) = await second.ExitedAsync(Cancelled);
        code.ShouldBe(1);
        errors.ShouldStartWith("Another run of this application is alive");
        await first.HealthyAsync(Cancelled);
    }

    /// <summary>A backend in the middle of a long query, which would not look up when its server is gone.</summary>
    /// <returns>The connection is open; its query ends when the server does.</returns>
    private static async Task<Task> BusyAsync(JsonNode state)
    {
        var connection = new NpgsqlConnection(ConnectionString(state));
        await connection.OpenAsync(Cancelled);
        return RunAsync();

        async Task RunAsync()
        {
            await using (connection)
            {
                await using var command = new NpgsqlCommand("SELECT count(*) FROM generate_series(1, 1000000000000)", connection) { CommandTimeout = 0 };
                await Should.ThrowAsync<NpgsqlException>(() => command.ExecuteScalarAsync(Cancelled));
            }
        }
    }

    private static async Task ExecuteAsync(JsonNode state, string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(state));
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private static string ConnectionString(JsonNode state) => $"{state["connectionStrings"]?["sample-db"]};Pooling=false";

    private static async Task GoneAsync(IReadOnlyList<ProcessIdentity> tree, TimeSpan within)
    {
        var begin = Stopwatch.GetTimestamp();
        while (tree.Any(p => p.IsAlive))
        {
            Stopwatch.GetElapsedTime(begin).ShouldBeLessThan(within, $"still alive: {string.Join(", ", tree.Where(p => p.IsAlive))}");
            await Task.Delay(100, Cancelled);
        }
    }
}

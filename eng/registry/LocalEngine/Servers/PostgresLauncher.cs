using Aspire.Hosting.ApplicationModel;
using Npgsql;

namespace Kashif.LocalEngine;

internal sealed class PostgresLauncher(PostgresServerResource server) : ILauncher
{
    public bool Chatty => false;

    public void Verify() => _ = Program("postgres");

    public async Task<IReadOnlyList<ProcessSpec>> PrepareAsync(Instance instance, CancellationToken cancellationToken)
    {
        // PostgreSQL refuses to run as root.
        var user = Environment.IsPrivilegedProcess ? "postgres" : null;
        var data = await DirectoryAsync(instance, user).ConfigureAwait(false);
        if (!File.Exists(Path.Combine(data, "PG_VERSION")))
        {
            await InitialiseAsync(instance, data, user, cancellationToken).ConfigureAwait(false);
        }

        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "127.0.0.1",
            ["port"] = $"{instance.PortOf("tcp")}",
            ["unix_socket_directories"] = "",
            ["max_connections"] = "300",
            ["shared_buffers"] = "256MB",
            ["max_wal_size"] = "2GB",
            ["logging_collector"] = "off",
        };
        if (!instance.Options.Durable)
        {
            // What is committed still survives the end of any process, only not that of the machine.
            settings["fsync"] = "off";
            settings["full_page_writes"] = "off";
        }

        return
        [
            new(Program("postgres"), ["-D", data, .. settings.SelectMany(s => new[] { "-c", $"{s.Key}={s.Value}" })])
            {
                User = user,
                WorkingDirectory = data,
                StopSignal = Signal.Int, // A fast shutdown: sessions are ended, all is written.
                DeathSignal = Signal.Quit, // At once, but with its backends; replayed from the log at the next start.
            },
        ];
    }

    public async Task CompleteAsync(Instance instance, CancellationToken cancellationToken)
    {
        await using var connection = await Probes.ConnectAsync(server, "postgres", cancellationToken).ConfigureAwait(false);
        foreach (var database in server.Databases.Values)
        {
            await using var exists = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection) { Parameters = { new() { Value = database } } };
            if (await exists.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is null)
            {
                await using var create = new NpgsqlCommand($"CREATE DATABASE \"{database.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", connection);
                await create.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The data directory, owned by the server's user; elsewhere when that user cannot come to where the repository is.</summary>
    private static async Task<string> DirectoryAsync(Instance instance, string? user)
    {
        var data = instance.Workspace.DataOf(instance.Resource);
        Directory.CreateDirectory(Path.GetDirectoryName(data)!);
        if (user is not null && !await CanReachAsync(instance, Path.GetDirectoryName(data)!, user).ConfigureAwait(false))
        {
            var outside = instance.Workspace.OutsideOf(data);
            instance.Logs.Tell(instance.Id, $"The user {user} cannot reach {data}; the data are in {outside}.");
            data = outside;
            foreach (var path in instance.Workspace.ThrowAway)
            {
                instance.Supervisor.DeleteAfterDeath(path);
            }

            Directory.CreateDirectory(Path.GetDirectoryName(data)!);
        }

        await OwnAsync(instance, data, user).ConfigureAwait(false);
        return data;
    }

    private static async Task<bool> CanReachAsync(Instance instance, string directory, string user) =>
        await instance.Supervisor.RunAsync(new("test", "-x", directory) { User = user }, (_, _) => { }).ConfigureAwait(false) == 0;

    private async Task InitialiseAsync(Instance instance, string data, string? user, CancellationToken cancellationToken)
    {
        var userName = await server.UserNameReference.GetValueAsync(cancellationToken).ConfigureAwait(false);
        var password = await server.PasswordParameter.GetValueAsync(cancellationToken).ConfigureAwait(false);

        // Made whole beside its place, so that a start that was interrupted is not taken for data.
        var next = $"{data}.next";
        var passwordFile = $"{data}.password";
        try
        {
            Workspace.Delete(next);
            Files.WritePrivate(passwordFile, password!);
            await OwnAsync(instance, next, user).ConfigureAwait(false);
            if (user is not null)
            {
                await instance.RunAsync(new("chown", user, passwordFile)).ConfigureAwait(false);
            }

            string[] sync = instance.Options.Durable ? [] : ["--no-sync"];
            await instance.RunAsync(new(Program("initdb"), ["-D", next, "-U", userName!, $"--pwfile={passwordFile}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", .. sync])
            {
                User = user,
            }).ConfigureAwait(false);
            Directory.Delete(data);
            Directory.Move(next, data);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    private static async Task OwnAsync(Instance instance, string directory, string? user)
    {
        Files.CreatePrivateDirectory(directory);
        if (user is not null)
        {
            await instance.RunAsync(new("chown", $"{user}:", directory)).ConfigureAwait(false);
        }
    }

    private static string Program(string name) =>
        Executables.Find(name, [.. Executables.Versions("/usr/lib/postgresql", "bin"), .. Executables.Versions("/opt/homebrew/opt", "bin").Where(d => d.Contains("postgresql", StringComparison.Ordinal))])
        ?? throw new MissingServerException("PostgreSQL", name, "postgresql", "postgresql@17");
}

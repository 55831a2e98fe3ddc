using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using Spectre.Console;

namespace Kashif.Cli;

/// <summary>The commands of <c>./kashif</c> for a running system.</summary>
internal static partial class Commands
{
    private const string Gateway = "gateway";
    private const string Healthy = "healthy";
    private const string Unreachable = "cannot be reached with its connection string";
    private const string Logs = ".kashif/logs";
    private static readonly string[] Services = ["auth", "reporting", "gamification", "coupons", "notifications"];
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(60);

    public static string ServiceNames => string.Join(", ", Services);

    /// <summary>Prints progress until all resources are healthy, then the status.</summary>
    /// <param name="appHost">The process id of the AppHost.</param>
    /// <returns>0, or 1 if the AppHost or a resource failed.</returns>
    public static async Task<int> WatchAsync(int appHost)
    {
        using var limit = new CancellationTokenSource(LongestStart);
        var states = new Dictionary<string, string>();
        try
        {
            using var connection = await ConnectAsync(appHost, limit.Token);
            return connection is not null && await WatchAsync(connection, states, limit.Token) ? 0 : 1;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            var late = states.Where(state => state.Value != Healthy).Select(state => state.Key).Order();
            throw new CliException($"Not healthy after {LongestStart.TotalMinutes} minutes: {string.Join(", ", late.DefaultIfEmpty("the AppHost"))}.");
        }
    }

    /// <returns>0, or 1 if a resource is not healthy.</returns>
    public static async Task<int> StatusAsync()
    {
        using var connection = await AppHostConnection.OpenAsync();
        return await ShowAsync(connection) ? 0 : 1;
    }

    /// <summary>Stops this checkout's run and waits until all its processes have ended.</summary>
    public static async Task<int> StopAsync()
    {
        using var connection = await AppHostConnection.TryOpenAsync();
        if (connection is null)
        {
            await Console.Error.WriteLineAsync("Kashif is not running here.");
            return 0;
        }

        var mark = File.Exists(".kashif/run.id") ? (await File.ReadAllLinesAsync(".kashif/run.id")).ElementAtOrDefault(1) : null;
        await connection.StopAsync();
        var start = Stopwatch.GetTimestamp();
        while (IsAlive(connection.ProcessId) || (mark is not null && AnyWith(mark)))
        {
            if (Stopwatch.GetElapsedTime(start) > LongestStop)
            {
                throw new CliException("Some processes are still running. List them with: grep -la KASHIF_RUN= /proc/[0-9]*/environ");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200));
        }

        await Console.Error.WriteLineAsync("Stopped.");
        return 0;
    }

    /// <summary>Prints the logs of the running system, or of the last run.</summary>
    public static async Task<int> LogsAsync(string[] words)
    {
        var follow = words.Contains("-f");
        string[] resources = [.. words.Where(word => word != "-f")];
        var prefix = resources.Length != 1;
        using var connection = await AppHostConnection.TryOpenAsync();
        if (connection is not null)
        {
            var names = (await connection.ResourcesAsync()).Where(candidate => !candidate.IsParameter).Select(candidate => candidate.Title).Distinct().Order().ToArray();
            if (resources.Except(names).FirstOrDefault() is { } unknown)
            {
                throw new CliException($"Unknown resource '{unknown}'. Resources: {string.Join(", ", names.Where(name => !name.EndsWith("-rebuilder", StringComparison.Ordinal)))}."); // Aspire's
            }

            await Task.WhenAll((resources is [] ? names : resources).Select(name => PrintAsync(connection, name, follow, prefix)));
            return 0;
        }

        var last = Directory.Exists(Logs) ? Directory.EnumerateDirectories(Logs).Order().LastOrDefault() : null;
        if (last is null)
        {
            throw new CliException("There are no logs yet.");
        }

        string[] files = resources is [] ? [.. Directory.EnumerateFiles(last, "*.log").Order()] : [.. resources.Select(resource => Path.Combine(last, $"{resource}.log"))];
        if (files.FirstOrDefault(file => !File.Exists(file)) is { } missing)
        {
            throw new CliException($"The last run has no log for '{Path.GetFileNameWithoutExtension(missing)}'.");
        }

        await Console.Error.WriteLineAsync($"Kashif is not running here. The logs of the last run, in {last}:");
        foreach (var file in files)
        {
            await foreach (var line in File.ReadLinesAsync(file))
            {
                Print(Path.GetFileNameWithoutExtension(file), line, prefix);
            }
        }

        return 0;
    }

    public static async Task<int> PsqlAsync(string service, string[] arguments)
    {
        using var connection = await AppHostConnection.OpenAsync();
        var database = new NpgsqlConnectionStringBuilder(await connection.ExecuteAsync($"{Known(service)}-db", "connection-string"));
        var start = new ProcessStartInfo("psql", arguments);
        start.Environment["PGHOST"] = database.Host;
        start.Environment["PGPORT"] = database.Port.ToString(CultureInfo.InvariantCulture);
        start.Environment["PGUSER"] = database.Username;
        start.Environment["PGPASSWORD"] = database.Password;
        start.Environment["PGDATABASE"] = database.Database;
        using var psql = Process.Start(start) ?? throw new CliException("psql did not start.");
        await psql.WaitForExitAsync();
        return psql.ExitCode;
    }

    /// <param name="options">Pairs such as <c>--type report.created</c>; the service's program knows them.</param>
    public static async Task<int> DeadLettersAsync(string verb, string service, string[] options)
    {
        if (options.Chunk(2).FirstOrDefault(pair => pair is not [['-', '-', _, ..], _]) is [var wrong, ..])
        {
            throw new CliException($"Not an option with a value: {wrong}.");
        }

        if (options.Chunk(2).GroupBy(pair => pair[0]).FirstOrDefault(pairs => pairs.Count() > 1) is { Key: var repeated })
        {
            throw new CliException($"{repeated} is given twice.");
        }

        using var connection = await AppHostConnection.OpenAsync();
        Console.WriteLine(await connection.ExecuteAsync(
            Known(service), $"dead-letters-{verb}", options.Chunk(2).ToDictionary(pair => pair[0][2..], pair => pair[1])));
        return 0;
    }

    public static async Task<int> MigrateAsync()
    {
        using var connection = await AppHostConnection.OpenAsync();
        foreach (var service in Services)
        {
            await connection.ExecuteAsync(service, "migrate");
            Console.WriteLine($"Migrated {service}.");
        }

        return 0;
    }

    /// <exception cref="CliException">The ledger is not whole; the message lists the findings.</exception>
    public static async Task<int> VerifyLedgerAsync()
    {
        using var connection = await AppHostConnection.OpenAsync();
        Console.WriteLine(await connection.ExecuteAsync("gamification", "verify-ledger"));
        return 0;
    }

    private static string Known(string service) => Services.Contains(service)
        ? service
        : throw new CliException($"'{service}' is not a service with a database. Services: {ServiceNames}."); // the gateway has none

    private static async Task<AppHostConnection?> ConnectAsync(int appHost, CancellationToken cancellationToken)
    {
        while (IsAlive(appHost))
        {
            if (await AppHostConnection.TryOpenAsync(appHost) is { } connection)
            {
                return connection;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }

        return null;
    }

    /// <param name="states">The latest state of each resource.</param>
    /// <returns>Whether the gateway became healthy, which is the last one.</returns>
    private static async Task<bool> WatchAsync(AppHostConnection connection, Dictionary<string, string> states, CancellationToken cancellationToken)
    {
        await foreach (var resource in (await connection.WatchResourcesAsync()).WithCancellation(cancellationToken))
        {
            if (resource.IsParameter || resource.IsHidden)
            {
                continue;
            }

            var state = resource.IsHealthy ? Healthy : resource.IsUnreachable ? Unreachable : resource.State ?? "unknown";
            if (states.GetValueOrDefault(resource.Title) != state && state is "Starting" or Healthy or Unreachable or "FailedToStart" or "Exited" or "Finished")
            {
                await Console.Error.WriteLineAsync($"  {resource.Title,-18} {state.ToLowerInvariant()}");
            }

            states[resource.Title] = state;
            if (resource.HasFailed)
            {
                await Console.Error.WriteLineAsync($"{resource.Title} did not start. Its log: ./kashif logs {resource.Title}");
                return false;
            }

            if (resource.Title == Gateway && resource.IsHealthy)
            {
                await ShowAsync(connection);
                return true;
            }
        }

        return false;
    }

    /// <returns>Whether all resources are healthy.</returns>
    private static async Task<bool> ShowAsync(AppHostConnection connection)
    {
        var resources = (await connection.ResourcesAsync()).Where(resource => !resource.IsParameter && !resource.IsHidden).OrderBy(resource => resource.Title).ToArray();
        var table = new Table().Border(TableBorder.None).AddColumns("resource", "state", "health", "where");
        foreach (var resource in resources)
        {
            var urls = (resource.Urls ?? []).Where(url => !url.IsInternal).Select(url => url.Url);
            table.AddRow(new Text(resource.Title), new Text(resource.State ?? ""), new Text(resource.HealthStatus ?? ""), new Text(string.Join(' ', urls)));
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        console.Profile.Width = Console.IsOutputRedirected ? 400 : console.Profile.Width;
        console.Write(table);
        Console.WriteLine();
        Console.WriteLine($"Dashboard: {await connection.DashboardAsync() ?? "none"}");
        if (resources.SelectMany(resource => resource.Urls ?? []).FirstOrDefault(url => url.Name == "management") is { } management)
        {
            Console.WriteLine($"RabbitMQ management: {management.Url}, user guest, password in .kashif/secrets/messaging-password");
        }

        return resources.All(resource => resource.IsHealthy);
    }

    private static async Task PrintAsync(AppHostConnection connection, string resource, bool follow, bool prefix)
    {
        await foreach (var line in await connection.LogsAsync(resource, follow))
        {
            Print(resource, line.Content, prefix);
        }
    }

    private static void Print(string resource, string line, bool prefix)
    {
        var text = Console.IsOutputRedirected ? Colour().Replace(line, "") : line;
        Console.WriteLine(prefix ? $"{resource}  {text}" : text);
    }

    [GeneratedRegex(@"\e\[[0-9;]*m")]
    private static partial Regex Colour();

    private static bool IsAlive(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>The AppHost's <c>Guardian</c> puts the mark into the environment of every process of a run.</summary>
    private static bool AnyWith(string mark) => Directory.EnumerateDirectories("/proc").Any(directory =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, "environ")).Contains(mark, StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });
}

using System.Diagnostics;
using Npgsql;

namespace Kashif.Cli;

/// <summary>What <c>./kashif</c> does with a running system beyond starting and stopping it.</summary>
internal static class Commands
{
    private static readonly string[] Services = ["auth", "reporting", "gamification", "coupons", "notifications"];

    /// <returns>How a command is called.</returns>
    public static string Usage(string command) => command switch
    {
        "logs" => "logs [service] [-f]",
        "psql" => "psql <service> [arguments of psql]",
        "dead-letters" => "dead-letters list|replay <service>",
        _ => command,
    };

    public static int Status()
    {
        var system = RunningSystem.Read();
        foreach (var resource in system.Resources)
        {
            Console.WriteLine($"{resource.Name,-18} {resource.State,-12} {resource.Health,-10} {resource.Pid,8}  {string.Join(' ', resource.Urls)}");
        }

        Console.WriteLine(system.Dashboard is null ? "No dashboard." : $"Dashboard: {system.Dashboard}");
        return system.Healthy ? 0 : 1;
    }

    public static int Logs(string[] words)
    {
        var system = RunningSystem.Read();
        var follow = words.Contains("-f");
        var service = words.FirstOrDefault(word => word != "-f");
        var files = system.Resources
            .Where(resource => service is null || resource.Resource == service || resource.Name == service)
            .Select(resource => resource.Log)
            .OfType<string>()
            .Where(File.Exists)
            .ToArray();
        return files.Length > 0
            ? Run("tail", follow ? ["-n", "50", "-F", .. files] : ["-n", "+1", .. files])
            : throw new CliException(service is null ? "There are no logs yet." : $"There is no '{service}'; ./kashif status lists what there is.");
    }

    public static int Psql(string service, string[] arguments)
    {
        var connection = new NpgsqlConnectionStringBuilder(RunningSystem.Read().ConnectionString($"{Known(service)}-db"));
        return Run("psql", arguments, new()
        {
            ["PGHOST"] = connection.Host,
            ["PGPORT"] = connection.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["PGUSER"] = connection.Username,
            ["PGPASSWORD"] = connection.Password,
            ["PGDATABASE"] = connection.Database,
        });
    }

    public static int DeadLetters(string verb, string service) => RunService(RunningSystem.Read(), Known(service), ["dead-letters", verb]);

    public static int Migrate()
    {
        var system = RunningSystem.Read();
        return Services.Max(service =>
        {
            Console.WriteLine($"Migrating {service}");
            return RunService(system, service, ["migrate"]);
        });
    }

    private static string Known(string service) => Services.Contains(service)
        ? service
        : throw new CliException($"'{service}' is no service with a database; there are {string.Join(", ", Services)}.");

    /// <summary>Runs a command of the service itself, as an operator would in its container.</summary>
    private static int RunService(RunningSystem system, string service, string[] command)
    {
        var project = $"Kashif.{char.ToUpperInvariant(service[0])}{service[1..]}";
        return Run(
            "dotnet",
            [Path.Combine(project, "bin", "Debug", "net10.0", $"{project}.dll"), .. command],
            system.ConnectionStrings.ToDictionary(connection => $"ConnectionStrings__{connection.Key}", connection => connection.Value));
    }

    private static int Run(string program, string[] arguments, Dictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments);
        foreach (var (name, value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new CliException($"{program} did not start.");
        process.WaitForExit();
        return process.ExitCode;
    }
}

using Aspire.Hosting;
using Microsoft.Extensions.Configuration;

namespace Kashif.LocalEngine;

/// <summary>How the engine runs an application. Everything can be set by configuration, e.g. <c>--LocalEngine:Root=/tmp/x</c>.</summary>
internal sealed record EngineOptions
{
    /// <summary>Where data, logs, secrets and tools are: <c>.kashif</c> of the repository, or a temporary directory.</summary>
    public required string Root { get; init; }

    /// <summary>Where tools that are installed once are, also for throw-away runs.</summary>
    public required string Tools { get; init; }

    /// <summary>The root is deleted at the end.</summary>
    public required bool ThrowAway { get; init; }

    /// <summary>Servers write to the disk before they confirm. Off for throw-away data, which need not survive a power failure.</summary>
    public required bool Durable { get; init; }

    /// <summary>Endpoints get free ports even where the AppHost names one.</summary>
    public required bool RandomPorts { get; init; }

    public required bool Dashboard { get; init; }

    /// <summary>Logs and the table of resources go to the console.</summary>
    public required bool Console { get; init; }

    public static EngineOptions Create(DistributedApplicationOptions options, IConfiguration configuration, string appHostDirectory)
    {
        var repository = RepositoryOf(appHostDirectory);
        var root = configuration["LocalEngine:Root"];
        var throwAway = configuration.GetValue("LocalEngine:ThrowAway", options.Testing && root is null);
        return new()
        {
            Root = root ?? (throwAway ? Path.Combine(Path.GetTempPath(), $"kashif-{Guid.CreateVersion7():n}") : Path.Combine(repository, ".kashif")),
            Tools = Path.Combine(repository, ".kashif", "tools"),
            ThrowAway = throwAway,
            Durable = configuration.GetValue("LocalEngine:Durable", !throwAway),
            RandomPorts = configuration.GetValue("DcpPublisher:RandomizePorts", false),
            Dashboard = configuration.GetValue("LocalEngine:Dashboard", !options.DisableDashboard),
            Console = !options.Testing,
        };
    }

    private static string RepositoryOf(string directory)
    {
        for (var d = new DirectoryInfo(directory); d is not null; d = d.Parent)
        {
            if (d.EnumerateFiles("*.sln").Any() || Path.Exists(Path.Combine(d.FullName, ".git")))
            {
                return d.FullName;
            }
        }

        return directory;
    }
}

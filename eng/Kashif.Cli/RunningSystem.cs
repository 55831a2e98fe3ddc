using System.Text.Json;

namespace Kashif.Cli;

/// <summary>What the local engine writes down about the system that it runs: <c>.kashif/run/state.json</c>.</summary>
internal sealed record RunningSystem(
    int Pid, bool Healthy, string? Dashboard, RunningResource[] Resources, Dictionary<string, string?> ConnectionStrings)
{
    private const string Path = ".kashif/run/state.json";

    /// <exception cref="CliException">Nothing runs here.</exception>
    public static RunningSystem Read()
    {
        if (!File.Exists(Path))
        {
            throw new CliException("Nothing runs here on the local engine. Start it with ./kashif run; under Aspire with containers its dashboard shows what this would.");
        }

        var system = JsonSerializer.Deserialize<RunningSystem>(File.ReadAllText(Path), JsonSerializerOptions.Web)
            ?? throw new CliException($"{Path} is empty.");
        return Directory.Exists($"/proc/{system.Pid}") || !Directory.Exists("/proc")
            ? system
            : throw new CliException("The last run was killed and nothing of it is left. Start again with ./kashif run.");
    }

    public string ConnectionString(string name) => ConnectionStrings.GetValueOrDefault(name)
        ?? throw new CliException($"The running system has no '{name}'.");
}

/// <param name="Name">The instance: a replica has a name of its own.</param>
/// <param name="Resource">The resource in the AppHost.</param>
internal sealed record RunningResource(string Name, string Resource, string? Type, string? State, string? Health, int? Pid, string[] Urls, string? Log);

/// <summary>Something the caller can put right; its message is all that is shown.</summary>
internal sealed class CliException(string message) : Exception(message);

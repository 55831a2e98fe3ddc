using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Kashif.LocalEngine.Tests;

/// <summary>The sample AppHost as a process of its own, which can be interrupted and killed.</summary>
internal sealed class AppHostProcess : IAsyncDisposable
{
    private static readonly string Assembly = typeof(Projects.Kashif_LocalEngine_Tests_AppHost).Assembly.Location;

    private readonly Process _process;
    private readonly string _root;
    private readonly Task<string> _errors;

    public AppHostProcess(string root)
    {
        _root = root;

        // A test runner in the background ignores SIGINT, and its children would with it.
        _process = Process.Start(new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", "exec", Assembly, $"--LocalEngine:Root={root}", "--LocalEngine:Dashboard=false"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }).ShouldNotBeNull();
        _errors = _process.StandardError.ReadToEndAsync();
        Output = _process.StandardOutput.ReadToEndAsync();
    }

    public Task<string> Output { get; }

    public async Task<JsonNode> HealthyAsync(CancellationToken cancellationToken)
    {
        var file = Path.Combine(_root, "run", "state.json");
        while (true)
        {
            _process.HasExited.ShouldBeFalse(_process.HasExited ? await _errors : null);
            if (File.Exists(file) && JsonNode.Parse(await File.ReadAllTextAsync(file, cancellationToken)) is { } state && (bool?)state["healthy"] == true && (int?)state["pid"] == _process.Id)
            {
                return state;
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>The engine and everything below it: servers, their workers, the services, the guardian.</summary>
    public IReadOnlyList<ProcessIdentity> Tree()
    {
        var all = ProcessIdentity.All().ToLookup(p => p.Parent);
        var tree = new List<ProcessIdentity>();
        var open = new Queue<int>([_process.Id]);
        while (open.TryDequeue(out var parent))
        {
            foreach (var child in all[parent])
            {
                tree.Add(child);
                open.Enqueue(child.Id);
            }
        }

        return tree;
    }

    public void Interrupt() => Send("INT");

    public void Kill() => Send("KILL");

    public async Task<(int Code, string Errors)> ExitedAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return (_process.ExitCode, await _errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Send("TERM");
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private void Send(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}

/// <summary>A process, told from a later one with the same id by when it started.</summary>
internal sealed record ProcessIdentity(int Id, int Parent, string Name, string Started)
{
    public bool IsAlive => Read(Id) is { } now && now.Started == Started;

    public static IEnumerable<ProcessIdentity> All() => Directory.GetDirectories("/proc")
        .Select(d => int.TryParse(Path.GetFileName(d), out var id) ? Read(id) : null)
        .OfType<ProcessIdentity>();

    private static ProcessIdentity? Read(int id)
    {
        try
        {
            // pid (name) state ppid … starttime is the 22nd field; a name may contain spaces and parentheses.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var end = stat.LastIndexOf(')');
            var fields = stat[(end + 2)..].Split(' ');
            return fields[0] == "Z" ? null : new(id, int.Parse(fields[1], CultureInfo.InvariantCulture), stat[(stat.IndexOf('(') + 1)..end], fields[19]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

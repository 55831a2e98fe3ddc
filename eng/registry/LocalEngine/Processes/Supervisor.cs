using System.Diagnostics;

namespace Kashif.LocalEngine;

/// <summary>
/// Starts every child and keeps a guardian informed of them, which ends them when the engine is killed.
/// A child waits for a line on its standard input before it becomes the program, so it is known to the guardian before it can do anything.
/// </summary>
internal sealed class Supervisor : IDisposable
{
    // Perl, which Debian and macOS always have, and no shell: a shell drops variables such as ConnectionStrings__auth-db.
    private const string Gate = "use POSIX; defined(<STDIN>) or exit 125; POSIX::setsid(); open(STDIN, '<', '/dev/null'); exec { $ARGV[0] } @ARGV or die \"$ARGV[0]: $!\\n\"";
    private const string NewSession = "use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV";

    private readonly Lock _lock = new();
    private Process? _guardian;

    /// <summary>The guardian's id: it is gone when all is cleaned up.</summary>
    public int? GuardianId => _guardian?.Id;

    public ChildProcess Start(ProcessSpec spec, Action<string, bool> onLine)
    {
        var start = new ProcessStartInfo("perl", ["-e", Gate, .. AsUser(spec.User), spec.FileName, .. spec.Arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = spec.WorkingDirectory ?? "/",
        };
        foreach (var name in spec.WithoutEnvironment)
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in spec.Environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException($"{spec.FileName} did not start.");
        Tell($"+ {process.Id} {spec.DeathSignal.ToString().ToUpperInvariant()}");
        var child = new ChildProcess(process, spec, onLine, id => Tell($"- {id}"));
        process.StandardInput.WriteLine("go");
        process.StandardInput.Close();
        return child;
    }

    /// <summary>Runs a short command to its end and answers its exit code; its output goes to <paramref name="onLine"/>.</summary>
    public Task<int> RunAsync(ProcessSpec spec, Action<string, bool> onLine) => Start(spec, onLine).Exited;

    /// <summary>Has a file or directory deleted when the engine is killed.</summary>
    public void DeleteAfterDeath(string path) => Tell($"d {path}");

    public void Dispose()
    {
        lock (_lock)
        {
            _guardian?.StandardInput.Close();
            _guardian?.WaitForExit(TimeSpan.FromSeconds(10));
            _guardian?.Dispose();
            _guardian = null;
        }
    }

    private static string[] AsUser(string? user) => user is null ? [] : ["setpriv", $"--reuid={user}", $"--regid={user}", "--init-groups"];

    private void Tell(string line)
    {
        lock (_lock)
        {
            _guardian ??= StartGuardian();
            _guardian.StandardInput.WriteLine(line);
            _guardian.StandardInput.Flush();
        }
    }

    private static Process StartGuardian()
    {
        using var script = new StreamReader(typeof(Supervisor).Assembly.GetManifestResourceStream("guardian.sh")!);
        return Process.Start(new ProcessStartInfo("perl", ["-e", NewSession, "/bin/sh", "-c", script.ReadToEnd(), "kashif-guardian"]) { RedirectStandardInput = true, WorkingDirectory = "/" })
            ?? throw new InvalidOperationException("The guardian did not start.");
    }
}

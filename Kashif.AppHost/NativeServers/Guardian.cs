using System.Diagnostics;
using System.Globalization;

namespace Kashif.NativeServers;

/// <summary>
/// Keeps runs of one checkout apart, and ends what a killed one leaves behind. DCP does the second as well, unless it is killed
/// itself; then services would live on and keep the gateway's port.
/// </summary>
internal static class Guardian
{
    private const string Mark = "KASHIF_RUN";
    private const string NoProcess = "999999999"; // above every process id
    private static readonly Lock Starting = new();
    private static readonly List<FileStream> Held = []; // until the process ends
    private static bool _started;

    /// <summary>Once a process, before DCP starts: it and everything that it starts inherit the mark.</summary>
    /// <exception cref="DistributedApplicationException">Another run uses this checkout's data.</exception>
    public static void Watch(IDistributedApplicationBuilder builder)
    {
        lock (Starting)
        {
            if (_started || !OperatingSystem.IsLinux() || !builder.ExecutionContext.IsRunMode)
            {
                return;
            }

            var script = Path.Combine(builder.AppHostDirectory, "NativeServers", "guardian.sh");
            var mark = $"{Mark}={Environment.ProcessId}-{Guid.CreateVersion7():n}";
            string[] mode = [];
            if (!RunData.For(builder).IsThrownAway)
            {
                TakeOver(RunData.For(builder), script, mark);
                mode = ["DCP"];
            }

            Start(script, [Environment.ProcessId.ToString(CultureInfo.InvariantCulture), mark, RunData.TemporaryPrefix, .. mode]).Dispose();
            Environment.SetEnvironmentVariable(Mark, mark[(Mark.Length + 1)..]);
            _started = true;
        }
    }

    /// <summary>The lock is held while this process lives. The file beside it has the process and its mark, for the next run.</summary>
    private static void TakeOver(RunData data, string script, string mark)
    {
        var identity = data.PathOf("run.id");
        try
        {
            Held.Add(new FileStream(data.PathOf("run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            throw new DistributedApplicationException(
                $"Kashif already runs here (process {File.ReadLines(identity).First()}). Stop it with Ctrl-C or ./kashif stop, or set another directory: DataDirectory=/path.");
        }

        if (File.Exists(identity) && File.ReadLines(identity).ElementAtOrDefault(1) is { Length: > 0 } before)
        {
            using var ending = Start(script, [NoProcess, before, Path.Combine(Path.GetTempPath(), "kashif-run-none-")]);
            ending.WaitForExit();
        }

        File.WriteAllLines($"{identity}.next", [Environment.ProcessId.ToString(CultureInfo.InvariantCulture), mark]);
        File.Move($"{identity}.next", identity, overwrite: true);
    }

    private static Process Start(string script, string[] arguments)
    {
        var start = new ProcessStartInfo("setsid", [script, .. arguments]); // Ctrl-C in the terminal is for the AppHost alone
        start.Environment.Remove(Mark);
        return Process.Start(start) ?? throw new InvalidOperationException($"{script} did not start.");
    }
}

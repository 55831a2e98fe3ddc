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
    private static FileStream? _run;
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

    /// <summary>The lock file is held while this process lives. It names the process and its mark, for the next run.</summary>
    private static void TakeOver(RunData data, string script, string mark)
    {
        var path = data.PathOf("run.lock");
        try
        {
            _run = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            using var holder = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            throw new DistributedApplicationException(
                $"Kashif runs here already (process {holder.ReadLine()}). End that run with Ctrl-C or ./kashif stop, or give this one data of its own: DataDirectory=/another/directory.");
        }

        using var reader = new StreamReader(_run, leaveOpen: true);
        _ = reader.ReadLine();
        if (reader.ReadLine() is { Length: > 0 } before)
        {
            using var ending = Start(script, [NoProcess, before, Path.Combine(Path.GetTempPath(), "kashif-run-none-")]);
            ending.WaitForExit();
        }

        _run.SetLength(0);
        using var writer = new StreamWriter(_run, leaveOpen: true);
        writer.WriteLine(Environment.ProcessId);
        writer.WriteLine(mark);
    }

    private static Process Start(string script, string[] arguments)
    {
        var start = new ProcessStartInfo("setsid", [script, .. arguments]); // Ctrl-C in the terminal is for the AppHost alone
        start.Environment.Remove(Mark);
        return Process.Start(start) ?? throw new InvalidOperationException($"{script} did not start.");
    }
}

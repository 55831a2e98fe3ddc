using System.Diagnostics;
using System.Globalization;

namespace Kashif.NativeServers;

/// <summary>
/// Allows one run per data directory and stops the processes of a killed run. DCP stops them too, unless DCP itself is killed:
/// then the services keep running and hold the gateway's port.
/// </summary>
internal static class Guardian
{
    private const string Mark = "KASHIF_RUN";
    private const string Identity = "run.id";
    private const string NoProcess = "999999999"; // above every process id
    private const int WouldBlock = 11; // EWOULDBLOCK of flock(2), on Linux
    private static readonly Lock Starting = new();
    private static readonly List<FileStream> Held = []; // until the process ends
    private static bool _started;

    /// <summary>Call before DCP starts: DCP and all its child processes inherit the mark.</summary>
    /// <exception cref="DistributedApplicationException">Another run uses the data directory, or it cannot be written.</exception>
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

    /// <summary>Locks <c>run.lock</c> until the process ends. <c>run.id</c> tells the next run the process id and the mark.</summary>
    private static void TakeOver(RunData data, string script, string mark)
    {
        try
        {
            Held.Add(new FileStream(data.PathOf("run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (exception.HResult == WouldBlock)
        {
            throw new DistributedApplicationException(
                $"Kashif is already running here{(ReadIdentity(data).FirstOrDefault() is { } process ? $" (process {process})" : "")}. "
                + "Stop it with Ctrl-C or ./kashif stop, or use another directory: DataDirectory=/path.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DistributedApplicationException($"The data directory cannot be used: {exception.Message} Choose another one: DataDirectory=/path.");
        }

        if (ReadIdentity(data).ElementAtOrDefault(1) is { Length: > 0 } before)
        {
            using var ending = Start(script, [NoProcess, before, Path.Combine(Path.GetTempPath(), "kashif-run-none-")]);
            ending.WaitForExit();
        }

        var identity = data.PathOf(Identity);
        File.WriteAllLines($"{identity}.next", [Environment.ProcessId.ToString(CultureInfo.InvariantCulture), mark]);
        File.Move($"{identity}.next", identity, overwrite: true);
    }

    private static string[] ReadIdentity(RunData data) => File.Exists(data.PathOf(Identity)) ? File.ReadAllLines(data.PathOf(Identity)) : [];

    private static Process Start(string script, string[] arguments)
    {
        var start = new ProcessStartInfo("setsid", [script, .. arguments]); // keeps Ctrl-C in the terminal from the guardian
        start.Environment.Remove(Mark);
        return Process.Start(start) ?? throw new InvalidOperationException($"{script} did not start.");
    }
}

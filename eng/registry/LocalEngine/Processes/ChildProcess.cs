using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Kashif.LocalEngine;

/// <summary>A running child in a session of its own, so that Ctrl-C reaches the engine alone and the engine decides the order.</summary>
internal sealed class ChildProcess
{
    private readonly Process _process;
    private readonly ProcessSpec _spec;

    internal ChildProcess(Process process, ProcessSpec spec, Action<string, bool> onLine, Action<int> onExit)
    {
        _process = process;
        _spec = spec;
        Id = process.Id;
        Exited = WatchAsync(onLine, onExit);
    }

    public int Id { get; }

    /// <summary>Ends with the exit code when the process has ended and its output is read.</summary>
    public Task<int> Exited { get; }

    /// <summary>The process is dead, though its output may not be read yet.</summary>
    public bool HasExited
    {
        get
        {
            try
            {
                return Exited.IsCompleted || _process.HasExited;
            }
            catch (InvalidOperationException)
            {
                return true; // Disposed of between the two.
            }
        }
    }

    /// <summary>Asks the process to stop, and kills it if it has not by then.</summary>
    public Task StopAsync(TimeSpan grace) => EndAsync(_spec.StopSignal, grace);

    /// <summary>Ends the process as the guardian would: fast, and without regard for what it has not written.</summary>
    public Task AbandonAsync(TimeSpan grace) => EndAsync(_spec.DeathSignal, grace);

    private async Task EndAsync(Signal signal, TimeSpan grace)
    {
        if (Exited.IsCompleted)
        {
            return;
        }

        Send(signal, group: false);
        try
        {
            await Exited.WaitAsync(grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Send(Signal.Kill, group: true);
            await Exited.ConfigureAwait(false);
        }
    }

    private void Send(Signal signal, bool group) => _ = Kill(group ? -Id : Id, (int)signal);

    private async Task<int> WatchAsync(Action<string, bool> onLine, Action<int> onExit)
    {
        var output = Task.WhenAll(ReadAsync(_process.StandardOutput, isError: false, onLine), ReadAsync(_process.StandardError, isError: true, onLine));
        await _process.WaitForExitAsync().ConfigureAwait(false);

        // A grandchild may hold the pipes a little longer.
        await Task.WhenAny(output, Task.Delay(TimeSpan.FromSeconds(1))).ConfigureAwait(false);
        var exitCode = _process.ExitCode;
        onExit(Id);
        _process.Dispose();
        return exitCode;
    }

    private static async Task ReadAsync(StreamReader reader, bool isError, Action<string, bool> onLine)
    {
        try
        {
            while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                onLine(line, isError);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The process was disposed of while a grandchild still held the pipe.
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);
}

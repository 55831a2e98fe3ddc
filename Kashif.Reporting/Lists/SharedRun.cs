namespace Kashif.Reporting.Lists;

/// <summary>Runs work for many callers. A call during a run waits for the next run, which all such calls share. A caller that gives up does not cancel it.</summary>
internal sealed class SharedRun(Func<Task> work)
{
    private readonly Lock _lock = new();
    private Task _running = Task.CompletedTask;
    private Task? _next;

    /// <summary>Ends when a run has ended that began after this call.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return (_next ??= RunAfterAsync(_running)).WaitAsync(cancellationToken);
        }
    }

    private async Task RunAfterAsync(Task running)
    {
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding); // the caller holds the lock
        lock (_lock)
        {
            (_running, _next) = (_next ?? Task.CompletedTask, null);
        }

        await work();
    }
}

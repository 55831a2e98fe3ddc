namespace Kashif.Reporting.Lists;

/// <summary>Work that many callers need at once, each from its own beginning: all who call while it runs share the next run. A caller who gives up does not cancel it.</summary>
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

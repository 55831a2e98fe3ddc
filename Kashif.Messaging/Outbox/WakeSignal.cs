namespace Kashif.Messaging.Outbox;

/// <summary>
/// Wakes a worker of this process. Setting it twice wakes once: a worker that wakes takes everything that is there. What is
/// due without anybody setting it here is found by the worker's poll.
/// </summary>
/// <param name="isSet">Whether the first wait ends at once.</param>
public class WakeSignal(bool isSet = false) : IDisposable
{
    private readonly SemaphoreSlim _signal = new(isSet ? 1 : 0, 1);

    public void Set()
    {
        try
        {
            _signal.Release();
        }
        catch (SemaphoreFullException)
        {
            // Already set.
        }
    }

    public Task WaitAsync(CancellationToken cancellationToken) => _signal.WaitAsync(cancellationToken);

    /// <summary>Ends when the signal is set or the time is over.</summary>
    public Task WaitAsync(TimeSpan timeout, CancellationToken cancellationToken) => _signal.WaitAsync(timeout, cancellationToken);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _signal.Dispose();
        }
    }
}

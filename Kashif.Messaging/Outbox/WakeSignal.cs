namespace Kashif.Messaging.Outbox;

/// <summary>
/// Wakes a worker of this process. Several sets before a wait wake it once. The worker's poll finds the rest.
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
        catch (ObjectDisposedException)
        {
            // Its worker has ended.
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

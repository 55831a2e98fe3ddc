using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Cache;

/// <summary>
/// Keeps a few rows that many requests need in this process's memory. Concurrent requests may each read them. A read that began before
/// <see cref="Forget"/> is not kept: it may not have the change.
/// </summary>
/// <param name="lifetime">How long a change may take to reach every replica.</param>
/// <param name="read">Reads the rows, with services of a scope of its own.</param>
public sealed class SnapshotCache<TSnapshot>(
    IServiceScopeFactory scopes, TimeProvider time, TimeSpan lifetime, Func<IServiceProvider, CancellationToken, Task<TSnapshot>> read)
    where TSnapshot : class
{
    private readonly Lock _lock = new();
    private TSnapshot? _snapshot;
    private long _readAt;
    private int _changes;

    /// <summary>The rows, at most as old as the lifetime.</summary>
    public async ValueTask<TSnapshot> GetAsync(CancellationToken cancellationToken)
    {
        int changes;
        lock (_lock)
        {
            if (_snapshot is { } current && time.GetElapsedTime(_readAt) < lifetime)
            {
                return current;
            }

            changes = _changes;
        }

        var readAt = time.GetTimestamp();
        await using var scope = scopes.CreateAsyncScope();
        var snapshot = await read(scope.ServiceProvider, cancellationToken);
        lock (_lock)
        {
            if (changes == _changes)
            {
                (_snapshot, _readAt) = (snapshot, readAt);
            }
        }

        return snapshot;
    }

    /// <summary>Lets the next request read the rows again. Call it after a committed change: it is seen at once on this replica.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _changes++;
            _snapshot = null;
        }
    }
}

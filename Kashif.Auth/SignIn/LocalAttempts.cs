namespace Kashif.Auth.SignIn;

/// <summary>The counts of <see cref="LoginThrottle"/> in this process alone.</summary>
/// <remarks>
/// <c>SlidingWindowRateLimiter</c> does not fit: it cannot take a permit back, so correct passwords would count, and a chain of
/// limiters keeps the permit of the first when the second refuses.
/// </remarks>
internal sealed class LocalAttempts
{
    /// <summary>Beyond this the oldest attempts are dropped.</summary>
    private const int MostKept = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<Made>> _made = new(StringComparer.Ordinal);
    private readonly Queue<(string Key, DateTimeOffset At)> _oldest = new();

    /// <returns>How long to wait; null if the attempt was counted.</returns>
    public TimeSpan? TryAdd(LoginAttempt attempt, TimeSpan window, DateTimeOffset now)
    {
        lock (_lock)
        {
            while (_oldest.TryPeek(out var first) && (first.At <= now - window || _oldest.Count > MostKept))
            {
                _oldest.Dequeue();
                Trim(first.Key, made => made.At <= first.At);
            }

            TimeSpan? wait = null;
            foreach (var key in attempt.Keys)
            {
                if (_made.TryGetValue(key.Name, out var made) && made.Count >= key.Limit
                    && made[(int)(made.Count - key.Limit)].At + window - now is var room && !(room <= wait))
                {
                    wait = room;
                }
            }

            foreach (var key in wait is null ? attempt.Keys : [])
            {
                if (!_made.TryGetValue(key.Name, out var made))
                {
                    _made[key.Name] = made = [];
                }

                made.Add(new Made(attempt.Id, now));
                _oldest.Enqueue((key.Name, now));
            }

            return wait;
        }
    }

    public void Forgive(LoginAttempt attempt)
    {
        lock (_lock)
        {
            foreach (var key in attempt.Keys)
            {
                Trim(key.Name, made => key.ClearedBySuccess || made.Id == attempt.Id);
            }
        }
    }

    public void Remove(LoginAttempt attempt)
    {
        lock (_lock)
        {
            foreach (var key in attempt.Keys)
            {
                Trim(key.Name, made => made.Id == attempt.Id);
            }
        }
    }

    private void Trim(string key, Predicate<Made> gone)
    {
        if (_made.TryGetValue(key, out var made) && made.RemoveAll(gone) > 0 && made.Count == 0)
        {
            _made.Remove(key);
        }
    }

    private readonly record struct Made(string Id, DateTimeOffset At);
}

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
    public TimeSpan? TryAdd(LoginAttempt attempt, long[] limits, TimeSpan window, DateTimeOffset now)
    {
        lock (_lock)
        {
            while (_oldest.TryPeek(out var first) && (first.At <= now - window || _oldest.Count > MostKept))
            {
                _oldest.Dequeue();
                Trim(first.Key, made => made.At <= first.At);
            }

            TimeSpan? wait = null;
            foreach (var (key, limit) in attempt.Keys.Zip(limits))
            {
                if (_made.TryGetValue($"{key}", out var made) && made.Count >= limit
                    && made[(int)(made.Count - limit)].At + window - now is var room && !(room <= wait))
                {
                    wait = room;
                }
            }

            foreach (var key in wait is null ? attempt.Keys : [])
            {
                if (!_made.TryGetValue($"{key}", out var made))
                {
                    _made[$"{key}"] = made = [];
                }

                made.Add(new Made(attempt.Id, now));
                _oldest.Enqueue(($"{key}", now));
            }

            return wait;
        }
    }

    public void Forgive(LoginAttempt attempt)
    {
        lock (_lock)
        {
            _made.Remove(attempt.Account);
            _made.Remove(attempt.Both);
            Trim(attempt.Address, made => made.Id == attempt.Id);
        }
    }

    public void Remove(LoginAttempt attempt)
    {
        lock (_lock)
        {
            Array.ForEach(attempt.Keys, key => Trim($"{key}", made => made.Id == attempt.Id));
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

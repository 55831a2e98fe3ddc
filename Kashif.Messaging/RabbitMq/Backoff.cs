namespace Kashif.Messaging.RabbitMq;

/// <summary>Growing waits, 0.1 s doubled up to 5 s with jitter, for a loop whose server is away.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private int _failures;

    public void Reset() => _failures = 0;

    /// <returns>The wait after one more failure.</returns>
    public TimeSpan Next()
    {
        var delay = TimeSpan.FromMilliseconds(100 * Math.Pow(2, Math.Min(_failures++, 10)) * (0.75 + Random.Shared.NextDouble() / 2));
        return delay < Longest ? delay : Longest;
    }

    public async Task WaitAsync(CancellationToken cancellationToken) =>
        await Task.Delay(Next(), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}

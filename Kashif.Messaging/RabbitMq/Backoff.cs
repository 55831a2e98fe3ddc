namespace Kashif.Messaging.RabbitMq;

/// <summary>Growing waits, 0.1 s doubled up to 5 s with jitter, for a loop whose server is away.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private int _failures;

    public void Reset() => _failures = 0;

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        var delay = TimeSpan.FromMilliseconds(100 * Math.Pow(2, Math.Min(_failures++, 10)) * (0.75 + Random.Shared.NextDouble() / 2));
        await Task.Delay(delay < Longest ? delay : Longest, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}

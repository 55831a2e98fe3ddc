namespace Kashif.Notifications.Delivery;

/// <summary>Until when this process leaves a channel alone, because its provider has told it to slow down.</summary>
internal sealed class ChannelPause<TChannel>(TimeProvider time)
    where TChannel : IDeliveryChannel
{
    private long _until;

    public bool IsPaused => Rest > TimeSpan.Zero;

    private TimeSpan Rest => TimeSpan.FromTicks(Interlocked.Read(ref _until) - time.GetUtcNow().UtcTicks);

    public void Set(TimeSpan rest) => Interlocked.Exchange(ref _until, (time.GetUtcNow() + (rest < ChannelPause.Longest ? rest : ChannelPause.Longest)).UtcTicks);

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        while (Rest is { Ticks: > 0 } rest)
        {
            await Task.Delay(rest, time, cancellationToken);
        }
    }
}

internal static class ChannelPause
{
    /// <summary>Much shorter than the time after which RabbitMQ takes messages away from a consumer that does not acknowledge.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
}

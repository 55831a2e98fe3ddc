using System.Diagnostics;

namespace Kashif.Testing;

/// <summary>Waits for what another process or thread brings about.</summary>
public static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? limit = null) => TrueAsync(() => Task.FromResult(condition()), what, limit);

    /// <param name="limit">A minute unless given.</param>
    /// <exception cref="TimeoutException">It did not come about within the limit.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? limit = null)
    {
        var longest = limit ?? Limit;
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > longest)
            {
                throw new TimeoutException($"Waited {longest.TotalSeconds:0} s in vain for {what}.");
            }

            await Task.Delay(Interval);
        }
    }
}

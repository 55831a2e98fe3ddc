using System.Diagnostics;

namespace Kashif.Testing;

/// <summary>Waits for a condition that another process or thread fulfils.</summary>
public static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? limit = null) => TrueAsync(() => Task.FromResult(condition()), what, limit);

    /// <param name="what">A noun for the error message, such as <c>the balance</c>.</param>
    /// <param name="limit">Three minutes by default.</param>
    /// <exception cref="TimeoutException">The condition is not true within the limit.</exception>
    public static Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? limit = null) => TrueAsync(condition, () => what, limit);

    /// <param name="what">A noun for the error message, evaluated when the time is up.</param>
    /// <param name="limit">Three minutes by default.</param>
    /// <exception cref="TimeoutException">The condition is not true within the limit.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition, Func<string> what, TimeSpan? limit = null)
    {
        var longest = limit ?? Limit;
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > longest)
            {
                throw new TimeoutException($"Timed out after {longest.TotalSeconds:0} s waiting for {what()}.");
            }

            await Task.Delay(Interval);
        }
    }
}

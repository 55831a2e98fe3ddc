using System.Globalization;

namespace Kashif.Gateway.Limits;

/// <summary>A limit as it is applied.</summary>
/// <param name="ByAddress">Counts addresses whoever is signed in: more accounts must not buy more guesses.</param>
internal sealed record LimitPolicy(string Name, long Permits, TimeSpan Window, bool ByAddress)
{
    /// <summary>Below this a limit is exact, over all gateways. Above it, a gateway fetches a thousandth at a time and may be left with so many unused.</summary>
    private const long Exact = 10_000;

    /// <summary>A window slides in so many steps, each counted until all of it has left the window.</summary>
    public const int Segments = 20;

    /// <summary>How many permits are fetched at once.</summary>
    public long Chunk { get; } = Permits < Exact ? 1 : Permits / 1000;

    public TimeSpan Segment { get; } = Window / Segments;

    /// <summary><c>RateLimit-Limit</c>.</summary>
    public string LimitHeader { get; } = Permits.ToString(CultureInfo.InvariantCulture);

    /// <summary><c>RateLimit-Policy</c>.</summary>
    public string PolicyHeader { get; } = string.Create(CultureInfo.InvariantCulture, $"{Permits};w={Window.TotalSeconds:0}");
}

/// <summary>Whether a request may pass.</summary>
/// <param name="Remaining">How many more may follow at once.</param>
/// <param name="Reset">When there will be more.</param>
internal readonly record struct Decision(bool Allowed, long Remaining, TimeSpan Reset);

using System.Globalization;

namespace Kashif.Gateway.Limits;

/// <summary>A rate limit to apply.</summary>
/// <param name="ByAddress">Counts by address even for signed-in users, so that more accounts do not allow more guesses.</param>
internal sealed record LimitPolicy(string Name, long Permits, TimeSpan Window, bool ByAddress)
{
    /// <summary>The steps in which a window slides. Each counts until it has completely left the window.</summary>
    public const int Segments = 20;

    public TimeSpan Segment { get; } = Window / Segments;

    /// <summary><c>RateLimit-Limit</c>.</summary>
    public string LimitHeader { get; } = Permits.ToString(CultureInfo.InvariantCulture);

    /// <summary><c>RateLimit-Policy</c>.</summary>
    public string PolicyHeader { get; } = string.Create(CultureInfo.InvariantCulture, $"{Permits};w={Window.TotalSeconds:0}");
}

/// <summary>Whether a request is allowed.</summary>
/// <param name="Remaining">How many more requests are allowed now.</param>
/// <param name="Reset">The time until more are allowed.</param>
internal readonly record struct Decision(bool Allowed, long Remaining, TimeSpan Reset);

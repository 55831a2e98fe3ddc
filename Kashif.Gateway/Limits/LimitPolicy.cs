using System.Globalization;

namespace Kashif.Gateway.Limits;

/// <summary>A limit as it is applied.</summary>
/// <param name="ByAddress">Counts addresses whoever is signed in: more accounts must not buy more guesses.</param>
internal sealed record LimitPolicy(string Name, long Permits, TimeSpan Window, bool ByAddress)
{
    /// <summary>A window slides in so many steps, each counted until all of it has left the window.</summary>
    public const int Segments = 20;

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

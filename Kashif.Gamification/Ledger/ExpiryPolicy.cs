using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Ledger;

/// <summary>Section <c>Points</c>.</summary>
internal sealed class ExpiryOptions
{
    public const string Section = "Points";

    /// <summary>How long earned points are valid where their rule does not say; null means for ever.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "36500.00:00:00", ErrorMessage = "Points:ExpiresAfter must be between one day and a hundred years, such as 365.00:00:00.")]
    public TimeSpan? ExpiresAfter { get; set; }
}

/// <summary>When earned points expire.</summary>
internal sealed class ExpiryPolicy(IOptions<ExpiryOptions> options)
{
    /// <param name="days">What the rule says; null for the default.</param>
    /// <returns>Null for never.</returns>
    public DateTimeOffset? ExpiryOf(DateTimeOffset earnedAt, int? days) =>
        earnedAt + (days is { } own ? TimeSpan.FromDays(own) : options.Value.ExpiresAfter);
}

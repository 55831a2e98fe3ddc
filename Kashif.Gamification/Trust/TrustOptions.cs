using System.ComponentModel.DataAnnotations;

namespace Kashif.Gamification.Trust;

/// <summary>Section <c>Trust</c>.</summary>
internal sealed class TrustOptions
{
    public const string Section = "Trust";

    /// <summary>How old the events are that a model learns from, at most. It bounds what a training reads.</summary>
    [Range(typeof(TimeSpan), "30.00:00:00", "3650.00:00:00", ErrorMessage = "Trust:History must be between 30 days and ten years, such as 730.00:00:00.")]
    public TimeSpan History { get; set; } = TimeSpan.FromDays(730);
}

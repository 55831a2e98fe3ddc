using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting.Sync;

/// <summary>Section <c>Sync</c>.</summary>
internal sealed class SyncOptions
{
    public const string Section = "Sync";

    /// <summary>How long the feed tells that a report was deleted. A client that was away for longer has to start anew.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00", ErrorMessage = "Sync:KeepTombstonesFor must be between one day and ten years, such as 90.00:00:00.")]
    public TimeSpan KeepTombstonesFor { get; set; } = TimeSpan.FromDays(90);
}

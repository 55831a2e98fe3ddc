using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting.Promises;

/// <summary>Section <c>Promises</c>.</summary>
internal sealed class PromiseOptions
{
    public const string Section = "Promises";

    /// <summary>The part of the reports that were resolved within the promised time.</summary>
    [Range(0.5, 0.99, ErrorMessage = "Promises:Percentile must be between 0.5 and 0.99, such as 0.8 for the time within which 80 of 100 reports were resolved.")]
    public double Percentile { get; set; } = 0.8;

    /// <summary>How many resolved reports make a measurement: with fewer, the whole category counts, then its service level.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Promises:MinReports must be between 1 and 1000000, such as 30.")]
    public int MinReports { get; set; } = 30;

    /// <summary>How far back resolutions count.</summary>
    [Range(1, 3650, ErrorMessage = "Promises:Days must be between 1 and 3650, such as 365.")]
    public int Days { get; set; } = 365;

    /// <summary>How often the times are measured.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "7.00:00:00", ErrorMessage = "Promises:Interval must be between 10 ms and 7 days, such as 01:00:00.")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);
}

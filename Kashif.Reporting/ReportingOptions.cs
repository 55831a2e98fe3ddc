using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting;

/// <summary>Section <c>Reporting</c>.</summary>
internal sealed class ReportingOptions
{
    public const string Section = "Reporting";

    /// <summary>How many reports a user may create per hour; 0 means no limit.</summary>
    [Range(0, int.MaxValue, ErrorMessage = "Reporting:ReportsPerHour must be 0 (no limit) or more.")]
    public int ReportsPerHour { get; set; } = 10;
}

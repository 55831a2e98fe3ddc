using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting;

/// <summary>Section <c>Reporting</c>.</summary>
internal sealed class ReportingOptions
{
    public const string Section = "Reporting";

    /// <summary>How many reports one user may file within an hour; 0 for any number.</summary>
    [Range(0, int.MaxValue, ErrorMessage = "Reporting:ReportsPerHour is negative: set how many reports a user may file within an hour, or 0 for any number.")]
    public int ReportsPerHour { get; set; } = 10;
}

using System.ComponentModel.DataAnnotations;
using NodaTime;

namespace Kashif.Reporting;

/// <summary>Section <c>Reporting</c>.</summary>
internal sealed class ReportingOptions : IValidatableObject
{
    public const string Section = "Reporting";

    /// <summary>How many reports a user may create per hour; 0 means no limit.</summary>
    [Range(0, int.MaxValue, ErrorMessage = "Reporting:ReportsPerHour must be 0 (no limit) or more.")]
    public int ReportsPerHour { get; set; } = 10;

    /// <summary>How many reports an employee of customer service may create per hour, those in the names of customers included; 0 means no limit.</summary>
    [Range(0, int.MaxValue, ErrorMessage = "Reporting:CounterReportsPerHour must be 0 (no limit) or more.")]
    public int CounterReportsPerHour { get; set; } = 100;

    /// <summary>How many comments a user may write per hour; 0 means no limit.</summary>
    [Range(0, int.MaxValue, ErrorMessage = "Reporting:CommentsPerHour must be 0 (no limit) or more.")]
    public int CommentsPerHour { get; set; } = 30;

    /// <summary>How often reports that have passed their date are looked for.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00", ErrorMessage = "Reporting:OverdueInterval must be between 10 ms and one day, such as 00:01:00.")]
    public TimeSpan OverdueInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long after a change of its status staff can take it back.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00", ErrorMessage = "Reporting:TakeBackWithin must be between zero (not at all) and 365 days, such as 1.00:00:00.")]
    public TimeSpan TakeBackWithin { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long after it was resolved or rejected a report can be reopened.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00", ErrorMessage = "Reporting:ReopenWithin must be between zero (not at all) and 3650 days, such as 30.00:00:00.")]
    public TimeSpan ReopenWithin { get; set; } = TimeSpan.FromDays(30);

    /// <summary>The city's time zone, by its IANA name: for the times of visits in calendars and messages.</summary>
    public string TimeZone { get; set; } = "UTC";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (DateTimeZoneProviders.Tzdb.GetZoneOrNull(TimeZone) is null)
        {
            yield return new ValidationResult("Reporting:TimeZone must be an IANA time zone, such as Asia/Damascus.", [nameof(TimeZone)]);
        }
    }
}

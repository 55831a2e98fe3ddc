using System.ComponentModel.DataAnnotations;
using NodaTime;

namespace Kashif.Gamification.Ledger;

/// <summary>Section <c>Points</c>.</summary>
internal sealed class PointsOptions : IValidatableObject
{
    public const string Section = "Points";

    /// <summary>The city's time zone, by its IANA name: where a day begins, and for the windows of rules.</summary>
    public string TimeZone { get; set; } = "UTC";

    /// <summary>How long earned points are valid where their rule does not say; null means for ever.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "36500.00:00:00", ErrorMessage = "Points:ExpiresAfter must be between one day and a hundred years, such as 365.00:00:00.")]
    public TimeSpan? ExpiresAfter { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (DateTimeZoneProviders.Tzdb.GetZoneOrNull(TimeZone) is null)
        {
            yield return new ValidationResult("Points:TimeZone must be an IANA time zone, such as Asia/Damascus.", [nameof(TimeZone)]);
        }
    }
}

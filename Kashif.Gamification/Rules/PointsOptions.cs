using System.ComponentModel.DataAnnotations;
using NodaTime;

namespace Kashif.Gamification.Rules;

/// <summary>Section <c>Points</c>.</summary>
internal sealed class PointsOptions : IValidatableObject
{
    public const string Section = "Points";

    /// <summary>The city's time zone, by its IANA name: for the windows of rules.</summary>
    public string TimeZone { get; set; } = "UTC";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (DateTimeZoneProviders.Tzdb.GetZoneOrNull(TimeZone) is null)
        {
            yield return new ValidationResult("Points:TimeZone must be an IANA time zone, such as Asia/Damascus.");
        }
    }
}

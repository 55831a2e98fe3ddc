using System.ComponentModel.DataAnnotations;

namespace Kashif.Gamification.Ledger;

/// <summary>Section <c>Points</c>.</summary>
internal sealed class PointsOptions : IValidatableObject
{
    public const string Section = "Points";

    /// <summary>The city's time zone, by its IANA name: where a day begins.</summary>
    public string TimeZone { get; set; } = "UTC";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out _))
        {
            yield return new ValidationResult("Points:TimeZone must be an IANA name such as Asia/Damascus.", [nameof(TimeZone)]);
        }
    }
}

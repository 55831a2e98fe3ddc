using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting.Open311;

/// <summary>Section <c>Open311</c>.</summary>
internal sealed class Open311Options : IValidatableObject
{
    public const string Section = "Open311";

    /// <summary>Whom developers ask, in the discovery document.</summary>
    public string Contact { get; set; } = "";

    /// <summary>How to get an API key, in the discovery document: a text or an address.</summary>
    public string KeyService { get; set; } = "";

    /// <summary>
    /// The ids of the jurisdictions, such as <c>city.example</c>. With none, any <c>jurisdiction_id</c> is accepted; with several, each request
    /// must name one. All share the same reports.
    /// </summary>
    public string[] Jurisdictions { get; set; } = [];

    /// <summary>How many requests and updates an API key may send per hour; 0 means no limit.</summary>
    [Range(0, int.MaxValue, ErrorMessage = "Open311:RequestsPerHour must be 0 (no limit) or more.")]
    public int RequestsPerHour { get; set; } = 1000;

    /// <summary>How long the reporter's name, e-mail address, phone number and ids are kept.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00", ErrorMessage = "Open311:KeepContactsFor must be between 1 and 3650 days, such as 365.00:00:00.")]
    public TimeSpan KeepContactsFor { get; set; } = TimeSpan.FromDays(365);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        Jurisdictions.Any(string.IsNullOrWhiteSpace) || Jurisdictions.Distinct(StringComparer.OrdinalIgnoreCase).Count() != Jurisdictions.Length
            ? [new("Open311:Jurisdictions must be different ids, such as city.example. Leave it out for one city.")]
            : [];
}

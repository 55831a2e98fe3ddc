using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Kashif.Gateway.Routing;

/// <summary>Section <c>Gateway:Alias</c>: the deprecation of <c>/api/{area}</c>.</summary>
internal sealed class AliasOptions : IValidatableObject
{
    public const string Section = "Gateway:Alias";

    /// <summary>The date or time from which clients should use <c>/api/v1/{area}</c> (RFC 9745); in UTC without an offset.</summary>
    /// <remarks>Text, because the binder would read a time without an offset in the server's zone.</remarks>
    public string DeprecatedSince { get; set; } = "2026-11-20";

    /// <summary>The date or time from which the alias may be removed (RFC 8594); by default a year after <see cref="DeprecatedSince"/>.</summary>
    public string? Sunset { get; set; }

    internal DateTimeOffset DeprecatedAt => Parse(DeprecatedSince) ?? throw new InvalidOperationException($"{Section}:{nameof(DeprecatedSince)} is not validated.");

    internal DateTimeOffset SunsetAt => Parse(Sunset) ?? DeprecatedAt.AddYears(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        Parse(DeprecatedSince) is null ? [new($"{Section}:{nameof(DeprecatedSince)} must be a date or time, such as 2026-11-20.")]
        : Sunset is not null && Parse(Sunset) is null ? [new($"{Section}:{nameof(Sunset)} must be a date or time, such as 2027-11-20.")]
        : SunsetAt < DeprecatedAt ? [new($"{Section}:Sunset must not be before {Section}:DeprecatedSince (RFC 9745, section 4).")]
        : [];

    private static DateTimeOffset? Parse(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;
}

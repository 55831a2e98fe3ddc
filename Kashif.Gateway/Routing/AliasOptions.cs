using System.ComponentModel.DataAnnotations;

namespace Kashif.Gateway.Routing;

/// <summary>Section <c>Gateway:Alias</c>: the deprecation of <c>/api/{area}</c>.</summary>
internal sealed class AliasOptions : IValidatableObject
{
    public const string Section = "Gateway:Alias";

    /// <summary>The date from which clients should use <c>/api/v1/{area}</c> (RFC 9745).</summary>
    public DateTimeOffset DeprecatedSince { get; set; } = new(2026, 11, 20, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The date from which the alias may be removed (RFC 8594); by default a year after <see cref="DeprecatedSince"/>.</summary>
    public DateTimeOffset? Sunset { get; set; }

    internal DateTimeOffset SunsetAt => Sunset ?? DeprecatedSince.AddYears(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => SunsetAt < DeprecatedSince
        ? [new ValidationResult($"{Section}:Sunset must not be before {Section}:DeprecatedSince (RFC 9745, section 4).")]
        : [];
}

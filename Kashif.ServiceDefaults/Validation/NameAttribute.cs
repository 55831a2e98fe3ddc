using System.ComponentModel.DataAnnotations;
using Kashif.Localization;

namespace Kashif.Validation;

/// <summary>
/// Validates a required name. Its length is counted in code points, as PostgreSQL's <c>varchar</c> does: names are indexed, and
/// an index entry has a largest size.
/// </summary>
/// <param name="max">In code points.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class NameAttribute(int max) : StringLengthAttribute(max)
{
    public override bool IsValid(object? value) => value is not string text || Error(text) is null;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string text && Error(text) is { } error ? new ValidationResult(error, [validationContext.MemberName ?? ""]) : ValidationResult.Success;

    private string? Error(string text)
    {
        var name = text.Trim().Normalize(); // as it is stored
        return name.Length == 0 ? Localized.Text(TextAttribute.Missing)
            : name.EnumerateRunes().Count() > MaximumLength ? TextAttribute.TooLong(MaximumLength)
            : null;
    }
}

using System.ComponentModel.DataAnnotations;
using Kashif.Localization;

namespace Kashif.Validation;

/// <summary>Validates the length of a string with messages in the caller's language. OpenAPI shows the lengths.</summary>
/// <param name="max">The maximum length.</param>
public abstract class CharactersAttribute(int max) : StringLengthAttribute(max)
{
    private protected static string Missing => Localized.Text("This field is required.");

    private protected string TooLong => Localized.Format($"At most {MaximumLength} characters.");

    /// <summary>Null if the text is valid.</summary>
    private protected abstract string? Error(string text);

    public sealed override bool IsValid(object? value) => value is not string text || Error(text) is null;

    protected sealed override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string text && Error(text) is { } error ? new ValidationResult(error, [validationContext.MemberName ?? ""]) : ValidationResult.Success;
}

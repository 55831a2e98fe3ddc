using System.ComponentModel.DataAnnotations;
using Kashif.Validation;

namespace Kashif.Auth.Users;

/// <summary>Digits, also Arabic-Indic ones, with optional spaces, brackets, dots, hyphens and a leading plus; or empty.</summary>
internal sealed class PhoneNumberAttribute : RegularExpressionAttribute
{
    public PhoneNumberAttribute()
        : base(@"\s*(\+?[0-9٠-٩۰-۹][0-9٠-٩۰-۹ ().\-]{4,26})?\s*") => ErrorMessage = "This is not a valid phone number.";

    /// <summary>The form that is stored: trimmed, with the digits 0 to 9.</summary>
    /// <returns>Null if it is empty.</returns>
    public static string? Clean(string? phone) => phone?.Trim() is { Length: > 0 } digits ? Digits.ToAscii(digits) : null;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string phone && DeceptiveCharacters.FindHidden(phone.Trim()) is { } hidden
            ? new ValidationResult(hidden, [validationContext.MemberName ?? ""])
            : base.IsValid(value, validationContext);
}

using System.ComponentModel.DataAnnotations;
using Kashif.Validation;

namespace Kashif.Auth.Users;

/// <summary>Digits with optional spaces, brackets, dots, hyphens and a leading plus; or empty.</summary>
internal sealed class PhoneNumberAttribute : RegularExpressionAttribute
{
    public PhoneNumberAttribute()
        : base(@"\s*(\+?[0-9][0-9 ().\-]{4,26})?\s*") => ErrorMessage = "This is not a valid phone number.";

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string phone && DeceptiveCharacters.FindHidden(phone.Trim()) is { } hidden
            ? new ValidationResult(hidden, [validationContext.MemberName ?? ""])
            : base.IsValid(value, validationContext);
}

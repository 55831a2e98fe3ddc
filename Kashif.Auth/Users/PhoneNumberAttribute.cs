using System.ComponentModel.DataAnnotations;

namespace Kashif.Auth.Users;

/// <summary>Digits with optional spaces, brackets, dots, hyphens and a leading plus; or empty.</summary>
internal sealed class PhoneNumberAttribute : RegularExpressionAttribute
{
    public PhoneNumberAttribute()
        : base(@"\s*(\+?[0-9][0-9 ().\-]{4,26})?\s*") => ErrorMessage = "This is not a valid phone number.";
}

using System.ComponentModel.DataAnnotations;

namespace Kashif.Auth.Accounts;

/// <summary>Digits as people write them, with or without a country's prefix; or nothing.</summary>
internal sealed class PhoneNumberAttribute : RegularExpressionAttribute
{
    public PhoneNumberAttribute()
        : base(@"\s*(\+?[0-9][0-9 ().\-]{4,26})?\s*") => ErrorMessage = "This is not a telephone number.";
}

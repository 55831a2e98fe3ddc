using System.ComponentModel.DataAnnotations;
using System.Net.Mail;

namespace Kashif.Auth.Users;

/// <summary>An address with a local part and a domain that has a dot; no display name, no spaces.</summary>
internal sealed class EmailAttribute() : ValidationAttribute("This is not a valid e-mail address.")
{
    /// <summary>RFC 5321 section 4.5.3.1.3, less the angle brackets.</summary>
    public const int MaxLength = 254;

    public override bool IsValid(object? value) =>
        value is null
        || (value is string text && Clean(text) is { Length: <= MaxLength } email
            && !email.Any(character => char.IsWhiteSpace(character) || char.IsControl(character) || character is '"' or '<' or '>' or ',')
            && MailAddress.TryCreate(email, out var address) && address.Address == email
            && address.Host.Trim('.') == address.Host && address.Host.Contains('.') && !address.Host.Contains("..", StringComparison.Ordinal));

    /// <summary>The form that is stored: trimmed and in Unicode NFC.</summary>
    public static string Clean(string email) => email.Trim().Normalize();

    /// <summary>The form that is compared: two addresses that differ in case are one account.</summary>
    public static string Normalize(string email) => Clean(email).ToUpperInvariant();
}

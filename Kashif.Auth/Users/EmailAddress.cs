using System.Globalization;
using System.Net.Mail;
using System.Text;

namespace Kashif.Auth.Users;

/// <summary>The form of e-mail addresses.</summary>
internal static class EmailAddress
{
    /// <summary>RFC 5321 section 4.5.3.1.3, less the angle brackets.</summary>
    public const int MaxLength = 254;

    /// <summary>Encodes labels of other scripts and refuses those longer than 63 octets, which no server accepts.</summary>
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    /// <summary>Whether it has a local part and a domain with a dot; no display name, no spaces.</summary>
    public static bool IsValid(string text) =>
        Clean(text) is { Length: <= MaxLength } email
        && !email.Any(character => char.IsWhiteSpace(character) || char.IsControl(character) || character is '"' or '<' or '>' or ',')
        && MailAddress.TryCreate(email, out var address) && address.Address == email && Ascii.IsValid(address.Host)
        && address.Host.Trim('.') == address.Host && address.Host.Contains('.') && !address.Host.Contains("..", StringComparison.Ordinal);

    /// <summary>
    /// The form that is stored: trimmed, in Unicode NFC, with the domain in ASCII. One mailbox has one form, whether its domain was typed
    /// in Unicode or in Punycode.
    /// </summary>
    public static string Clean(string email)
    {
        var clean = email.Trim().Normalize();
        var domain = clean.LastIndexOf('@') + 1;
        if (domain == 0)
        {
            return clean;
        }

        try
        {
            return clean[..domain] + Idn.GetAscii(clean[domain..]).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            return clean; // no domain, so no account has it
        }
    }

    /// <summary>The form that is compared: two addresses that differ in case are one account.</summary>
    public static string Normalize(string email) => Clean(email).ToUpperInvariant();
}

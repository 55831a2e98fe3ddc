using System.Globalization;
using System.Net.Mail;
using System.Text;
using Kashif.Validation;

namespace Kashif.Auth.Users;

/// <summary>The form of e-mail addresses.</summary>
internal static class EmailAddress
{
    /// <summary>RFC 5321 section 4.5.3.1.3, less the angle brackets.</summary>
    public const int MaxLength = 254;

    /// <summary>Before the @: RFC 5321 section 4.5.3.1.1.</summary>
    private const int MaxMailboxLength = 64;

    public const string Invalid = "This is not a valid e-mail address.";
    private const string NotAscii = "Mail to this address cannot be delivered: before the @ only characters of ASCII are possible.";

    /// <summary>Encodes labels of other scripts, and refuses labels that no server accepts: longer than 63 octets, or with other signs than hyphens inside.</summary>
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    /// <summary>Whether it has the form of an address. An account from before the rules of <see cref="ErrorOf"/> may have it.</summary>
    public static bool IsShaped(string text) =>
        text.Trim() is { Length: <= MaxLength } email && email.LastIndexOf('@') is > 0 and var at && at < email.Length - 1;

    /// <summary>The error for an address of a new account; null if there is none.</summary>
    /// <param name="nonAscii">Whether the local part may have characters outside ASCII (RFC 6531).</param>
    public static string? ErrorOf(string email, bool nonAscii) =>
        DeceptiveCharacters.FindHidden(email.Trim())
        ?? (!IsValid(email) ? Invalid
            : !nonAscii && !Ascii.IsValid(Clean(email)) ? NotAscii
            : null);

    /// <summary>
    /// The form that is stored: trimmed, in Unicode NFC, with the domain in ASCII and lower case. One mailbox has one form, whether its
    /// domain was typed in Unicode or in Punycode.
    /// </summary>
    public static string Clean(string email) => WithAsciiDomain(email) ?? email.Trim().Normalize();

    /// <summary>The form that is compared: two addresses that differ in case are one account.</summary>
    public static string Normalize(string email) => Clean(email).ToUpperInvariant();

    /// <summary>Whether it has a local part and a domain with a dot; no display name, no spaces.</summary>
    private static bool IsValid(string text) =>
        WithAsciiDomain(text) is { Length: <= MaxLength } email
        && !email.Any(character => char.IsWhiteSpace(character) || char.IsControl(character) || character is '"' or '<' or '>' or ',')
        && MailAddress.TryCreate(email, out var address) && address.Address == email && Ascii.IsValid(address.Host)
        && Encoding.UTF8.GetByteCount(address.User) <= MaxMailboxLength && !address.User.EndsWith('.')
        && address.Host.Trim('.') == address.Host && address.Host.Contains('.') && !address.Host.Contains("..", StringComparison.Ordinal)
        && !address.Host[(address.Host.LastIndexOf('.') + 1)..].All(char.IsAsciiDigit); // an IP address

    /// <returns>Null if the domain is not a host name; only an account from before that rule has such an address.</returns>
    private static string? WithAsciiDomain(string email)
    {
        var clean = email.Trim().Normalize();
        var domain = clean.LastIndexOf('@') + 1;
        if (domain == 0 || DeceptiveCharacters.FindHidden(clean[domain..]) is not null)
        {
            return null;
        }

        try
        {
            return clean[..domain] + Idn.GetAscii(clean, domain).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}

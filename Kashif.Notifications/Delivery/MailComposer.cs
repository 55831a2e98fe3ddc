using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Kashif.Notifications.Templates;
using MimeKit;
using MimeKit.Text;

namespace Kashif.Notifications.Delivery;

/// <summary>Composes the MIME message of a <see cref="Mail"/>: text and HTML, in ASCII so that any server accepts it.</summary>
internal static class MailComposer
{
    /// <summary>The outcome if <see cref="Compose"/> returns null.</summary>
    public static SendOutcome InvalidAddress { get; } = new(SendResult.Refused, "invalid_address");

    /// <summary>Sends a non-ASCII local part as UTF-8 (RFC 6531) and encodes the rest.</summary>
    public static FormatOptions International { get; } = MakeInternational();

    private static readonly IdnMapping Idn = new();

    // Allows extra dots in a local part ("a..b@", "a.@"), which some providers issue; TryParseAddress checks the result.
    private static readonly ParserOptions AddressOnly = new()
    {
        AddressParserComplianceMode = RfcComplianceMode.Looser,
        AllowAddressesWithoutDomain = false,
        AllowUnquotedCommasInAddresses = false,
    };

    /// <returns>Null if the address is invalid.</returns>
    public static MimeMessage? Compose(Mail mail, MailboxAddress sender, DateTimeOffset now)
    {
        if (!TryParseAddress(mail.To, out var recipient))
        {
            return null;
        }

        var message = new MimeMessage
        {
            Date = now,
            MessageId = $"delivery-{mail.Id}@{Idn.GetAscii(sender.Domain)}",
            Subject = OneLine(mail.Subject),
            Body = new MultipartAlternative
            {
                new TextPart(TextFormat.Plain) { Text = mail.Text.ReplaceLineEndings("\r\n") },
                new TextPart(TextFormat.Html) { Text = mail.Html.ReplaceLineEndings("\r\n") },
            },
        };
        message.From.Add(sender);
        message.To.Add(recipient);
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated"); // RFC 3834: no out-of-office replies
        if (mail.Unsubscribe is { } link)
        {
            message.Headers.Add(HeaderId.ListUnsubscribe, $"<{link}>");
            message.Headers.Add(HeaderId.ListUnsubscribePost, "List-Unsubscribe=One-Click"); // RFC 8058
        }

        message.Prepare(EncodingConstraint.SevenBit);
        return message;
    }

    /// <summary>Whether the local part needs a server with SMTPUTF8.</summary>
    public static bool IsInternational(this MimeMessage message) => !Ascii.IsValid(message.To.Mailboxes.First().LocalPart);

    /// <summary>Parses a single address without a display name.</summary>
    public static bool TryParseAddress(string text, [NotNullWhen(true)] out MailboxAddress? address)
    {
        address = null;
        if (text.LastIndexOf('@') is not (> 0 and var at)
            || !TryEncodeDomain(text[(at + 1)..], out var domain)
            || !MailboxAddress.TryParse(AddressOnly, text, out var parsed))
        {
            return false;
        }

        // The parser skips comments, names and white space: refuse an address that contains any.
        if (!string.Equals(parsed.GetAddress(idnEncode: true), $"{text[..at]}@{domain}", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        address = parsed;
        return true;
    }

    /// <summary>Encodes a domain in Punycode. MimeKit would keep an invalid one unencoded, such as a label over 63 characters.</summary>
    public static bool TryEncodeDomain(string domain, [NotNullWhen(true)] out string? encoded)
    {
        try
        {
            encoded = Idn.GetAscii(domain);
            return true;
        }
        catch (ArgumentException)
        {
            encoded = null;
            return false;
        }
    }

    /// <summary>
    /// Replaces control characters: a line break would start another header. A word joiner keeps readers from decoding a text such as <c>=?utf-8?q?=0A?=</c>, which
    /// MimeKit leaves as it is.
    /// </summary>
    private static string OneLine(string text) => string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character)).Replace("=?", "=\u2060?", StringComparison.Ordinal);

    private static FormatOptions MakeInternational()
    {
        var options = FormatOptions.Default.Clone();
        options.International = true;
        return options;
    }
}

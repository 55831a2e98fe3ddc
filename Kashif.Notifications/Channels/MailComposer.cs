using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using MimeKit;
using MimeKit.Text;

namespace Kashif.Notifications.Channels;

/// <summary>Makes a MIME message of a <see cref="Mail"/>: text and HTML, in ASCII for any server.</summary>
internal static class MailComposer
{
    /// <summary>What becomes of a mail for which <see cref="Compose"/> returns null.</summary>
    public static SendOutcome InvalidAddress { get; } = new(SendResult.Refused, "invalid_address");

    /// <summary>What is not ASCII before the at sign is sent as it is (RFC 6531); all else is encoded.</summary>
    public static FormatOptions International { get; } = MakeInternational();

    private static readonly IdnMapping Idn = new();

    // Loose about dots in a local part ("a..b@", "a.@"), which some providers give out; TryParseAddress compares the result.
    private static readonly ParserOptions AddressOnly = new()
    {
        AddressParserComplianceMode = RfcComplianceMode.Looser,
        AllowAddressesWithoutDomain = false,
        AllowUnquotedCommasInAddresses = false,
    };

    /// <returns>Null where the address cannot be written in a mail.</returns>
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
        message.Prepare(EncodingConstraint.SevenBit);
        return message;
    }

    /// <summary>Whether the local part needs a server with SMTPUTF8.</summary>
    public static bool IsInternational(this MimeMessage message) => !Ascii.IsValid(message.To.Mailboxes.First().LocalPart);

    /// <summary>Takes one address, without a display name.</summary>
    public static bool TryParseAddress(string text, [NotNullWhen(true)] out MailboxAddress? address)
    {
        address = null;
        if (text.LastIndexOf('@') is not (> 0 and var at)
            || !TryEncodeDomain(text[(at + 1)..], out var domain)
            || !MailboxAddress.TryParse(AddressOnly, text, out var parsed))
        {
            return false;
        }

        // The parser skips comments, names and white space: what it has read must be all there is.
        if (!string.Equals(parsed.GetAddress(idnEncode: true), $"{text[..at]}@{domain}", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        address = parsed;
        return true;
    }

    /// <summary>Punycode. MimeKit's own leaves a domain that cannot be encoded as it is (a label over 63 characters, for one).</summary>
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

    /// <summary>A line break in a header would begin another header.</summary>
    private static string OneLine(string text) => string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character));

    private static FormatOptions MakeInternational()
    {
        var options = FormatOptions.Default.Clone();
        options.International = true;
        return options;
    }
}

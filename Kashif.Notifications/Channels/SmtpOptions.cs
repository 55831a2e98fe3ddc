using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using MailKit.Security;
using MimeKit;

namespace Kashif.Notifications.Channels;

/// <summary>Section <c>Smtp</c>: who sends e-mail. Without a server it goes to files, and without those nowhere.</summary>
internal sealed class SmtpOptions : IValidatableObject
{
    public const string Section = "Smtp";
    private const string StartTls = "StartTls";
    private const string Tls = "Tls";
    private const string None = "None";
    private const int TlsPort = 465;
    private static readonly ParserOptions Strict = new() { AddressParserComplianceMode = RfcComplianceMode.Strict, AllowAddressesWithoutDomain = false };

    /// <summary>The mail server. Empty: see <see cref="PickupDirectory"/>.</summary>
    public string Host { get; set; } = "";

    /// <summary>Empty: 587. Text, so that our own words refuse what is no number.</summary>
    [Range(1, 65535, ErrorMessage = "Smtp:Port must be between 1 and 65535; the usual one for sending is 587.")]
    public string? Port { get; set; }

    /// <summary>
    /// <c>StartTls</c> (RFC 3207) or <c>Tls</c> from the first byte (RFC 8314): nothing is said in the clear, a server without it is
    /// not used. <c>None</c> encrypts nothing. Empty: <c>Tls</c> on port 465, <c>StartTls</c> on any other.
    /// </summary>
    public string? Security { get; set; }

    /// <summary>Empty: the server asks for no name and password.</summary>
    public string? User { get; set; }
    public string? Password { get; set; }

    /// <summary>The sender of every mail, such as <c>Kashif &lt;no-reply@example.org&gt;</c>.</summary>
    public string? From { get; set; }

    /// <summary>For development: where mails are written as .eml files while there is no <see cref="Host"/>.</summary>
    public string? PickupDirectory { get; set; }

    /// <summary>How long connecting may take, and then each mail.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "Smtp:Timeout must be between 0.1 s and a minute, such as 00:00:20.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(20);

    public bool IsServerSet => !string.IsNullOrWhiteSpace(Host);

    public bool IsPickupSet => !string.IsNullOrWhiteSpace(PickupDirectory);

    // Internal: the validation reads every public property first, and these only work after it.
    internal int PortNumber => string.IsNullOrEmpty(Port) ? 587 : int.Parse(Port, CultureInfo.InvariantCulture);

    internal SecureSocketOptions Encryption => Security switch
    {
        _ when Is(Tls) || (string.IsNullOrEmpty(Security) && PortNumber == TlsPort) => SecureSocketOptions.SslOnConnect,
        _ when Is(None) => SecureSocketOptions.None,
        _ => SecureSocketOptions.StartTls,
    };

    /// <summary>Another object each time: messages observe their addresses.</summary>
    internal MailboxAddress Sender => MailboxAddress.Parse(string.IsNullOrWhiteSpace(From) ? "Kashif <no-reply@kashif.local>" : From);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (IsServerSet && Uri.CheckHostName(Host) is UriHostNameType.Unknown)
        {
            yield return new ValidationResult("Smtp:Host must be a name or an IP address alone, such as smtp.example.org; Smtp:Port has the port.");
        }

        if (IsServerSet && string.IsNullOrWhiteSpace(From))
        {
            yield return new ValidationResult("Smtp:From is not set: the address that mails are from, such as Kashif <no-reply@example.org>, which Smtp:Host must accept.");
        }
        else if (!string.IsNullOrWhiteSpace(From) && !IsSender(From))
        {
            yield return new ValidationResult("Smtp:From must be one address, ASCII before the at sign, such as no-reply@example.org or Kashif <no-reply@example.org>.");
        }

        if (!string.IsNullOrEmpty(Security) && !Is(StartTls) && !Is(Tls) && !Is(None))
        {
            yield return new ValidationResult("Smtp:Security must be StartTls, Tls or None; leave it empty to go by Smtp:Port (465 is Tls, any other StartTls).");
        }

        if (IsServerSet && PortNumber == TlsPort && Is(StartTls))
        {
            yield return new ValidationResult("Smtp:Security is StartTls, but port 465 (Smtp:Port) wants TLS from the first byte: set Smtp:Security to Tls, or Smtp:Port to 587.");
        }

        if (string.IsNullOrEmpty(User) != string.IsNullOrEmpty(Password))
        {
            yield return new ValidationResult("Smtp:User and Smtp:Password go together: set both or neither.");
        }
    }

    private bool Is(string security) => security.Equals(Security, StringComparison.OrdinalIgnoreCase);

    /// <summary>A sender that needs SMTPUTF8 would have every mail refused by servers without it.</summary>
    private static bool IsSender(string text) =>
        MailboxAddress.TryParse(Strict, text, out var sender)
        && Ascii.IsValid(sender.LocalPart)
        && MailComposer.TryParseAddress(sender.Address, out _);
}

using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using MailKit.Security;
using MimeKit;

namespace Kashif.Notifications.Delivery;

/// <summary>Section <c>Smtp</c>. Without a server, mails are written to files; without a directory, only logged.</summary>
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

    /// <summary>Empty: 587. A string, so that validation names the setting if it is not a number.</summary>
    [Range(1, 65535, ErrorMessage = "Smtp:Port must be between 1 and 65535, usually 587.")]
    public string? Port { get; set; }

    /// <summary>
    /// <c>StartTls</c> (RFC 3207) or <c>Tls</c> from the first byte (RFC 8314): required, a server without it is not used.
    /// <c>None</c> encrypts nothing. Empty: <c>Tls</c> on port 465, <c>StartTls</c> on any other.
    /// </summary>
    public string? Security { get; set; }

    /// <summary>Empty: no authentication.</summary>
    public string? User { get; set; }
    public string? Password { get; set; }

    /// <summary>The sender of every mail, such as <c>Kashif &lt;no-reply@example.org&gt;</c>.</summary>
    public string? From { get; set; }

    /// <summary>The address that servers report undeliverable mails to (MAIL FROM). Empty: the address of <see cref="From"/>.</summary>
    public string? EnvelopeFrom { get; set; }

    /// <summary>For development, without <see cref="Host"/>: the directory to write mails to, as .eml files.</summary>
    public string? PickupDirectory { get; set; }

    /// <summary>The limit for connecting, and for each mail.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "Smtp:Timeout must be between 0.1 s and a minute, such as 00:00:20.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(20);

    public bool IsServerSet => !string.IsNullOrWhiteSpace(Host);

    public bool IsPickupSet => !string.IsNullOrWhiteSpace(PickupDirectory);

    // Internal, because validation reads every public property, and these throw on invalid settings.
    internal int PortNumber => string.IsNullOrEmpty(Port) ? 587 : int.Parse(Port, CultureInfo.InvariantCulture);

    internal SecureSocketOptions Encryption => Security switch
    {
        _ when Is(Tls) || (string.IsNullOrEmpty(Security) && PortNumber == TlsPort) => SecureSocketOptions.SslOnConnect,
        _ when Is(None) => SecureSocketOptions.None,
        _ => SecureSocketOptions.StartTls,
    };

    /// <summary>A new object each time, because messages subscribe to changes of their addresses.</summary>
    internal MailboxAddress Sender => MailboxAddress.Parse(string.IsNullOrWhiteSpace(From) ? "Kashif <no-reply@kashif.local>" : From);

    internal MailboxAddress Envelope => string.IsNullOrWhiteSpace(EnvelopeFrom) ? Sender : MailboxAddress.Parse(EnvelopeFrom);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (IsServerSet && Uri.CheckHostName(Host) is UriHostNameType.Unknown)
        {
            yield return new ValidationResult("Smtp:Host must be a host name or an IP address, such as smtp.example.org. Set the port in Smtp:Port.");
        }

        if (IsServerSet && string.IsNullOrWhiteSpace(From))
        {
            yield return new ValidationResult("Smtp:From is not set. Set the sender's address, such as Kashif <no-reply@example.org>; Smtp:Host must accept it.");
        }
        else if (!string.IsNullOrWhiteSpace(From) && !IsSender(From))
        {
            yield return new ValidationResult("Smtp:From must be a single address with an ASCII local part, such as no-reply@example.org or Kashif <no-reply@example.org>.");
        }

        if (!string.IsNullOrWhiteSpace(EnvelopeFrom) && !IsSender(EnvelopeFrom))
        {
            yield return new ValidationResult("Smtp:EnvelopeFrom must be a single address with an ASCII local part, such as bounces@example.org.");
        }

        if (!string.IsNullOrEmpty(Security) && !Is(StartTls) && !Is(Tls) && !Is(None))
        {
            yield return new ValidationResult("Smtp:Security must be StartTls, Tls or None. Leave it empty for Tls on port 465 and StartTls on any other.");
        }

        if (IsServerSet && PortNumber == TlsPort && Is(StartTls))
        {
            yield return new ValidationResult("Smtp:Security is StartTls, but port 465 (Smtp:Port) requires TLS from the first byte. Set Smtp:Security to Tls, or Smtp:Port to 587.");
        }

        if (string.IsNullOrEmpty(User) != string.IsNullOrEmpty(Password))
        {
            yield return new ValidationResult("Set both Smtp:User and Smtp:Password, or neither.");
        }
    }

    private bool Is(string security) => security.Equals(Security, StringComparison.OrdinalIgnoreCase);

    /// <summary>The local part must be ASCII: otherwise servers without SMTPUTF8 refuse every mail.</summary>
    private static bool IsSender(string text) =>
        MailboxAddress.TryParse(Strict, text, out var sender)
        && Ascii.IsValid(sender.LocalPart)
        && MailComposer.TryParseAddress(sender.Address, out _);
}

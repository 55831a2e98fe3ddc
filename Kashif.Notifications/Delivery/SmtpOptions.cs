using System.ComponentModel.DataAnnotations;
using System.Net.Mail;

namespace Kashif.Notifications.Delivery;

/// <summary>Section <c>Smtp</c>: who sends e-mail. Without a server it goes to files, and without those nowhere.</summary>
internal sealed class SmtpOptions : IValidatableObject
{
    public const string Section = "Smtp";

    /// <summary>The mail server. Empty: see <see cref="PickupDirectory"/>.</summary>
    public string? Host { get; set; }

    [Range(1, 65535, ErrorMessage = "Smtp:Port must be between 1 and 65535; the usual one for sending is 587.")]
    public int Port { get; set; } = 587;

    /// <summary>Empty: the server asks for no name and password.</summary>
    public string? User { get; set; }
    public string? Password { get; set; }

    /// <summary>The sender of every mail, such as <c>Kashif &lt;no-reply@example.org&gt;</c>.</summary>
    public string? From { get; set; }

    /// <summary>Whether the connection is encrypted before anything is said (RFC 3207). A server without it is then refused.</summary>
    public bool StartTls { get; set; } = true;

    /// <summary>For development: where mails are written as .eml files while there is no <see cref="Host"/>.</summary>
    public string? PickupDirectory { get; set; }

    /// <summary>How long one mail may take.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "Smtp:Timeout must be between 0.1 s and a minute, such as 00:00:20.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(20);

    public bool IsServerSet => !string.IsNullOrWhiteSpace(Host);

    public bool IsSet => IsServerSet || !string.IsNullOrWhiteSpace(PickupDirectory);

    public MailAddress Sender => new(string.IsNullOrWhiteSpace(From) ? "Kashif <no-reply@kashif.local>" : From);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (IsServerSet && string.IsNullOrWhiteSpace(From))
        {
            yield return new ValidationResult("Smtp:From is not set: the address that mails are from, such as Kashif <no-reply@example.org>, which Smtp:Host must accept.");
        }
        else if (!string.IsNullOrWhiteSpace(From) && !MailAddress.TryCreate(From, out _))
        {
            yield return new ValidationResult("Smtp:From is no address, such as no-reply@example.org or Kashif <no-reply@example.org>.");
        }

        if (IsServerSet && Port == 465)
        {
            yield return new ValidationResult("Smtp:Port 465 wants TLS from the first byte, which Kashif does not speak: use the server's port for STARTTLS, usually 587.");
        }

        if (string.IsNullOrEmpty(User) != string.IsNullOrEmpty(Password))
        {
            yield return new ValidationResult("Smtp:User and Smtp:Password go together: set both or neither.");
        }
    }
}

/// <summary>Section <c>Links</c>: where links in mails lead.</summary>
internal sealed class MailLinkOptions : IValidatableObject
{
    public const string Section = "Links";

    /// <summary>The public address of the web app, which has the pages <c>/verify-email</c> and <c>/reset-password</c>. Empty: <see cref="Gateway"/>.</summary>
    public string? App { get; set; }

    /// <summary>The gateway's public address.</summary>
    public string Gateway { get; set; } = "http://localhost:8000";

    /// <summary>The token is in the fragment, which browsers send to no server: it reaches no log and no Referer.</summary>
    public string To(string page, string token) => $"{Base.TrimEnd('/')}/{page}#token={Uri.EscapeDataString(token)}";

    private string Base => string.IsNullOrWhiteSpace(App) ? Gateway : App;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Base, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.Query.Length + address.Fragment.Length > 0)
        {
            yield return new ValidationResult("Links:App (or Links:Gateway, where that is empty) must be an absolute http(s) address, such as https://kashif.example.org.");
        }
    }
}

using System.ComponentModel.DataAnnotations;

namespace Kashif.Notifications.Templates;

/// <summary>Section <c>Links</c>: the target of links in mails and web pushes.</summary>
internal sealed class MailLinkOptions : IValidatableObject
{
    public const string Section = "Links";

    /// <summary>The public address of the web app with the pages <c>/verify-email</c>, <c>/reset-password</c> and <c>/take-over</c>. Empty: <see cref="Gateway"/>.</summary>
    public string? App { get; set; }

    /// <summary>The gateway's public address.</summary>
    public string Gateway { get; set; } = "http://localhost:8000";

    /// <summary>The token is in the fragment, which browsers do not send: it stays out of logs and the Referer.</summary>
    public string To(string page, string token) => $"{Base.TrimEnd('/')}/{page}#token={Uri.EscapeDataString(token)}";

    /// <summary>The app's address if a browser's push may link to it, which requires HTTPS.</summary>
    internal string? Secure => Base.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ? Base : null;

    private string Base => string.IsNullOrWhiteSpace(App) ? Gateway : App;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IsBase(Gateway))
        {
            yield return new ValidationResult("Links:Gateway must be an absolute http(s) address, such as https://kashif.example.org.");
        }

        if (!IsBase(Base))
        {
            yield return new ValidationResult("Links:App must be an absolute http(s) address, such as https://app.example.org. Leave it empty for Links:Gateway.");
        }
    }

    private static bool IsBase(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address.Query.Length + address.Fragment.Length == 0;
}

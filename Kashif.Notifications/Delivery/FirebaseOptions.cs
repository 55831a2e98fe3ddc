using System.ComponentModel.DataAnnotations;
using Google.Apis.Auth.OAuth2;

namespace Kashif.Notifications.Delivery;

/// <summary>Section <c>Firebase</c>. Without credentials, push notifications are only logged.</summary>
internal sealed class FirebaseOptions : IValidatableObject
{
    public const string Section = "Firebase";

    /// <summary>The JSON key of a service account that may send messages, from the Firebase console. Empty: pushes are only logged.</summary>
    public string? CredentialsJson { get; set; }

    /// <summary>The Firebase project; null means the project of the credentials.</summary>
    public string? ProjectId { get; set; }

    public bool IsSet => !string.IsNullOrWhiteSpace(CredentialsJson);

    /// <exception cref="Exception">The JSON is not a service account's key.</exception>
    public ServiceAccountCredential Credential() => CredentialFactory.FromJson<ServiceAccountCredential>(CredentialsJson);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (IsSet && !IsKey())
        {
            // Not the parser's message: it could quote the key.
            yield return new ValidationResult(
                "Firebase:CredentialsJson is not the JSON key of a service account. Paste the whole file that the Firebase console "
                + "generates (Project settings, Service accounts), or leave the setting empty to only log push notifications.",
                [nameof(CredentialsJson)]);
        }
    }

    private bool IsKey()
    {
        try
        {
            return Credential() is { ProjectId: { Length: > 0 } } || !string.IsNullOrWhiteSpace(ProjectId);
        }
        catch (Exception)
        {
            return false;
        }
    }
}

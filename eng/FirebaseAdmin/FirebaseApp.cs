// Built only if NuGet cannot restore the package FirebaseAdmin (FirebaseAdminFrom in Directory.Build.props).
// Has only the members of the package that Kashif uses.

using Google.Apis.Auth.OAuth2;
using Google.Apis.Http;

namespace FirebaseAdmin;

public sealed class AppOptions
{
    public GoogleCredential Credential { get; set; }

    public string ProjectId { get; set; }

    public HttpClientFactory HttpClientFactory { get; set; } = new();
}

public sealed class FirebaseApp
{
    private FirebaseApp(AppOptions options)
    {
        var credential = options.Credential.IsCreateScopedRequired
            ? options.Credential.CreateScoped("https://www.googleapis.com/auth/firebase", "https://www.googleapis.com/auth/cloud-platform")
            : options.Credential;
        var projectId = options.ProjectId ?? (credential.UnderlyingCredential as ServiceAccountCredential)?.ProjectId;
        Messaging = new(() => new Messaging.FirebaseMessaging(options.HttpClientFactory, credential, projectId));
    }

    internal Lazy<Messaging.FirebaseMessaging> Messaging { get; }

    /// <param name="name">Not used here. The package registers apps by name.</param>
    public static FirebaseApp Create(AppOptions options, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new FirebaseApp(options);
    }

    public void Delete()
    {
        if (Messaging.IsValueCreated)
        {
            Messaging.Value.Close();
        }
    }
}

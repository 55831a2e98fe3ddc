// Stands in for the package FirebaseAdmin where no version of it is served; the full registry never builds it.
// Left out: everything but cloud messaging.

using System.Collections.Concurrent;
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
    private const string DefaultName = "[DEFAULT]";
    private static readonly ConcurrentDictionary<string, FirebaseApp> Apps = new();

    private FirebaseApp(AppOptions options, string name)
    {
        ArgumentNullException.ThrowIfNull(options.Credential);
        ArgumentNullException.ThrowIfNull(options.HttpClientFactory);
        var credential = options.Credential.IsCreateScopedRequired
            ? options.Credential.CreateScoped("https://www.googleapis.com/auth/firebase", "https://www.googleapis.com/auth/cloud-platform")
            : options.Credential;
        Options = new AppOptions { Credential = credential, ProjectId = options.ProjectId, HttpClientFactory = options.HttpClientFactory };
        Name = name;
        Messaging = new(() => new Messaging.FirebaseMessaging(this));
    }

    /// <summary>Null until the default app is created.</summary>
    public static FirebaseApp DefaultInstance => GetInstance(DefaultName);

    public string Name { get; }

    public AppOptions Options { get; }

    internal Lazy<Messaging.FirebaseMessaging> Messaging { get; }

    internal string ProjectId =>
        Options.ProjectId
        ?? (Options.Credential.UnderlyingCredential as ServiceAccountCredential)?.ProjectId
        ?? Environment.GetEnvironmentVariable("GOOGLE_CLOUD_PROJECT")
        ?? Environment.GetEnvironmentVariable("GCLOUD_PROJECT");

    /// <summary>Null where no app of that name exists.</summary>
    public static FirebaseApp GetInstance(string name) => Apps.GetValueOrDefault(name);

    public static FirebaseApp Create(AppOptions options) => Create(options, DefaultName);

    public static FirebaseApp Create(AppOptions options, string name)
    {
        var app = new FirebaseApp(options ?? new AppOptions { Credential = GoogleCredential.GetApplicationDefault() }, name);
        return Apps.TryAdd(name, app)
            ? app
            : throw new ArgumentException(name == DefaultName ? "The default FirebaseApp already exists." : $"FirebaseApp named {name} already exists.");
    }

    public void Delete()
    {
        Apps.TryRemove(KeyValuePair.Create(Name, this));
        if (Messaging.IsValueCreated)
        {
            Messaging.Value.Close();
        }
    }
}

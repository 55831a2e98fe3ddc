// Built only if NuGet cannot restore the package FirebaseAdmin (FirebaseAdminFrom in Directory.Build.props).
// Has only the members of the package that Kashif uses.
// JSON fields: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages.

using System.Text.Json.Serialization;

namespace FirebaseAdmin.Messaging;

public sealed class Message
{
    [JsonPropertyName("token")]
    public string Token { get; set; }

    [JsonPropertyName("data")]
    public IReadOnlyDictionary<string, string> Data { get; set; }

    [JsonPropertyName("notification")]
    public Notification Notification { get; set; }

    [JsonPropertyName("android")]
    public AndroidConfig Android { get; set; }

    [JsonPropertyName("apns")]
    public ApnsConfig Apns { get; set; }

    [JsonPropertyName("webpush")]
    public WebpushConfig Webpush { get; set; }
}

public sealed class Notification
{
    [JsonPropertyName("title")]
    public string Title { get; set; }

    [JsonPropertyName("body")]
    public string Body { get; set; }
}

[JsonConverter(typeof(JsonStringEnumConverter<Priority>))]
public enum Priority
{
    [JsonStringEnumMemberName("normal")]
    Normal,

    [JsonStringEnumMemberName("high")]
    High,
}

public sealed class AndroidConfig
{
    [JsonPropertyName("priority")]
    public Priority? Priority { get; set; }

    [JsonIgnore]
    public TimeSpan? TimeToLive { get; set; }

    [JsonInclude]
    [JsonPropertyName("ttl")]
    internal string Ttl => TimeToLive is { } left ? $"{(long)left.TotalSeconds}s" : null;

    [JsonPropertyName("notification")]
    public AndroidNotification Notification { get; set; }
}

public sealed class AndroidNotification
{
    [JsonPropertyName("tag")]
    public string Tag { get; set; }

    [JsonPropertyName("channel_id")]
    public string ChannelId { get; set; }
}

public sealed class ApnsConfig
{
    [JsonPropertyName("headers")]
    public IReadOnlyDictionary<string, string> Headers { get; set; }

    [JsonIgnore]
    public Aps Aps { get; set; }

    [JsonInclude]
    [JsonPropertyName("payload")]
    internal IDictionary<string, Aps> Payload => new Dictionary<string, Aps> { ["aps"] = Aps };
}

public sealed class Aps
{
    [JsonPropertyName("sound")]
    public string Sound { get; set; }

    [JsonIgnore]
    public bool ContentAvailable { get; set; }

    [JsonInclude]
    [JsonPropertyName("content-available")]
    internal int? ContentAvailableNumber => ContentAvailable ? 1 : null;

    [JsonPropertyName("category")]
    public string Category { get; set; }

    [JsonPropertyName("thread-id")]
    public string ThreadId { get; set; }
}

public sealed class WebpushConfig
{
    [JsonPropertyName("headers")]
    public IReadOnlyDictionary<string, string> Headers { get; set; }

    [JsonPropertyName("notification")]
    public WebpushNotification Notification { get; set; }

    [JsonPropertyName("fcm_options")]
    public WebpushFcmOptions FcmOptions { get; set; }
}

public sealed class WebpushNotification
{
    [JsonPropertyName("title")]
    public string Title { get; set; }

    [JsonPropertyName("body")]
    public string Body { get; set; }

    [JsonPropertyName("tag")]
    public string Tag { get; set; }
}

public sealed class WebpushFcmOptions
{
    [JsonPropertyName("link")]
    public string Link { get; set; }
}

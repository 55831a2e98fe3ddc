// Stands in for the package FirebaseAdmin where no version of it is served; the full registry never builds it.
// Left out: web push, critical sounds, localised alerts, and the checks that FCM repeats and answers with InvalidArgument.
// The attributes spell the fields of https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages.

using System.Globalization;
using System.Text.Json.Serialization;

namespace FirebaseAdmin.Messaging;

public sealed class Message
{
    [JsonPropertyName("token")]
    public string Token { get; set; }

    [JsonPropertyName("topic")]
    public string Topic { get; set; }

    [JsonPropertyName("condition")]
    public string Condition { get; set; }

    [JsonPropertyName("data")]
    public IReadOnlyDictionary<string, string> Data { get; set; }

    [JsonPropertyName("notification")]
    public Notification Notification { get; set; }

    [JsonPropertyName("android")]
    public AndroidConfig Android { get; set; }

    [JsonPropertyName("apns")]
    public ApnsConfig Apns { get; set; }

    internal void Validate()
    {
        if (new[] { Token, Topic, Condition }.Count(target => !string.IsNullOrEmpty(target)) != 1)
        {
            throw new ArgumentException("Exactly one of Token, Topic or Condition is required.");
        }
    }
}

public sealed class Notification
{
    [JsonPropertyName("title")]
    public string Title { get; set; }

    [JsonPropertyName("body")]
    public string Body { get; set; }

    [JsonPropertyName("image")]
    public string ImageUrl { get; set; }
}

[JsonConverter(typeof(JsonStringEnumConverter<Priority>))]
public enum Priority
{
    [JsonStringEnumMemberName("high")]
    High,

    [JsonStringEnumMemberName("normal")]
    Normal,
}

public sealed class AndroidConfig
{
    [JsonPropertyName("collapse_key")]
    public string CollapseKey { get; set; }

    [JsonPropertyName("priority")]
    public Priority? Priority { get; set; }

    [JsonIgnore]
    public TimeSpan? TimeToLive { get; set; }

    [JsonPropertyName("data")]
    public IReadOnlyDictionary<string, string> Data { get; set; }

    [JsonPropertyName("notification")]
    public AndroidNotification Notification { get; set; }

    [JsonInclude]
    [JsonPropertyName("ttl")]
    internal string Ttl => TimeToLive is { } ttl ? string.Create(CultureInfo.InvariantCulture, $"{ttl.TotalSeconds:0.#########}s") : null;
}

public sealed class AndroidNotification
{
    [JsonPropertyName("title")]
    public string Title { get; set; }

    [JsonPropertyName("body")]
    public string Body { get; set; }

    [JsonPropertyName("icon")]
    public string Icon { get; set; }

    [JsonPropertyName("color")]
    public string Color { get; set; }

    [JsonPropertyName("sound")]
    public string Sound { get; set; }

    [JsonPropertyName("tag")]
    public string Tag { get; set; }

    [JsonPropertyName("click_action")]
    public string ClickAction { get; set; }

    [JsonPropertyName("channel_id")]
    public string ChannelId { get; set; }
}

public sealed class ApnsConfig
{
    [JsonPropertyName("headers")]
    public IReadOnlyDictionary<string, string> Headers { get; set; }

    [JsonIgnore]
    public Aps Aps { get; set; }

    [JsonIgnore]
    public IDictionary<string, object> CustomData { get; set; }

    [JsonInclude]
    [JsonPropertyName("payload")]
    internal IDictionary<string, object> Payload =>
        new Dictionary<string, object>(CustomData ?? new Dictionary<string, object>()) { ["aps"] = Aps ?? new Aps() };
}

public sealed class Aps
{
    [JsonIgnore]
    public ApsAlert Alert { get; set; }

    [JsonIgnore]
    public string AlertString { get; set; }

    [JsonPropertyName("badge")]
    public int? Badge { get; set; }

    [JsonPropertyName("sound")]
    public string Sound { get; set; }

    [JsonIgnore]
    public bool ContentAvailable { get; set; }

    [JsonIgnore]
    public bool MutableContent { get; set; }

    [JsonPropertyName("category")]
    public string Category { get; set; }

    [JsonPropertyName("thread-id")]
    public string ThreadId { get; set; }

    [JsonInclude]
    [JsonPropertyName("alert")]
    internal object AlertObject => (object)Alert ?? AlertString;

    [JsonInclude]
    [JsonPropertyName("content-available")]
    internal int? ContentAvailableInt => ContentAvailable ? 1 : null;

    [JsonInclude]
    [JsonPropertyName("mutable-content")]
    internal int? MutableContentInt => MutableContent ? 1 : null;
}

public sealed class ApsAlert
{
    [JsonPropertyName("title")]
    public string Title { get; set; }

    [JsonPropertyName("subtitle")]
    public string Subtitle { get; set; }

    [JsonPropertyName("body")]
    public string Body { get; set; }
}

using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Preferences;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications;

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    Converters = [typeof(UtcInstantConverter)])]
[JsonSerializable(typeof(Page<NotificationResponse>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(UnreadCountResponse))]
[JsonSerializable(typeof(NotificationPreferences))]
[JsonSerializable(typeof(Dictionary<string, TypePreference>))]
[JsonSerializable(typeof(ChangeNotificationRequest))]
[JsonSerializable(typeof(NotificationEvent))]
[JsonSerializable(typeof(RegisterDeviceRequest))]
[JsonSerializable(typeof(DeviceResponse))]
[JsonSerializable(typeof(UserNotifications))]
[JsonSerializable(typeof(AccountMail))]
internal sealed partial class NotificationsJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
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
[JsonSerializable(typeof(RegisterDeviceRequest))]
[JsonSerializable(typeof(DeviceResponse))]
[JsonSerializable(typeof(UserNotifications))]
[JsonSerializable(typeof(AccountMail))]
[JsonSerializable(typeof(Page<TemplateCodeResponse>))]
[JsonSerializable(typeof(TemplateResponse))]
[JsonSerializable(typeof(PutTemplateRequest))]
[JsonSerializable(typeof(TemplateVariableBody[]))]
[JsonSerializable(typeof(Page<TemplateVersionResponse>))]
[JsonSerializable(typeof(PreviewTemplateRequest))]
[JsonSerializable(typeof(PreviewResponse))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class NotificationsJson : JsonSerializerContext;

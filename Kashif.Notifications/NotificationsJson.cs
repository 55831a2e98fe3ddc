using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Alerts;
using Kashif.Notifications.Assistant;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Sending;
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
[JsonSerializable(typeof(Page<FailedDeliveryResponse>))]
[JsonSerializable(typeof(ReplayDeliveriesRequest))]
[JsonSerializable(typeof(ReplayedDeliveriesResponse))]
[JsonSerializable(typeof(SendNotificationRequest))]
[JsonSerializable(typeof(SendResponse))]
[JsonSerializable(typeof(Page<DeliveryResponse>))]
[JsonSerializable(typeof(UserNotifications))]
[JsonSerializable(typeof(AccountMail))]
[JsonSerializable(typeof(CreateAlertRequest))]
[JsonSerializable(typeof(ChangeAlertRequest))]
[JsonSerializable(typeof(AlertResponse))]
[JsonSerializable(typeof(Page<AlertResponse>))]
[JsonSerializable(typeof(CouponDetails))]
[JsonSerializable(typeof(AskRequest))]
[JsonSerializable(typeof(AssistantMessageResponse))]
[JsonSerializable(typeof(Page<AssistantMessageResponse>))]
[JsonSerializable(typeof(Page<ReportItem>))]
[JsonSerializable(typeof(PointsItem))]
[JsonSerializable(typeof(Page<CouponItem>))]
[JsonSerializable(typeof(Page<RedemptionItem>))]
[JsonSerializable(typeof(ChatContext))]
[JsonSerializable(typeof(Page<TemplateCodeResponse>))]
[JsonSerializable(typeof(TemplateResponse))]
[JsonSerializable(typeof(PutTemplateRequest))]
[JsonSerializable(typeof(TemplateVariableBody[]))]
[JsonSerializable(typeof(Page<TemplateVersionResponse>))]
[JsonSerializable(typeof(PreviewTemplateRequest))]
[JsonSerializable(typeof(PreviewResponse))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class NotificationsJson : JsonSerializerContext;

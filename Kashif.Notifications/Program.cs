using Kashif;
using Kashif.Notifications;
using Kashif.Messaging.DeadLetters;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Alerts;
using Kashif.Notifications.Assistant;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Sending;
using Kashif.Notifications.Topics;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Notifications);
builder.AddNotifications();

var app = builder.Build();
app.UseServiceDefaults();
app.MapNotifications();
app.MapDevices();
app.MapSending();
app.MapTopics();
app.MapFailedDeliveries();
app.MapAlerts();
app.MapAssistant();
app.MapNotificationExport();
app.MapDeadLetters("/api/v1/notifications", "Notifications");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

using Kashif;
using Kashif.Notifications;
using Kashif.Messaging.DeadLetters;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Preferences;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Notifications);
builder.AddNotifications();

var app = builder.Build();
app.UseServiceDefaults();
app.MapNotifications();
app.MapPreferences();
app.MapUnsubscribe();
app.MapDevices();
app.MapNotificationExport();
app.MapDeadLetters("/api/v1/notifications", "Notifications");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

using Kashif;
using Kashif.Notifications;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Notifications);
builder.AddNotifications();

var app = builder.Build();
app.UseServiceDefaults();
app.MapInbox();
app.MapDevices();
app.MapNotificationExport();
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

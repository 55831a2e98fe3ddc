using Kashif;
using Kashif.Reporting;
using Kashif.Messaging.DeadLetters;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Reports;

if (args is [PhotoWorker.Command])
{
    return PhotoWorker.Run();
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Reporting);
builder.AddReporting();

var app = builder.Build();
app.UseServiceDefaults();
app.MapCategories();
app.MapReports();
app.MapPhotos();
app.MapModerationQueue();
app.MapReportExport();
app.MapDeadLetters("/api/v1/reports", "Reporting");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

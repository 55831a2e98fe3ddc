using Kashif;
using Kashif.Reporting;
using Kashif.Messaging.DeadLetters;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Map;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Sync;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Reporting);
builder.AddReporting();

var app = builder.Build();
app.UseServiceDefaults();
app.MapCategories();
app.MapReports();
app.MapMap();
app.MapBatch();
app.MapSync();
app.MapModerationQueue();
app.MapReportExport();
app.MapDeadLetters("/api/v1/reports", "Reporting");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

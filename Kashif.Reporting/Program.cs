using Kashif;
using Kashif.Messaging.DeadLetters;
using Kashif.Reporting;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Duplicates;
using Kashif.Reporting.Editing;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Map;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Surveys;
using Kashif.Reporting.Sync;
using Kashif.Reporting.Votes;
using Kashif.Reporting.Webhooks;

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
app.MapMap();
app.MapBatch();
app.MapSync();
app.MapWebhooks();
app.MapEditing();
app.MapDuplicates();
app.MapPhotos();
app.MapModerationQueue();
app.MapVotes();
app.MapFollows();
app.MapComments();
app.MapTimeline();
app.MapSurveys();
app.MapOpen311();
app.MapReportExport();
app.MapDeadLetters("/api/v1/reports", "Reporting");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

using Kashif;
using Kashif.Reporting;
using Kashif.Messaging.DeadLetters;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Votes;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Reporting);
builder.AddReporting();

var app = builder.Build();
app.UseServiceDefaults();
app.MapCategories();
app.MapReports();
app.MapModerationQueue();
app.MapVotes();
app.MapFollows();
app.MapComments();
app.MapTimeline();
app.MapReportExport();
app.MapDeadLetters("/api/v1/reports", "Reporting");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

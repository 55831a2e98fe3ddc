using Kashif;
using Kashif.Gamification;
using Kashif.Messaging.DeadLetters;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Points;
using Kashif.Gamification.Rules;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gamification);
builder.AddGamification();

var app = builder.Build();
app.UseServiceDefaults();
app.MapPoints();
app.MapExplain();
app.MapAdjustments();
app.MapDailyReport();
app.MapRules();
app.MapLeaderboard();
app.MapDebits();
app.MapPointsExport();
app.MapDeadLetters("/api/v1/gamification", "Gamification");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

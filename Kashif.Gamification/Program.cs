using Kashif;
using Kashif.Gamification;
using Kashif.Messaging.DeadLetters;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Points;
using Kashif.Gamification.Quests;
using Kashif.Gamification.Trust;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gamification);
builder.AddGamification();

var app = builder.Build();
app.UseServiceDefaults();
app.MapPoints();
app.MapLeaderboard();
app.MapDebits();
app.MapScores();
app.MapBudgets();
app.MapQuests();
app.MapPointsExport();
app.MapDeadLetters("/api/v1/gamification", "Gamification");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

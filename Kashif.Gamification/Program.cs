using Kashif;
using Kashif.Gamification;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Points;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gamification);
builder.AddGamification();

var app = builder.Build();
app.UseServiceDefaults();
app.MapPoints();
app.MapLeaderboard();
app.MapDebits();
app.MapPointsExport();
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

using Kashif;
using Kashif.Gamification;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Areas;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Points;
using Kashif.Gamification.Profiles;
using Kashif.Messaging.DeadLetters;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gamification);
builder.AddGamification();

var app = builder.Build();
app.UseServiceDefaults();
app.MapPoints();
app.MapLeaderboard();
app.MapProfiles();
app.MapAreas();
app.MapAchievements();
app.MapLevels();
app.MapDebits();
app.MapPointsExport();
app.MapDeadLetters("/api/v1/gamification", "Gamification");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);

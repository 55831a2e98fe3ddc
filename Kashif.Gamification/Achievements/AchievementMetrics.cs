using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Gamification.Achievements;

internal sealed class AchievementMetrics
{
    private readonly Counter<long> _unlocked;

    public AchievementMetrics(IMeterFactory meters) =>
        _unlocked = meters.Create(KashifTelemetry.Name).CreateCounter<long>("achievements_unlocked", "{achievement}", "Achievements unlocked, by code");

    public void Unlocked(string code) => _unlocked.Add(1, new KeyValuePair<string, object?>("code", code));
}

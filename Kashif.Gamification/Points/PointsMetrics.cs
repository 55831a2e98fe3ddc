using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Gamification.Points;

internal sealed class PointsMetrics
{
    private readonly Counter<long> _awarded;
    private readonly Counter<long> _redeemed;

    public PointsMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(KashifTelemetry.Name);
        _awarded = meter.CreateCounter<long>("points_awarded", "{point}", "Points awarded, by rule");
        _redeemed = meter.CreateCounter<long>("points_redeemed", "{point}", "Points spent");
    }

    public void Awarded(string rule, int points) => _awarded.Add(points, new KeyValuePair<string, object?>("rule", rule));

    public void Redeemed(int points) => _redeemed.Add(points);
}

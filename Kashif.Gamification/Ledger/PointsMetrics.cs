using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Gamification.Ledger;

internal sealed class PointsMetrics
{
    private readonly Counter<long> _awarded;
    private readonly Counter<long> _redeemed;
    private readonly Counter<long> _booked;
    private readonly Counter<long> _reversed;

    public PointsMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(KashifTelemetry.Name);
        _awarded = meter.CreateCounter<long>("points_awarded", "{point}", "Points awarded, by rule");
        _redeemed = meter.CreateCounter<long>("points_redeemed", "{point}", "Points spent");
        _booked = meter.CreateCounter<long>("points_booked", "{point}", "Points booked, by kind");
        _reversed = meter.CreateCounter<long>("points_reversed", "{point}", "Points taken back, by reason");
    }

    public void Booked(PointTransaction entry)
    {
        _booked.Add(Math.Abs(entry.Points), new KeyValuePair<string, object?>(
            "kind", entry is { Kind: EntryKind.Spent, Points: > 0 } ? PointTransaction.Refunded : PointTransaction.WireName(entry.Kind)));
        if (entry.Kind == EntryKind.Earned)
        {
            _awarded.Add(entry.Points, new KeyValuePair<string, object?>("rule", entry.Rule ?? entry.Reason));
        }
        else if (entry is { Kind: EntryKind.Spent, Points: < 0 })
        {
            _redeemed.Add(-entry.Points);
        }
        else if (entry is { Kind: EntryKind.Reversed, Points: < 0 })
        {
            _reversed.Add(-entry.Points, new KeyValuePair<string, object?>("reason", entry.Reason));
        }
    }
}

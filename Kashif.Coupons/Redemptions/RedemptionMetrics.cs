using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Coupons.Redemptions;

internal sealed class RedemptionMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _redemptions = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("redemptions", "{redemption}", "Redemptions by the status reached: reserved, completed, cancelled, used");

    public void Reached(RedemptionStatus status) => Add(status.ToString().ToLowerInvariant());

    public void Used() => Add("used");

    private void Add(string status) => _redemptions.Add(1, new KeyValuePair<string, object?>("status", status));
}

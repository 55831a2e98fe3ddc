using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Gateway.Limits;

/// <summary>Metrics of the rate limits.</summary>
internal sealed class LimitMetrics
{
    private readonly Counter<long> _limited;
    private readonly Counter<long> _local;

    public LimitMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(KashifTelemetry.Name);
        _limited = meter.CreateCounter<long>("rate_limited_requests", "{request}", "Requests rejected, by limit");
        _local = meter.CreateCounter<long>("rate_limit_local_decisions", "{request}", "Requests counted by this gateway alone because Redis was unreachable");
    }

    public void Limited(LimitPolicy policy) => _limited.Add(1, new KeyValuePair<string, object?>("policy", policy.Name));

    public void Local() => _local.Add(1);
}

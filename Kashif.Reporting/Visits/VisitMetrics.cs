using System.Diagnostics.Metrics;
using Kashif.Reporting.WorkOrders;
using Kashif.Telemetry;

namespace Kashif.Reporting.Visits;

internal sealed class VisitMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _changed = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("visit_changes", "{change}", "Visits that reached a state, by the state");

    public void Changed(VisitState to) => _changed.Add(1, new KeyValuePair<string, object?>("state", to.WireName()));
}

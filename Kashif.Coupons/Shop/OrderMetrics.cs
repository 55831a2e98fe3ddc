using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Coupons.Shop;

internal sealed class OrderMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _orders = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("orders", "{order}", "Orders by the status reached");

    public void Reached(OrderStatus status) => _orders.Add(1, new KeyValuePair<string, object?>("status", status.WireName));
}

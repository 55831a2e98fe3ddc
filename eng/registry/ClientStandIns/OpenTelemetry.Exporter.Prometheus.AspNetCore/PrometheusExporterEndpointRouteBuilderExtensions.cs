// Stands in for the package OpenTelemetry.Exporter.Prometheus.AspNetCore where no version of it is served; the full registry never
// builds it.

using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;

namespace Microsoft.AspNetCore.Builder;

public static class PrometheusExporterEndpointRouteBuilderExtensions
{
    /// <summary><c>/metrics</c>, for every method, as with the real one.</summary>
    public static IEndpointConventionBuilder MapPrometheusScrapingEndpoint(this IEndpointRouteBuilder endpoints)
    {
        // Resolving it is what starts the collection, here as with the real one.
        _ = endpoints.ServiceProvider.GetRequiredService<MeterProvider>();
        return endpoints.Map("/metrics", endpoints.ServiceProvider.GetRequiredService<PrometheusExporter>().AnswerAsync);
    }
}

// Stands in for the package OpenTelemetry.Exporter.Prometheus.AspNetCore where no version of it is served; the full registry never
// builds it. Left out: the options, the OpenMetrics format (every scraper takes the text format too), and the middleware form.

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OpenTelemetry.Exporter;

namespace OpenTelemetry.Metrics;

public static class PrometheusExporterMeterProviderBuilderExtensions
{
    public static MeterProviderBuilder AddPrometheusExporter(this MeterProviderBuilder builder) => builder
        .ConfigureServices(services => services.TryAddSingleton<PrometheusExporter>())
        .AddReader(services => services.GetRequiredService<PrometheusExporter>().Reader);
}

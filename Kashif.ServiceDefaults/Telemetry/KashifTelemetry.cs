using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Kashif.Telemetry;

/// <summary>Traces, metrics and logs over OTLP, and metrics for Prometheus.</summary>
public static class KashifTelemetry
{
    /// <summary>The name of Kashif's activity source and meter.</summary>
    public const string Name = "Kashif";

    /// <summary>The source of spans for events.</summary>
    public static ActivitySource Source { get; } = new(Name);

    /// <summary>
    /// Sources with complete spans. Only ASP.NET Core needs an instrumentation package. The RabbitMQ client's source is left out: its spans
    /// have neither the event type nor its cause.
    /// </summary>
    private static readonly string[] Sources = [Name, "System.Net.Http", "Npgsql"];

    private static readonly string[] Meters =
        [Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Npgsql"];

    /// <summary>For histograms in seconds. The SDK's default boundaries are for milliseconds.</summary>
    public static InstrumentAdvice<double> Seconds { get; } =
        new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] };

    /// <summary>Boundaries in seconds for histograms with a series for each route. They are few, because each adds a line to <c>/metrics</c>; alerts compare with some of them.</summary>
    internal static InstrumentAdvice<double> RouteSeconds { get; } = new() { HistogramBucketBoundaries = [0.01, 0.025, 0.1, 0.25, 1, 2.5, 10] };

    /// <summary>
    /// Always collects metrics, for <c>/metrics</c>. Exports traces, metrics and logs to <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>; without it,
    /// tracing is off and costs nothing.
    /// </summary>
    internal static IHostApplicationBuilder AddKashifTelemetry(this IHostApplicationBuilder builder)
    {
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Warning);
        builder.Logging.AddFilter("System.Net.Http.HttpClient", LogLevel.Warning);
        builder.Logging.AddFilter("StackExchange.Redis", LogLevel.Warning);
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        builder.Logging.AddFilter("Yarp", LogLevel.Warning);

        builder.Logging.Configure(options => options.ActivityTrackingOptions = ActivityTrackingOptions.TraceId);
        builder.Services.Configure<SimpleConsoleFormatterOptions>(options =>
        {
            options.SingleLine = true;
            ShowTimeAndScopes(options);
        });
        builder.Services.Configure<JsonConsoleFormatterOptions>(ShowTimeAndScopes);

        builder.Services.TryAddSingleton<ApiMetrics>();
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(Meters)
            // Npgsql's pool name is the connection string, and a service has only one pool. The addresses of replicas change with each
            // deployment. Our own metrics time the requests of a route.
            .AddView("db.client.*", new MetricStreamConfiguration { TagKeys = ["db.client.connection.state", "error.type"] })
            .AddView("http.client.*", new MetricStreamConfiguration { TagKeys = ["http.response.status_code", "http.connection.state", "error.type"] })
            .AddView("http.server.request.duration", MetricStreamConfiguration.Drop)
            .AddView("http.server.active_requests", new MetricStreamConfiguration { TagKeys = ["http.request.method"] }) // a pattern would match the duration too
            .AddView("kestrel.*", new MetricStreamConfiguration { TagKeys = ["network.protocol.name", "network.protocol.version", "tls.protocol.version", "error.type"] })
            .AddPrometheusExporter());

        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            return builder;
        }

        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        builder.Services.AddOpenTelemetry()
            .WithTracing(tracing => tracing
                .SetSampler(new ParentBasedSampler(new RootSampler()))
                .AddAspNetCoreInstrumentation(requests => requests.Filter = request => !IsProbe(request.Request.Path))
                .AddSource(Sources)
                .AddProcessor(new UrlRedaction()))
            .UseOtlpExporter();
        return builder;
    }

    /// <summary>The scopes have the trace id and the correlation id.</summary>
    private static void ShowTimeAndScopes(ConsoleFormatterOptions options)
    {
        options.UseUtcTimestamp = true;
        options.TimestampFormat ??= "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        options.IncludeScopes = true;
    }

    /// <summary>Includes <c>/api/&lt;area&gt;/health</c> of the gateway.</summary>
    private static bool IsProbe(PathString path) =>
        path.Value is { } value && (value is "/alive" or "/ready" or "/metrics" || value.EndsWith("/health", StringComparison.Ordinal));

    /// <summary>Maps <c>/metrics</c> without authentication: services are not public. The gateway, which is, restricts it.</summary>
    internal static void MapKashifMetrics(this WebApplication app) => app.MapPrometheusScrapingEndpoint().AllowAnonymous();
}

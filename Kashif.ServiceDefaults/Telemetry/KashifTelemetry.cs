using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Kashif.Telemetry;

/// <summary>Traces, metrics and logs over OTLP.</summary>
public static class KashifTelemetry
{
    /// <summary>The name of Kashif's activity source and of its meter.</summary>
    public const string Name = "Kashif";

    /// <summary>Spans of Kashif's own; HTTP, database and broker emit theirs.</summary>
    public static ActivitySource Source { get; } = new(Name);

    /// <summary>.NET's own libraries emit the spans and measurements: the instrumentation packages are not needed.</summary>
    private static readonly string[] Sources =
        [Name, "Microsoft.AspNetCore", "System.Net.Http", "Npgsql", "RabbitMQ.Client.Publisher", "RabbitMQ.Client.Subscriber"];

    private static readonly string[] Meters =
        [Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Npgsql"];

    /// <summary>Exports where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> points; without it nothing is collected, so nothing is paid for.</summary>
    internal static IHostApplicationBuilder AddKashifTelemetry(this IHostApplicationBuilder builder)
    {
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Warning);
        builder.Logging.AddFilter("System.Net.Http.HttpClient", LogLevel.Warning);
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        builder.Logging.AddFilter("Yarp", LogLevel.Warning);

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
            .WithTracing(tracing => tracing.AddSource(Sources).AddProcessor(new TokenRedaction()))
            .WithMetrics(metrics => metrics.AddMeter(Meters))
            .UseOtlpExporter();
        return builder;
    }
}

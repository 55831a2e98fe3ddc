using Kashif.Health;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace Kashif;

/// <summary>The frame of every service. A <c>Program.cs</c> calls these in order and adds what is its own between them.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Telemetry, health, discovery, resilient HTTP clients, wire format, problems and documentation.</summary>
    /// <param name="service">Which service this is, of <see cref="ResourceNames"/>.</param>
    public static IHostApplicationBuilder AddServiceDefaults(this IHostApplicationBuilder builder, string service)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new ServiceIdentity(service));
        builder.AddKashifTelemetry();
        builder.AddKashifHealth();
        builder.AddKashifHttp(service);
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddHttpMessageHandler<CorrelationIdHandler>();
            // One circuit for each service: one that is down must not cut off the others. The default of one failure
            // in ten calls cuts off a service that is merely slow for a moment.
            http.AddStandardResilienceHandler(options => options.CircuitBreaker.FailureRatio = 0.5).SelectPipelineByAuthority();
            http.AddServiceDiscovery();
        });
        return builder;
    }

    /// <summary>Correlation, problems, and who the caller is: before the endpoints.</summary>
    public static WebApplication UseServiceDefaults(this WebApplication app)
    {
        app.UseCorrelationId();
        app.UseApiMetrics();
        app.UseRequestLanguage();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.Use(TextQuery.Middleware);
        app.Use(JsonBody.Middleware);
        return app;
    }

    /// <summary>Correlation alone, for the gateway, which composes the rest itself. Before everything that logs or answers.</summary>
    public static WebApplication UseCorrelationId(this WebApplication app)
    {
        app.Use(CorrelationId.Middleware(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(nameof(CorrelationId))));
        return app;
    }

    /// <summary>Counts and times every request. Before everything that answers.</summary>
    public static WebApplication UseApiMetrics(this WebApplication app)
    {
        // Resolving it starts the collection: what was counted before, zeros included, is nowhere.
        _ = app.Services.GetRequiredService<MeterProvider>();
        app.Use(app.Services.GetRequiredService<ApiMetrics>().MeasureAsync);
        return app;
    }

    /// <summary><c>/health</c>, <c>/alive</c>, <c>/metrics</c> and <c>/openapi/v1.json</c>.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapKashifHealth();
        app.MapKashifMetrics();
        app.MapOpenApi().AllowAnonymous();
        return app;
    }

    /// <summary>Runs the service or, with arguments, the <see cref="ServiceCommand"/> of that name.</summary>
    /// <returns>The exit code: 0, or 2 for an unknown command.</returns>
    public static async Task<int> RunServiceAsync(this WebApplication app, string[] args)
    {
        if (args is [] or [['-', ..], ..]) // options, such as --urls, are configuration
        {
            await app.RunAsync();
            return 0;
        }

        var commands = app.Services.GetServices<ServiceCommand>().ToDictionary(command => command.Name);
        var typed = string.Join(' ', args);
        if (commands.TryGetValue(typed, out var chosen))
        {
            await chosen.RunAsync(app.Services, CancellationToken.None);
            return 0;
        }

        await Console.Error.WriteLineAsync($"Unknown command '{typed}'. Commands: {string.Join(", ", commands.Keys)}.");
        return 2;
    }
}

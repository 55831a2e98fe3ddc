using Kashif.Health;
using Kashif.Http;
using Kashif.Localization;
using Kashif.OpenApi;
using Kashif.Shutdown;
using Kashif.Telemetry;
using Kashif.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace Kashif;

/// <summary>The setup of every service. A <c>Program.cs</c> calls these methods in order, with its own setup in between.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Adds telemetry, health checks, service discovery, resilient HTTP clients, JSON, problems and OpenAPI.</summary>
    /// <param name="service">The service's name in <see cref="ResourceNames"/>.</param>
    public static IHostApplicationBuilder AddServiceDefaults(this IHostApplicationBuilder builder, string service)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new ServiceIdentity(service));
        builder.AddKashifTelemetry();
        builder.AddKashifHealth();
        builder.AddKashifShutdown();
        builder.AddKashifHttp();
        builder.Services.AddKashifOpenApi(service);
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddHttpMessageHandler<CorrelationIdHandler>();
            // One circuit per service, so that a broken service does not block calls to the others. The default ratio of 0.1
            // would open the circuit of a service that is only slow for a moment.
            http.AddStandardResilienceHandler(options => options.CircuitBreaker.FailureRatio = 0.5).SelectPipelineByAuthority();
            http.AddServiceDiscovery();
        });
        return builder;
    }

    /// <summary>Adds the middleware. Call before mapping endpoints.</summary>
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
        app.Use(Scopes.Middleware);
        app.UseHeaderCheck();
        app.Use(QueryCheck.Middleware);
        app.Use(BodyEncoding.Middleware);
        app.Use(JsonBody.Middleware);
        return app;
    }

    /// <summary>Adds only the correlation id, for the gateway. Call before all middleware that logs or responds.</summary>
    public static WebApplication UseCorrelationId(this WebApplication app)
    {
        app.Use(CorrelationId.Middleware(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(nameof(CorrelationId))));
        return app;
    }

    /// <summary>Rejects blank and repeated headers that mean something. After the rate limits of the gateway.</summary>
    public static WebApplication UseHeaderCheck(this WebApplication app)
    {
        app.Use(HeaderCheck.Middleware);
        return app;
    }

    /// <summary>Counts and times requests. Call before all middleware that responds.</summary>
    public static WebApplication UseApiMetrics(this WebApplication app)
    {
        // Starts the collection of metrics. Values recorded before this, such as initial zeros, are lost.
        _ = app.Services.GetRequiredService<MeterProvider>();
        app.Use(app.Services.GetRequiredService<ApiMetrics>().MeasureAsync);
        return app;
    }

    /// <summary>Maps <c>/health</c>, <c>/ready</c>, <c>/alive</c>, <c>/metrics</c> and <c>/openapi/v1.json</c>.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapKashifHealth();
        app.MapKashifMetrics();
        app.MapKashifOpenApi();
        return app;
    }

    /// <summary>Runs the service, or the <see cref="ServiceCommand"/> that the arguments name.</summary>
    /// <returns>The exit code: 0, 1 for a command that failed, or 2 for one that cannot be run as it was typed.</returns>
    public static async Task<int> RunServiceAsync(this WebApplication app, string[] args)
    {
        if (args is [] or [['-', ..], ..]) // options, such as --urls, are configuration
        {
            var stopping = app.Lifetime.ApplicationStopping;
            try
            {
                await app.RunAsync();
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                // Stopped while it waited for something before it served.
            }

            return 0;
        }

        var commands = app.Services.GetServices<ServiceCommand>().ToDictionary(command => command.Name);
        var typed = string.Join(' ', args.TakeWhile(word => word is not ['-', ..]));
        if (!commands.TryGetValue(typed, out var chosen))
        {
            await Console.Error.WriteLineAsync($"Unknown command '{typed}'. Commands: {string.Join(", ", commands.Keys)}.");
            return 2;
        }

        var options = args.SkipWhile(word => word is not ['-', ..]).Chunk(2).ToArray();
        if (Array.Find(options, option => option.Length != 2 || !chosen.Options.Contains(option[0])) is [var wrong, ..])
        {
            await Console.Error.WriteLineAsync($"Unknown option '{wrong}', or no value for it. Options of {typed}: {string.Join(", ", chosen.Options)}.");
            return 2;
        }

        try
        {
            await chosen.RunAsync(app.Services, options.ToDictionary(option => option[0], option => option[1]), CancellationToken.None);
            return Environment.ExitCode; // set by a command such as healthcheck
        }
        catch (CommandException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 2;
        }
        catch (Exception exception)
        {
            await Console.Error.WriteLineAsync($"{typed} failed: {exception}");
            return 1;
        }
    }
}

using System.Text.Json;
using Kashif.Shutdown;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Kashif.Health;

/// <summary>
/// <c>/alive</c> checks the process, <c>/ready</c> its own dependencies, and <c>/health</c> also the services behind it. All are public in
/// every environment and show no error details. While the process drains, <c>/ready</c> and <c>/health</c> are unhealthy.
/// </summary>
public static class HealthExtensions
{
    /// <summary>The tag of checks of another service: one that fails is no reason to send this one no requests.</summary>
    public const string OtherService = "other-service";

    private const string All = "all";
    private const string Own = "own";
    private static readonly Func<HealthCheckRegistration, bool> Every = _ => true;
    private static readonly Func<HealthCheckRegistration, bool> OfThisService = check => !check.Tags.Contains(OtherService);

    private static readonly HealthReport Stopping = new(
        new Dictionary<string, HealthReportEntry> { ["shutdown"] = new(HealthStatus.Unhealthy, description: null, TimeSpan.Zero, exception: null, data: null) }, TimeSpan.Zero);

    /// <summary>Shorter than the gateway's timeout for a service, so that the gateway learns which dependency failed.</summary>
    private static readonly TimeSpan DependencyTimeout = TimeSpan.FromSeconds(2);

    internal static IHostApplicationBuilder AddKashifHealth(this IHostApplicationBuilder builder)
    {
        builder.Services.AddHealthChecks();
        builder.Services.AddCommand("healthcheck", HealthCommand.RunAsync);
        builder.Services.AddKeyedSingleton(All, (provider, _) => ActivatorUtilities.CreateInstance<SharedHealth>(provider, Every));
        builder.Services.AddKeyedSingleton(Own, (provider, _) => ActivatorUtilities.CreateInstance<SharedHealth>(provider, OfThisService));
        builder.Services.PostConfigure<HealthCheckServiceOptions>(options =>
        {
            foreach (var check in options.Registrations)
            {
                // Aspire's client integrations name the checks after their libraries.
                if (check.Name.EndsWith("DbContext", StringComparison.Ordinal))
                {
                    check.Name = "database";
                }
                else if (check.Name.Contains("redis", StringComparison.OrdinalIgnoreCase))
                {
                    // Services work without Redis: it holds only data that can be rebuilt.
                    check.Name = ResourceNames.Cache;
                    check.FailureStatus = HealthStatus.Degraded;
                }

                check.Timeout = check.Timeout == Timeout.InfiniteTimeSpan ? DependencyTimeout : check.Timeout;
            }
        });
        return builder;
    }

    internal static void MapKashifHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks("/alive", new HealthCheckOptions { Predicate = _ => false, ResponseWriter = WriteAsync }).AllowAnonymous();
        endpoints.Map("/ready", context => AnswerAsync(context, Own)).AllowAnonymous();
        endpoints.Map("/health", context => AnswerAsync(context, All)).AllowAnonymous();
    }

    private static async Task AnswerAsync(HttpContext context, string checks)
    {
        // A report from before SIGTERM may be up to a second old.
        var report = context.RequestServices.GetRequiredService<Draining>().IsOn
            ? Stopping
            : await context.RequestServices.GetRequiredKeyedService<SharedHealth>(checks).CheckAsync(context.RequestAborted);
        context.Response.StatusCode = report.Status is HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        context.Response.Headers.CacheControl = "no-store";
        await WriteAsync(context, report);
    }

    private static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        Write(json, report.Status, report.TotalDuration);
        Write(json, report.Entries);
        json.WriteEndObject();
    }

    /// <summary>Of a check's data, writes only nested health entries, such as those of the services behind the gateway.</summary>
    private static void Write(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, HealthReportEntry>> checks)
    {
        json.WriteStartObject("checks");
        foreach (var (name, entry) in checks)
        {
            json.WriteStartObject(name);
            Write(json, entry.Status, entry.Duration);
            if (entry.Data.Where(data => data.Value is HealthReportEntry).ToDictionary(data => data.Key, data => (HealthReportEntry)data.Value) is { Count: > 0 } behind)
            {
                Write(json, behind);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, HealthStatus status, TimeSpan duration)
    {
        json.WriteString("status", JsonNamingPolicy.SnakeCaseLower.ConvertName(status.ToString()));
        json.WriteNumber("duration_ms", Math.Round(duration.TotalMilliseconds, 1));
    }
}

using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Kashif.Health;

/// <summary>
/// <c>/alive</c> checks the process, <c>/health</c> its dependencies. Both are public in every environment and show no error details.
/// </summary>
public static class HealthExtensions
{
    /// <summary>Shorter than the gateway's timeout for a service, so that the gateway learns which dependency failed.</summary>
    private static readonly TimeSpan DependencyTimeout = TimeSpan.FromSeconds(2);

    internal static IHostApplicationBuilder AddKashifHealth(this IHostApplicationBuilder builder)
    {
        builder.Services.AddHealthChecks();
        builder.Services.TryAddSingleton<SharedHealth>();
        builder.Services.AddCommand("healthcheck", HealthCommand.RunAsync);
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
        endpoints.Map("/health", AnswerAsync).AllowAnonymous();
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        var report = await context.RequestServices.GetRequiredService<SharedHealth>().CheckAsync(context.RequestAborted);
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

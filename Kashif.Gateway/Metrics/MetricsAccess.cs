using System.Net;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Metrics;

/// <summary>The gateway is the one process that the internet reaches: its <c>/metrics</c> is there for its own networks only.</summary>
internal static class MetricsAccess
{
    private const string Path = "/metrics";

    public static IServiceCollection AddMetricsAccess(this IServiceCollection services)
    {
        services.AddOptions<MetricsOptions>().BindConfiguration(MetricsOptions.Section)
            .Validate(options => options.IsValid, $"{MetricsOptions.Section}:Networks must be networks such as 10.1.0.0/16.")
            .ValidateOnStart();
        return services;
    }

    /// <summary>
    /// Must run before anything rewrites the peer's address. A request that some proxy passed on is nobody's scrape, however near
    /// that proxy is.
    /// </summary>
    public static void UseMetricsAccess(this WebApplication app)
    {
        var networks = app.Services.GetRequiredService<IOptions<MetricsOptions>>().Value.Parsed.ToArray();
        app.Use((context, next) => context.Request.Path.StartsWithSegments(Path) && !IsNear(context, networks) ? RefuseAsync(context) : next(context));
    }

    private static bool IsNear(HttpContext context, IPNetwork[] networks)
    {
        var headers = context.Request.Headers;
        return !headers.ContainsKey("X-Forwarded-For") && !headers.ContainsKey("Forwarded")
            && context.Connection.RemoteIpAddress is { } peer
            && Array.Exists(networks, network => network.Contains(peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer));
    }

    /// <summary>As if there were nothing.</summary>
    private static async Task RefuseAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        await context.RequestServices.GetRequiredService<IProblemDetailsService>().WriteAsync(new() { HttpContext = context });
    }
}

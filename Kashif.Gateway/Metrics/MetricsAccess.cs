using System.Net;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Metrics;

/// <summary>Restricts the gateway's <c>/metrics</c> to configured networks, because the gateway is public.</summary>
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
    /// Must run before any middleware changes the peer's address. Rejects forwarded requests even if the proxy's address is allowed.
    /// </summary>
    public static void UseMetricsAccess(this WebApplication app)
    {
        var networks = app.Services.GetRequiredService<IOptions<MetricsOptions>>().Value.Parsed.ToArray();
        app.Use((context, next) => context.Request.Path.StartsWithSegments(Path) && !IsAllowed(context, networks) ? RejectAsync(context) : next(context));
    }

    private static bool IsAllowed(HttpContext context, IPNetwork[] networks)
    {
        var headers = context.Request.Headers;
        return !headers.ContainsKey("X-Forwarded-For") && !headers.ContainsKey("Forwarded")
            && context.Connection.RemoteIpAddress is { } peer
            && Array.Exists(networks, network => network.Contains(peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer));
    }

    /// <summary>404, to hide the endpoint.</summary>
    private static async Task RejectAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        await context.RequestServices.GetRequiredService<IProblemDetailsService>().WriteAsync(new() { HttpContext = context });
    }
}

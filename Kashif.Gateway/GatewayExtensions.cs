using System.Net;
using System.Text;
using Kashif.Cache;
using Kashif.Gateway.Caching;
using Kashif.Gateway.Export;
using Kashif.Gateway.Health;
using Kashif.Gateway.Limits;
using Kashif.Gateway.Map;
using Kashif.Gateway.Metrics;
using Kashif.Gateway.Perimeter;
using Kashif.Gateway.Representation;
using Kashif.Gateway.Routing;
using Kashif.Gateway.Security;
using Kashif.Health;
using Kashif.Localization;
using Kashif.Security;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy;

namespace Kashif.Gateway;

internal static class GatewayExtensions
{
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromSeconds(3);

    public static IHostApplicationBuilder AddGateway(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.Configure<KestrelServerOptions>(options => options.ResponseHeaderEncodingSelector = _ => Encoding.UTF8);
        services.AddTrustedProxies();
        services.AddHttpsRedirect();
        services.AddCrossOrigin();
        builder.AddKashifAuthentication();
        services.AddApiKeys();
        builder.AddKashifCache(provider => provider.GetRequiredService<IOptions<RateLimitOptions>>().Value.RedisTimeout);
        services.AddDeniedTokens();
        services.AddRateLimits();

        services.AddOptions<ProxyOptions>().BindConfiguration(ProxyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddRequestTimeouts();
        services.AddSingleton<DrainingReplicas>();
        services.AddSingleton<IProxyConfigProvider>(provider =>
        {
            var options = provider.GetRequiredService<IOptions<ProxyOptions>>().Value;
            return new InMemoryConfigProvider(Routes.All(options), Routes.Clusters(options));
        });
        services.AddReverseProxy()
            .AddServiceDiscoveryDestinationResolver()
            .AddTransforms(Transforms.Add)
            .AddTransforms(context => context.Services.GetRequiredService<DrainingReplicas>().AddTransforms(context))
            .AddTransforms(ExportExtensions.AddExportTransforms)
            .ConfigureHttpClient((_, handler) =>
            {
                handler.ConnectTimeout = TimeSpan.FromSeconds(3);

                // Shorter than Shutdown:Delay: a replica closes the connections that are used while it drains, and this closes the others
                // before the replica does.
                handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(3);
                handler.AutomaticDecompression = DecompressionMethods.None;
            });

        services.AddOutputCache(options =>
        {
            options.SizeLimit = 64 * 1024 * 1024;
            options.MaximumBodySize = 1024 * 1024;
            options.UseCaseSensitivePaths = true;
        });
        services.AddSingleton<PublicResponseCache>();
        services.AddExport();
        services.AddMetricsAccess();
        services.AddAlias();
        services.AddCompression();
        services.AddMapPage();

        var health = services.AddHealthChecks();
        foreach (var area in Area.All)
        {
            health.Add(new HealthCheckRegistration(
                area.Service, provider => new ServiceHealth(provider.GetRequiredService<IProxyStateLookup>(), area.Service),
                failureStatus: null, [HealthExtensions.OtherService], HealthTimeout));
        }

        return builder;
    }

    /// <summary>For every request and response, before routing.</summary>
    public static void UsePerimeter(this WebApplication app)
    {
        app.UseRequestLanguage();
        app.UseSecurityHeaders();
        app.UseApiMetrics();
        app.UseAlias();
        app.UseMetricsAccess();
        app.UseTrustedProxies();
        app.UseHttpsRedirect();
        app.UseRepresentations();
    }

    /// <summary>Authentication and rate limits, after routing.</summary>
    public static void UseCallerChecks(this WebApplication app)
    {
        app.UseCrossOrigin();
        app.UseApiKeyLimit();
        app.UseApiKeys();
        app.UseAuthentication();
        app.UseRateLimits();
        app.UseTokenCheck();
        app.UseHeaderCheck();
        app.UseAuthorization();
    }

    /// <summary>Caching, compression and timeouts of responses.</summary>
    public static void UseResponseHandling(this WebApplication app)
    {
        app.UseOutputCache();
        app.UseResponseCompression();
        app.UseRequestTimeouts();
    }

    /// <summary>Maps the areas of the API. Anonymous here, because each service authorizes its own endpoints.</summary>
    public static void MapProxy(this WebApplication app) => app
        .MapReverseProxy(proxy =>
        {
            proxy.Use(RejectConnectAsync);
            proxy.Use(PathTraversal.RejectAsync);
            proxy.Use(BodyLimits.RejectTooLargeAsync);
            proxy.Use(MapProxyErrorsAsync);
            proxy.UseExport();
            proxy.Use(app.Services.GetRequiredService<DrainingReplicas>().AvoidAsync);
            proxy.Use(Retries.RetryAsync);
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        })
        .CacheOutput(app.Services.GetRequiredService<PublicResponseCache>())
        .AllowAnonymous();

    /// <summary>YARP cannot forward it, and would count it as a failure of the service.</summary>
    private static Task RejectConnectAsync(HttpContext context, RequestDelegate next)
    {
        if (!HttpMethods.IsConnect(context.Request.Method))
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return Task.CompletedTask;
    }

    /// <summary>
    /// Returns 503 (retry later) for an unreachable service, where YARP returns 502, and 504 for a timeout, which YARP treats as a
    /// cancellation by the client.
    /// </summary>
    private static async Task MapProxyErrorsAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (context.Response.HasStarted || context.GetForwarderErrorFeature() is null)
        {
            return;
        }

        if (context.Features.Get<IHttpRequestTimeoutFeature>()?.RequestTimeoutToken.IsCancellationRequested == true)
        {
            context.Response.StatusCode = StatusCodes.Status504GatewayTimeout;
        }
        else if (context.Response.StatusCode == StatusCodes.Status502BadGateway)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
    }
}

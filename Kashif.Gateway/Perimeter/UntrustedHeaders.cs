using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Perimeter;

/// <summary>What a client says about itself is not believed, and does not pass.</summary>
internal static class UntrustedHeaders
{
    private static readonly string[] Prefixes = ["X-Forwarded-", "X-User-", "X-Original-", "X-Auth-"];

    private static readonly HashSet<string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        "Forwarded", "X-Forwarded", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-ProxyUser-Ip", "True-Client-IP", "CF-Connecting-IP", "Via",
        "X-User", "X-UserId", "X-Username", "X-Email", "X-Role", "X-Roles", "X-Groups", "X-Scopes", "X-Tenant-Id", "X-Subject", "X-Remote-User", "Remote-User",
        "X-Internal", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Proxy-Authorization", "Proxy",
    };

    public static IServiceCollection AddTrustedProxies(this IServiceCollection services)
    {
        services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<GatewayOptions>>((forwarded, gateway) =>
        {
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            forwarded.ForwardLimit = null; // as many as are trusted
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            foreach (var network in gateway.Value.Networks())
            {
                forwarded.KnownIPNetworks.Add(network);
            }
        });
        return services;
    }

    /// <summary>Takes the client's address from the proxies that the options trust, and removes all headers of this kind. YARP then sets its own.</summary>
    public static void UseTrustedProxies(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<GatewayOptions>>().Value.TrustedProxies.Length > 0)
        {
            app.UseForwardedHeaders();
        }

        app.Use((context, next) =>
        {
            Strip(context.Request.Headers);
            return next(context);
        });
    }

    private static void Strip(IHeaderDictionary headers)
    {
        List<string>? bad = null;
        foreach (var header in headers)
        {
            if (IsUntrusted(header.Key))
            {
                (bad ??= []).Add(header.Key);
            }
        }

        bad?.ForEach(name => headers.Remove(name));
    }

    private static bool IsUntrusted(string name) =>
        Names.Contains(name) || Array.Exists(Prefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}

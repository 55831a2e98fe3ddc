using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Perimeter;

/// <summary>Removes headers with which a client could claim another address, identity, path or method.</summary>
internal static class UntrustedHeaders
{
    private static readonly string[] Prefixes = ["X-Forwarded-", "X-Original-", "X-User-"];

    private static readonly HashSet<string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        "Forwarded", "X-Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP",
        "X-User", "X-UserId", "X-Role", "X-Roles", "X-Remote-User",
        "X-Rewrite-URL", "X-HTTP-Method-Override",
    };

    public static IServiceCollection AddTrustedProxies(this IServiceCollection services)
    {
        services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<GatewayOptions>>((forwarded, gateway) =>
        {
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            forwarded.ForwardLimit = null; // Any number of trusted proxies.
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            foreach (var network in gateway.Value.Networks())
            {
                forwarded.KnownIPNetworks.Add(network);
            }
        });
        return services;
    }

    /// <summary>Takes the client's address from trusted proxies, then removes the headers. YARP adds its own.</summary>
    public static void UseTrustedProxies(this WebApplication app)
    {
        System.Net.IPNetwork[] trusted = [.. app.Services.GetRequiredService<IOptions<GatewayOptions>>().Value.Networks()];
        app.UseProxyWarning(trusted);
        if (trusted is not [])
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
        List<string>? untrusted = null;
        foreach (var header in headers)
        {
            if (IsUntrusted(header.Key))
            {
                (untrusted ??= []).Add(header.Key);
            }
        }

        untrusted?.ForEach(name => headers.Remove(name));
    }

    private static bool IsUntrusted(string name) =>
        Names.Contains(name) || Array.Exists(Prefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}

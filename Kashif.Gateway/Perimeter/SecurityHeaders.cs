using System.Net;
using Kashif.Gateway.Routing;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Perimeter;

/// <summary>Endpoint metadata: the policy of a page. Endpoints without it are data.</summary>
internal sealed record ContentSecurityPolicy(string Value)
{
    /// <summary>Whether the policy names pages that may show this one in a frame. <c>X-Frame-Options</c> cannot name them.</summary>
    public bool MayBeFramed { get; init; }
}

/// <summary>Sets the security headers of every response, from the gateway, a service or the cache.</summary>
/// <remarks>https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers.</remarks>
internal static class SecurityHeaders
{
    /// <summary>API responses are data: opened as a page, they may do nothing.</summary>
    private const string ApiPolicy = "default-src 'none'; frame-ancestors 'none'";
    private const string NoPermissions =
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()";
    private const string OneYear = "max-age=31536000; includeSubDomains";

    /// <summary>First in the pipeline, so that every response has them.</summary>
    public static void UseSecurityHeaders(this WebApplication app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(Write, context);
        return next(context);
    });

    private static Task Write(object state)
    {
        var context = (HttpContext)state;
        var headers = context.Response.Headers;
        headers.Remove("Server");
        headers.Remove("X-Powered-By");
        headers.XContentTypeOptions = "nosniff";
        var policy = context.GetEndpoint()?.Metadata.GetMetadata<ContentSecurityPolicy>();
        headers.XFrameOptions = policy?.MayBeFramed == true ? default : "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Permissions-Policy"] = NoPermissions;
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = IsEmbeddable(context) ? "cross-origin" : "same-origin";
        headers.ContentSecurityPolicy = policy?.Value
            ?? (Documentation.IsAt(context.Request.Path) ? Documentation.ContentSecurityPolicy : ApiPolicy);
        if (context.Request.IsHttps && !IsLoopback(context.Request.Host.Host))
        {
            headers.StrictTransportSecurity = OneYear;
        }

        return Task.CompletedTask;
    }

    /// <summary>Pages of other origins may show photos.</summary>
    private static bool IsEmbeddable(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config.Metadata?.ContainsKey(Routes.Embeddable) == true;

    /// <summary>No HSTS on localhost: the browser would refuse http for every other project there.</summary>
    private static bool IsLoopback(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}

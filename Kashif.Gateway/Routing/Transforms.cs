using Kashif.Gateway.Caching;
using Kashif.Http;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Kashif.Gateway.Routing;

/// <summary>What changes between client and service, both ways.</summary>
internal static class Transforms
{
    private const long LargeBody = 256 * 1024;
    private const string Older = "/api";
    private const string Canonical = "/api/v1";

    /// <summary>When <c>/api/{area}</c> became the older form: 2026-11-20, as RFC 9745 writes it.</summary>
    private const string DeprecatedSince = "@1795132800";

    public static void Add(TransformBuilderContext context)
    {
        if (context.Route.Metadata?.ContainsKey(Routes.Alias) == true)
        {
            context.AddRequestTransform(request =>
            {
                request.Path = CanonicalPath(request.HttpContext);
                return default;
            });
            context.AddResponseTransform(response =>
            {
                var headers = response.HttpContext.Response.Headers;
                headers["Deprecation"] = DeprecatedSince;
                headers.Append("Link", $"<{CanonicalPath(response.HttpContext).ToUriComponent()}>; rel=\"successor-version\"");
                return default;
            });
        }

        // Whoever may use an API key has been given a token for it by now.
        context.AddRequestHeaderRemove("X-Api-Key");
        context.AddRequestTransform(request =>
        {
            // A body that the service may find too large is announced first: it then answers 413 instead of hanging up.
            request.ProxyRequest.Headers.ExpectContinue = request.HttpContext.Request.ContentLength > LargeBody ? true : null;
            return default;
        });

        var reads = context.Services.GetRequiredService<PublicReads>();
        context.AddResponseTransform(response =>
        {
            // The service has echoed the id that the gateway has put there already.
            var http = response.HttpContext;
            http.Response.Headers[CorrelationId.Header] = http.Request.Headers[CorrelationId.Header];
            reads.Decide(http);
            return default;
        });
    }

    private static PathString CanonicalPath(HttpContext context) =>
        context.Request.Path.StartsWithSegments(Older, out var rest) ? new PathString(Canonical).Add(rest) : context.Request.Path;
}

using Kashif.Gateway.Caching;
using Kashif.Http;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Kashif.Gateway.Routing;

/// <summary>Transforms requests to and responses from services.</summary>
internal static class Transforms
{
    private const long LargeBody = 256 * 1024;

    public static void Add(TransformBuilderContext context)
    {
        if (context.Route.Metadata?.ContainsKey(Routes.Alias) == true)
        {
            context.AddRequestTransform(request =>
            {
                request.Path = Alias.Canonical(request.HttpContext.Request.Path);
                return default;
            });
        }

        if (context.Route.Metadata?.ContainsKey(Routes.Open311) != true)
        {
            // The key is already exchanged for a token.
            context.AddRequestHeaderRemove("X-Api-Key");
        }

        context.AddRequestTransform(request =>
        {
            // Services map only GET; the response's body is suppressed below.
            if (HttpMethods.IsHead(request.HttpContext.Request.Method))
            {
                request.ProxyRequest.Method = HttpMethod.Get;
            }

            return default;
        });
        context.AddRequestTransform(request =>
        {
            // Announce a large body first: the service can return 413 instead of closing the connection.
            request.ProxyRequest.Headers.ExpectContinue = request.HttpContext.Request.ContentLength > LargeBody ? true : null;
            return default;
        });

        var cache = context.Services.GetRequiredService<PublicResponseCache>();
        context.AddResponseTransform(response =>
        {
            // The service echoes the correlation id. Remove it, so that the cache does not store it; the gateway sets it itself.
            var http = response.HttpContext;
            http.Response.Headers.Remove(CorrelationId.Header);
            response.SuppressResponseBody = HttpMethods.IsHead(http.Request.Method);
            Retries.HoldBackUnavailable(response);
            cache.ApplyCacheControl(http);
            return default;
        });
    }
}

using Kashif.Gateway.Caching;
using Kashif.Http;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Kashif.Gateway.Routing;

/// <summary>What changes between client and service, both ways.</summary>
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

        // Whoever may use an API key has been given a token for it by now.
        context.AddRequestHeaderRemove("X-Api-Key");
        context.AddRequestTransform(request =>
        {
            // Services map GET, of which HEAD is the beginning.
            if (HttpMethods.IsHead(request.HttpContext.Request.Method))
            {
                request.ProxyRequest.Method = HttpMethod.Get;
            }

            return default;
        });
        context.AddRequestTransform(request =>
        {
            // A body that the service may find too large is announced first: it then answers 413 instead of hanging up.
            request.ProxyRequest.Headers.ExpectContinue = request.HttpContext.Request.ContentLength > LargeBody ? true : null;
            return default;
        });

        var reads = context.Services.GetRequiredService<PublicReads>();
        context.AddResponseTransform(response =>
        {
            // The service has echoed the id, which is this request's own: the gateway says it itself, and the cache does not keep it.
            var http = response.HttpContext;
            http.Response.Headers.Remove(CorrelationId.Header);
            response.SuppressResponseBody = HttpMethods.IsHead(http.Request.Method);
            Retries.Refuse(response);
            reads.Decide(http);
            return default;
        });
    }
}

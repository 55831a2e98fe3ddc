using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace Kashif.Gateway.Routing;

/// <summary>
/// Retries a failed request once if that is safe: any request if there was no connection, and reads without a body also if the connection
/// broke off or a replica of several is unavailable. On another replica, or at the same address, behind which a load balancer may have others.
/// Never sends a body twice.
/// </summary>
internal static class Retries
{
    /// <summary>Before load balancing, which chooses a replica for each attempt.</summary>
    public static async Task RetryAsync(HttpContext context, RequestDelegate next)
    {
        var proxy = context.GetReverseProxyFeature();
        var replicas = proxy.AvailableDestinations;
        var isRead = IsRead(context.Request.Method) && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true;
        var attempt = isRead && replicas.Count > 1 ? new Attempt() : null;
        context.Features.Set(attempt);
        await next(context);
        context.Features.Set<Attempt>(null);

        var failed = attempt?.IsUnavailable == true || CanRetry(context.GetForwarderErrorFeature(), isRead);
        if (!failed || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        context.Features.Set<IForwarderErrorFeature>(null);
        context.Response.Clear();
        // The last that was left may be gone before the others count as healthy again.
        var others = (replicas.Count > 1 ? replicas : proxy.AllDestinations).Where(replica => replica != proxy.ProxiedDestination).ToArray();
        proxy.AvailableDestinations = others is [] ? replicas : others;
        await next(context);
    }

    /// <summary>Holds back a 502 or 503 of the first attempt.</summary>
    public static void HoldBackUnavailable(ResponseTransformContext response)
    {
        if ((int?)response.ProxyResponse?.StatusCode is StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable
            && response.HttpContext.Features.Get<Attempt>() is { } attempt)
        {
            attempt.IsUnavailable = true;
            response.SuppressResponseBody = true;
        }
    }

    private static bool CanRetry(IForwarderErrorFeature? failure, bool isRead) => failure switch
    {
        { Exception: HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } } => true,
        { Error: ForwarderError.Request or ForwarderError.RequestTimedOut or ForwarderError.ResponseBodyDestination } => isRead,
        _ => false,
    };

    private static bool IsRead(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    /// <summary>Marks the first attempt.</summary>
    private sealed class Attempt
    {
        public bool IsUnavailable { get; set; }
    }
}

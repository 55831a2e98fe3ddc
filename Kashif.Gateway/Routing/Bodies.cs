using Microsoft.AspNetCore.Http.Features;

namespace Kashif.Gateway.Routing;

/// <summary>What is too large is refused before anything of it is read.</summary>
internal static class Bodies
{
    /// <summary>Whatever has no larger limit of its own.</summary>
    public const long Most = 1024 * 1024;

    /// <summary>A photo of 10 MB in its multipart frame.</summary>
    public const long MostOfUpload = 12 * 1024 * 1024;

    /// <summary>To YARP a gRPC call is a stream without end, for which it lifts the limit. There is no gRPC here.</summary>
    private const string Grpc = "application/grpc";

    public static Task RefuseLargeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.ContentType?.StartsWith(Grpc, StringComparison.OrdinalIgnoreCase) == true)
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        }

        if (context.Request.ContentLength > context.GetReverseProxyFeature().Route.Config.MaxRequestBodySize)
        {
            // Kestrel throws away what still comes, for some seconds: hanging up at once would often lose the answer.
            context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize = null;
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return Task.CompletedTask;
        }

        return next(context);
    }
}

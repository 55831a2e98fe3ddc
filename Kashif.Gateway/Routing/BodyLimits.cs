using Kashif.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kashif.Gateway.Routing;

/// <summary>Rejects request bodies that are too large before reading them.</summary>
internal static class BodyLimits
{
    /// <summary>The default limit.</summary>
    public const long Default = 1024 * 1024;

    /// <summary>A photo of 10 MB in a multipart body.</summary>
    public const long MaxUpload = 12 * 1024 * 1024;

    /// <summary>A file of areas.</summary>
    public const long MaxAreas = 10 * 1024 * 1024;

    /// <summary>A file of codes.</summary>
    public const long MaxCodes = 5 * 1024 * 1024;

    /// <summary>A hundred reports with long texts, each letter as <c>\uXXXX</c>.</summary>
    public const long MaxBatch = 5 * 1024 * 1024;

    /// <summary>Rejected: YARP removes the limit for gRPC, which no service uses.</summary>
    private const string Grpc = "application/grpc";

    public static Task RejectTooLargeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.ContentType?.StartsWith(Grpc, StringComparison.OrdinalIgnoreCase) == true)
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        }

        if (context.GetReverseProxyFeature().Route.Config.MaxRequestBodySize is { } limit && context.Request.ContentLength > limit)
        {
            // Lets Kestrel discard the rest for a few seconds: closing at once would often lose the response.
            context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize = null;
            return Error.TooLarge(limit).ToProblem().ExecuteAsync(context);
        }

        return next(context);
    }
}

using System.Net;
using Kashif.Gateway.Routing;
using Kashif.Security;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Kashif.Gateway.Export;

internal static class ExportExtensions
{
    public static IServiceCollection AddExport(this IServiceCollection services)
    {
        services.AddHttpClient(ExportComposition.Client).AddServiceToken();
        return services;
    }

    /// <summary>Before retries, so that trying several replicas of Auth composes one document.</summary>
    public static void UseExport(this IReverseProxyApplicationBuilder proxy) => proxy.UseMiddleware<ExportComposition>();

    /// <summary>Holds back Auth's part for <see cref="ExportComposition"/>.</summary>
    public static void AddExportTransforms(TransformBuilderContext context)
    {
        if (!IsExport(context.Route.Metadata))
        {
            return;
        }

        context.AddResponseTransform(async response =>
        {
            if (response.ProxyResponse is { StatusCode: HttpStatusCode.OK } success && response.HttpContext.Features.Get<AccountPart>() is { } account)
            {
                response.SuppressResponseBody = true;
                account.Body = await success.Content.ReadAsByteArrayAsync(response.CancellationToken);
            }
        });
    }

    public static bool IsExport(IReadOnlyDictionary<string, string>? routeMetadata) => routeMetadata?.ContainsKey(Routes.Export) == true;
}

/// <summary>Auth's part of an export; null if Auth refused or failed.</summary>
internal sealed class AccountPart
{
    public byte[]? Body { get; set; }
}

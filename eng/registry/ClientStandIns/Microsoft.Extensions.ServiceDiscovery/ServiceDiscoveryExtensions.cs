// Stands in for the package Microsoft.Extensions.ServiceDiscovery where no version of it is served; the full registry never builds it.
// Left out: ServiceDiscoveryOptions, custom and DNS endpoint providers, and the public resolver types.

using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

public static class ServiceDiscoveryServiceCollectionExtensions
{
    public static IServiceCollection AddServiceDiscovery(this IServiceCollection services)
    {
        services.TryAddSingleton<ServiceEndpoints>();
        return services;
    }
}

public static class ServiceDiscoveryHttpClientBuilderExtensions
{
    /// <summary>Lets the client address services by name, as in <c>https+http://auth</c>, each request at the next endpoint. As with the real one, the
    /// services need <see cref="ServiceDiscoveryServiceCollectionExtensions.AddServiceDiscovery"/> besides.</summary>
    public static IHttpClientBuilder AddServiceDiscovery(this IHttpClientBuilder httpClientBuilder) =>
        httpClientBuilder.AddHttpMessageHandler(services => new ResolvingHandler(services.GetRequiredService<ServiceEndpoints>()));

    private sealed class ResolvingHandler(ServiceEndpoints endpoints) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var named = request.RequestUri;
            if (named is null)
            {
                return await base.SendAsync(request, cancellationToken);
            }

            try
            {
                request.RequestUri = endpoints.ResolveNext(named);
                return await base.SendAsync(request, cancellationToken);
            }
            finally
            {
                // A retry above this handler resolves anew.
                request.RequestUri = named;
            }
        }
    }
}

// Stands in for the package Microsoft.Extensions.ServiceDiscovery.Yarp where no version of it is served; the full registry never
// builds it. Left out: AddHttpForwarderWithServiceDiscovery and AddServiceDiscoveryForwarderFactory.

using Microsoft.Extensions.ServiceDiscovery;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

public static class ServiceDiscoveryReverseProxyServiceCollectionExtensions
{
    /// <summary>Turns a destination's address, as in <c>https+http://auth</c>, into one destination per endpoint of that service.</summary>
    public static IReverseProxyBuilder AddServiceDiscoveryDestinationResolver(this IReverseProxyBuilder builder)
    {
        builder.Services.AddSingleton<IDestinationResolver, DestinationResolver>();
        return builder;
    }

    private sealed class DestinationResolver(ServiceEndpoints endpoints) : IDestinationResolver
    {
        public ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
            IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
        {
            var changed = endpoints.ReloadToken;
            var resolved =
                from destination in destinations
                from address in endpoints.ResolveAll(new Uri(destination.Value.Address))
                select KeyValuePair.Create(
                    $"{destination.Key}[{address.GetLeftPart(UriPartial.Authority)}]",
                    destination.Value with { Address = address.ToString(), Health = HealthAddress(destination.Value.Health, address) });

            return new(new ResolvedDestinationCollection(new Dictionary<string, DestinationConfig>(resolved), changed));
        }

        private static string? HealthAddress(string? health, Uri address) =>
            string.IsNullOrEmpty(health) ? health : new UriBuilder(health) { Host = address.Host, Port = address.Port }.Uri.ToString();
    }
}

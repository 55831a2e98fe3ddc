using System.Text.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Yarp.ReverseProxy;

namespace Kashif.Gateway.Health;

/// <summary>
/// Asks a service for its <c>/health</c> along the way that requests take: the proxy's own destinations and connections. As
/// long as one of a service's replicas answers it is there; one that does not makes it degraded.
/// </summary>
internal sealed class ServiceHealth(IProxyStateLookup proxy, string service) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!proxy.TryGetCluster(service, out var cluster))
        {
            return HealthCheckResult.Unhealthy();
        }

        var states = await Task.WhenAll(cluster.Destinations.Values.Select(
            destination => AskAsync(cluster.Model.HttpClient, destination.Model.Config.Address, cancellationToken)));
        return new HealthCheckResult(states.Distinct().ToArray() switch
        {
            [] => HealthStatus.Unhealthy,
            [var same] => same,
            _ => HealthStatus.Degraded,
        });
    }

    private static async Task<HealthStatus> AskAsync(HttpMessageInvoker client, string address, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(address), "/health"));
            using var response = await client.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                return HealthStatus.Unhealthy;
            }

            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            using var report = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
            return Enum.Parse<HealthStatus>(report.RootElement.GetProperty("status").GetString() ?? "", ignoreCase: true);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException
            or JsonException or KeyNotFoundException or ArgumentException or InvalidOperationException)
        {
            return HealthStatus.Unhealthy;
        }
    }
}

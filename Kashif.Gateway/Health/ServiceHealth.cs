using System.Text.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Yarp.ReverseProxy;

namespace Kashif.Gateway.Health;

/// <summary>
/// Checks a service's <c>/health</c> through the proxy's destinations and connections, like requests. Unhealthy if no replica is
/// healthy, degraded if only some are.
/// </summary>
internal sealed class ServiceHealth(IProxyStateLookup proxy, string service) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!proxy.TryGetCluster(service, out var cluster))
        {
            return HealthCheckResult.Unhealthy();
        }

        var replicas = await Task.WhenAll(cluster.Destinations.Values.Select(
            destination => CheckReplicaAsync(cluster.Model.HttpClient, destination.Model.Config.Address, cancellationToken)));
        var state = replicas.Select(replica => replica.Status).Distinct().ToArray() switch
        {
            [] => HealthStatus.Unhealthy,
            [var same] => same,
            _ => HealthStatus.Degraded,
        };
        return new HealthCheckResult(state, data: replicas.SelectMany(replica => replica.Checks).GroupBy(check => check.Name)
            .ToDictionary(check => check.Key, object (check) => new HealthReportEntry(
                check.Min(replica => replica.Status), description: null, check.Max(replica => replica.Duration), exception: null, data: null)));
    }

    private static async Task<State> CheckReplicaAsync(HttpMessageInvoker client, string address, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(address), "/health"));
            using var response = await client.SendAsync(request, cancellationToken);
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            using var report = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
            var checks = report.RootElement.TryGetProperty("checks", out var found) ? found.EnumerateObject().Select(Read).ToArray() : [];
            return new State(response.IsSuccessStatusCode ? Status(report.RootElement) : HealthStatus.Unhealthy, checks);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException
            or JsonException or KeyNotFoundException or ArgumentException or InvalidOperationException)
        {
            return new State(HealthStatus.Unhealthy, []);
        }
    }

    private static Check Read(JsonProperty check) =>
        new(check.Name, Status(check.Value), TimeSpan.FromMilliseconds(check.Value.GetProperty("duration_ms").GetDouble()));

    private static HealthStatus Status(JsonElement check) => Enum.Parse<HealthStatus>(check.GetProperty("status").GetString() ?? "", ignoreCase: true);

    /// <summary>The health of one replica.</summary>
    private sealed record State(HealthStatus Status, IReadOnlyList<Check> Checks);

    private sealed record Check(string Name, HealthStatus Status, TimeSpan Duration);
}

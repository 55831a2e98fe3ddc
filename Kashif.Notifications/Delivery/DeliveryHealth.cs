using System.Collections.Concurrent;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kashif.Notifications.Delivery;

/// <summary>Degraded while the queue of a channel is not consumed. Requests still work, and the table keeps the deliveries.</summary>
internal sealed class DeliveryHealth : IHealthCheck
{
    public const string Name = "delivery";

    private readonly ConcurrentDictionary<string, bool> _consumes = new() { [ChannelNames.Push] = false, [ChannelNames.Email] = false };

    public void Consumes(string channel, bool consumes) => _consumes[channel] = consumes;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(new HealthCheckResult(_consumes.Values.All(consumes => consumes) ? HealthStatus.Healthy : context.Registration.FailureStatus));
}

using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kashif.Messaging.Consumers;

/// <summary>Degraded while the service does not consume its queue. Requests still work, and the queue keeps the events.</summary>
internal sealed class ConsumerHealth : IHealthCheck
{
    public const string Name = "consumer";

    private volatile bool _consumes;

    public bool Consumes
    {
        get => _consumes;
        set => _consumes = value;
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(new HealthCheckResult(Consumes ? HealthStatus.Healthy : context.Registration.FailureStatus));
}

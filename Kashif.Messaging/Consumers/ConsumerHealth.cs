using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kashif.Messaging.Consumers;

/// <summary>Whether the service consumes its queue now. Without, it answers all the same: the queue keeps the events.</summary>
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

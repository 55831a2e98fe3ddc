using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kashif.Reporting.Lists;

/// <summary>Unhealthy until the public reports are in memory: a replica that has just started gets no requests that would wait for them.</summary>
internal sealed class PublicReportsHealth(PublicReports reports) : IHealthCheck
{
    public const string Name = "reports";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!reports.IsRead)
        {
            await reports.RefreshAsync(cancellationToken);
        }

        return HealthCheckResult.Healthy();
    }
}

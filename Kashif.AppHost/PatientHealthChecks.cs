using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kashif;

/// <summary>
/// Health checks that wait for a resource that is starting. After a failed check Aspire waits one to five seconds, and each resource
/// waits for others to be healthy: a start took a dozen seconds longer.
/// </summary>
internal static class PatientHealthChecks
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Repeats a failed check for ten seconds before it reports the failure.</summary>
    public static void CheckHealthPatiently(this IDistributedApplicationBuilder builder) => builder.Services.PostConfigure<HealthCheckServiceOptions>(options =>
    {
        foreach (var registration in options.Registrations)
        {
            var create = registration.Factory;
            registration.Factory = services => new PatientHealthCheck(create(services));
        }
    });

    private sealed class PatientHealthCheck(IHealthCheck check) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var start = Stopwatch.GetTimestamp();
            while (true)
            {
                var last = Stopwatch.GetElapsedTime(start) > Patience;
                try
                {
                    var result = await check.CheckHealthAsync(context, cancellationToken);
                    if (last || result.Status == HealthStatus.Healthy)
                    {
                        return result;
                    }
                }
                catch (Exception) when (!last && !cancellationToken.IsCancellationRequested)
                {
                    // Nothing listens yet.
                }

                await Task.Delay(Interval, cancellationToken);
            }
        }
    }
}

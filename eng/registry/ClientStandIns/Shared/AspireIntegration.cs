// Restricted registry only: what the stand-ins of the Aspire client integrations share.

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Aspire;

internal static class AspireIntegration
{
    /// <summary>Binds the integration's section, then the one named after the connection.</summary>
    public static TSettings Bind<TSettings>(this IHostApplicationBuilder builder, string sectionName, params IEnumerable<string> names)
        where TSettings : new()
    {
        var settings = new TSettings();
        var section = builder.Configuration.GetSection(sectionName);
        section.Bind(settings);
        foreach (var name in names)
        {
            section.GetSection(name).Bind(settings);
        }

        return settings;
    }

    /// <summary>Registers a health check once, however often the integration is added.</summary>
    public static void TryAddHealthCheck(this IHostApplicationBuilder builder, string name, Func<IServiceProvider, IHealthCheck> factory)
    {
        if (builder.Properties.TryAdd($"Aspire.HealthChecks.{name}", true))
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(name, factory, failureStatus: default, tags: default));
        }
    }

    public static string MissingConnectionString(string connectionName, params IEnumerable<string> sections) =>
        $"ConnectionString is missing. It should be provided in 'ConnectionStrings:{connectionName}' or under the "
        + $"'ConnectionString' key in {string.Join(" or ", sections.Select(section => $"'{section}'"))} configuration section.";
}

/// <summary>A health check that fails with the exception of whatever it probes.</summary>
internal sealed class ProbeHealthCheck(Func<CancellationToken, Task> probe) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await probe(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, exception.Message, exception);
        }
    }
}

/// <summary>Creates a singleton when the host starts instead of at its first use.</summary>
internal sealed class Activation(Action activate) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        activate();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

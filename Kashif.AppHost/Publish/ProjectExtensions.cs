using System.Globalization;
using Kashif.Messaging.Database;

namespace Kashif.Publish;

/// <summary>What each of our projects tells the targets.</summary>
internal static class ProjectExtensions
{
    /// <summary><c>/ready</c> tells whether the project is ready for requests, <c>/alive</c> whether it runs.</summary>
    public static IResourceBuilder<ProjectResource> WithProbes(this IResourceBuilder<ProjectResource> project)
    {
        if (project.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return project.WithHttpHealthCheck("/health");
        }

        return project.WithHttpProbe(ProbeType.Liveness, "/alive").WithHttpProbe(ProbeType.Readiness, "/ready");
    }

    /// <summary>A published service is one of several replicas, which share PostgreSQL's connections.</summary>
    public static IResourceBuilder<ProjectResource> WithDatabasePool(this IResourceBuilder<ProjectResource> project) => project.ApplicationBuilder.ExecutionContext.IsRunMode
        ? project
        : project.WithEnvironment("Database__MaxPoolSize", DatabaseConnections.ReplicaPool.ToString(CultureInfo.InvariantCulture));

    /// <summary>
    /// Run by the AppHost, a project has the AppHost's environment, and Aspire's dashboard receives its telemetry. A published project runs in Production and receives only connection
    /// strings and service addresses. The gateway decides which proxies it trusts; Aspire's default trusts every sender.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithDeploymentSettings(this IResourceBuilder<ProjectResource> project, IResourceBuilder<ParameterResource> otlpEndpoint)
    {
        if (project.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return project.WithEnvironment("ASPNETCORE_ENVIRONMENT", project.ApplicationBuilder.Environment.EnvironmentName);
        }

        return project.WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString | ReferenceEnvironmentInjectionFlags.ServiceDiscovery)
            .DisableForwardedHeaders()
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Production")
            .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", otlpEndpoint);
    }
}

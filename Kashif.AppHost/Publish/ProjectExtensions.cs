namespace Kashif.Publish;

/// <summary>What each of our projects tells the targets.</summary>
internal static class ProjectExtensions
{
    /// <summary><c>/health</c> tells whether the project is ready for requests, <c>/alive</c> whether it runs.</summary>
    public static IResourceBuilder<ProjectResource> WithProbes(this IResourceBuilder<ProjectResource> project)
    {
        if (project.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return project.WithHttpHealthCheck("/health");
        }

        return project.WithHttpProbe(ProbeType.Liveness, "/alive").WithHttpProbe(ProbeType.Readiness, "/health");
    }

    /// <summary>
    /// The environment of the AppHost, when it runs the project. A published project runs in Production and receives only connection
    /// strings and service addresses. The gateway decides which proxies it trusts; Aspire's default trusts every sender.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithEnvironmentName(this IResourceBuilder<ProjectResource> project)
    {
        if (project.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return project.WithEnvironment("ASPNETCORE_ENVIRONMENT", project.ApplicationBuilder.Environment.EnvironmentName);
        }

        return project.WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString | ReferenceEnvironmentInjectionFlags.ServiceDiscovery)
            .DisableForwardedHeaders()
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Production");
    }
}

using System.Reflection;
using Aspire.Hosting.Pipelines;
using Kashif.NativeServers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Publish;

/// <summary>What the AppHost declares, in the terms that all targets share.</summary>
/// <param name="Workloads">What runs.</param>
/// <param name="Parameters">What differs between deployments.</param>
/// <param name="Values">The values of the parameters that are not secret: given at publishing, or the default.</param>
/// <param name="Version">The version of the images: the setting <c>ImageTag</c>, else the commit.</param>
internal sealed record PublishedApp(
    IReadOnlyList<Workload> Workloads, IReadOnlyList<ParameterResource> Parameters, IReadOnlyDictionary<ParameterResource, string> Values, string Version)
{
    /// <summary>The port of a project's endpoint that names none.</summary>
    public const int ProjectPort = 8080;

    /// <summary>Our services: built from source.</summary>
    public IEnumerable<Workload> Services => Workloads.Where(workload => workload.IsProject);

    /// <summary>Containers of others, such as PostgreSQL.</summary>
    public IEnumerable<Workload> Servers => Workloads.Where(workload => !workload.IsProject);

    /// <exception cref="NotSupportedException">The model contains something that cannot be published.</exception>
    public static async Task<PublishedApp> ReadAsync(PipelineStepContext context)
    {
        var workloads = new List<Workload>();
        foreach (var resource in context.Model.GetComputeResources())
        {
            workloads.Add(await ReadAsync(resource, context));
        }

        var used = ParameterValuesOf(workloads).Select(value => value.Parameter).ToHashSet();
        ParameterResource[] parameters = [.. context.Model.Resources.OfType<ParameterResource>().Where(used.Contains)];
        var values = new Dictionary<ParameterResource, string>();
        foreach (var parameter in parameters.Where(parameter => !parameter.Secret))
        {
            values[parameter] = await parameter.GetValueAsync(context.CancellationToken) ?? "";
        }

        var tag = context.Services.GetRequiredService<IConfiguration>()["ImageTag"];
        return new PublishedApp(workloads, parameters, values, string.IsNullOrEmpty(tag) ? VersionOfCommit() : tag);
    }

    /// <summary>Each use of a parameter.</summary>
    public IEnumerable<ParameterValue> ParameterValues => ParameterValuesOf(Workloads);

    /// <summary>Whether a deployment needs a value: a generated secret, a connection string, or a setting without a default.</summary>
    public static bool IsRequired(ParameterResource parameter) =>
        parameter.Default is KeptSecret || parameter is IResourceWithConnectionString || PublishTargets.AdviceFor(parameter) is not null;

    public string ValueOf(ParameterResource parameter) => Values.GetValueOrDefault(parameter, "");

    /// <summary>The workloads that call a workload.</summary>
    public IEnumerable<Workload> CallersOf(Workload callee) => Workloads.Where(workload => workload.Calls.Contains(callee.Name));

    private static async Task<Workload> ReadAsync(IResource resource, PipelineStepContext context)
    {
        var settings = await ExecutionConfigurationBuilder.Create(resource).WithArgumentsConfig().WithEnvironmentVariablesConfig()
            .BuildAsync(context.ExecutionContext, context.Logger, context.CancellationToken);
        var environment = new Dictionary<string, Template>();
        foreach (var (name, value) in settings.EnvironmentVariablesWithUnprocessed)
        {
            environment[name] = await ReadTemplateAsync(value.Unprocessed);
        }

        var arguments = new List<Template>();
        foreach (var argument in settings.ArgumentsWithUnprocessed)
        {
            arguments.Add(await ReadTemplateAsync(argument.Unprocessed));
        }

        var mounts = resource.Annotations.OfType<ContainerMountAnnotation>().ToArray();
        return new Workload(
            resource,
            environment,
            arguments,
            [.. resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint => new WorkloadEndpoint(endpoint.Name, PortOf(endpoint), endpoint.IsExternal))],
            [.. mounts.Where(mount => mount.Type == ContainerMountType.Volume).Select((mount, index) => new DataVolume(index == 0 ? "data" : $"data-{index}", mount.Target))],
            [.. mounts.Where(mount => mount.Type == ContainerMountType.BindMount).Select(mount => new ConfigFile(mount.Source ?? "", mount.Target))],
            [.. resource.Annotations.OfType<EndpointProbeAnnotation>().Select(probe => new HttpProbe(probe.Type, probe.Path, PortOf(probe.EndpointReference.EndpointAnnotation)))]);

        Task<Template> ReadTemplateAsync(object value) => Template.ReadAsync(value, endpoint => PortOf(endpoint.EndpointAnnotation), context.CancellationToken);
    }

    private static IEnumerable<ParameterValue> ParameterValuesOf(IEnumerable<Workload> workloads) =>
        workloads.SelectMany(workload => workload.Templates).SelectMany(template => template.Parameters);

    /// <summary>The SDK appends the commit to the informational version.</summary>
    private static string VersionOfCommit() =>
        typeof(PublishedApp).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+') is [_, { Length: >= 12 } commit] ? commit[..12] : "0.0.0";

    private static int PortOf(EndpointAnnotation endpoint) => endpoint.TargetPort ?? ProjectPort;
}

/// <summary>A project or a container that runs on a target.</summary>
/// <param name="Environment">The environment variables, in the model's order.</param>
/// <param name="Arguments">The command line after the image's entry point.</param>
/// <param name="Endpoints">The ports on which it listens.</param>
/// <param name="Volumes">The directories whose data outlive the container.</param>
/// <param name="Files">Files of the checkout that it reads.</param>
/// <param name="Probes">The requests that tell whether it is alive and ready.</param>
internal sealed record Workload(
    IResource Resource,
    IReadOnlyDictionary<string, Template> Environment,
    IReadOnlyList<Template> Arguments,
    IReadOnlyList<WorkloadEndpoint> Endpoints,
    IReadOnlyList<DataVolume> Volumes,
    IReadOnlyList<ConfigFile> Files,
    IReadOnlyList<HttpProbe> Probes)
{
    public string Name => Resource.Name;

    public bool IsProject => Resource is ProjectResource;

    /// <summary>The directory of a project. Null for a server.</summary>
    public string? ProjectDirectory => Path.GetDirectoryName((Resource as ProjectResource)?.GetProjectMetadata().ProjectPath);

    /// <summary>The name of a project's program, such as <c>Kashif.Auth</c>. Null for a server.</summary>
    public string? Program => (Resource as ProjectResource)?.GetProjectMetadata().ProjectPath is { } path ? Path.GetFileNameWithoutExtension(path) : null;

    /// <summary>The command that replaces the image's entry point. Null keeps it.</summary>
    public string? EntryPoint => (Resource as ContainerResource)?.Entrypoint;

    /// <summary>A server's image with its tag. A project's image depends on the target's registry.</summary>
    public string? Image => !IsProject && Resource.TryGetContainerImageName(out var image) ? image : null;

    /// <summary>Whether <c>&lt;program&gt; migrate</c> prepares its database before it starts.</summary>
    public bool Migrates => Resource.HasAnnotationOfType<MigratesDatabaseAnnotation>();

    public bool IsExternal => Endpoints.Any(endpoint => endpoint.IsExternal);

    public IEnumerable<Template> Templates => [.. Environment.Values, .. Arguments];

    /// <summary>The names of the workloads that it calls.</summary>
    public IReadOnlySet<string> Calls => Templates.SelectMany(template => template.Hosts).Where(host => host != Name).ToHashSet();

    public HttpProbe? ProbeOf(ProbeType type) => Probes.FirstOrDefault(probe => probe.Type == type);
}

/// <param name="Port">The port on which the workload listens.</param>
/// <param name="IsExternal">Whether clients outside of the system call it.</param>
internal sealed record WorkloadEndpoint(string Name, int Port, bool IsExternal);

/// <param name="Path">The directory inside the container.</param>
internal sealed record DataVolume(string Name, string Path);

/// <param name="Source">The file on the machine that publishes.</param>
/// <param name="Path">The file inside the container.</param>
internal sealed record ConfigFile(string Source, string Path)
{
    public string Name => System.IO.Path.GetFileName(Path);

    public string Content => File.ReadAllText(Source);
}

internal sealed record HttpProbe(ProbeType Type, string Path, int Port);

/// <summary>Marks a project whose program has the command <c>migrate</c>.</summary>
internal sealed class MigratesDatabaseAnnotation : IResourceAnnotation;

using System.Globalization;
using Kashif.NativeServers;
using Microsoft.Extensions.Configuration;

namespace Kashif.Publish.Compose;

/// <summary>Docker Compose on one host: <c>docker-compose.yaml</c>, its values in <c>.env</c>, and the files that it mounts.</summary>
internal static class ComposeTarget
{
    private const string Project = "kashif";
    private const string Head = """
        # Written by `aspire publish`: change the AppHost, or add a docker-compose.override.yaml. The values are in .env.
        #   docker compose up -d      starts the system or applies changes
        #   docker compose down       stops it; with -v it deletes all data

        """;

    private const int FirstPort = 8000;
    private const string ServiceMemory = "512m";
    private const string Healthy = "service_healthy", Started = "service_started", Completed = "service_completed_successfully";

    /// <summary>Connects the servers and their clients. It has no way out, so that a server reaches no other host.</summary>
    private const string Data = "data";

    private static readonly ComposeLogging Logging = new("json-file", new Dictionary<string, string> { ["max-size"] = "10m", ["max-file"] = "3" });

    public static async Task WriteAsync(PublishedApp app, IConfiguration configuration, string directory, CancellationToken cancellationToken)
    {
        var variables = await ReadVariablesAsync(app, configuration, cancellationToken);
        foreach (var (server, file) in app.Workloads.SelectMany(workload => workload.Files.Select(file => (workload, file))))
        {
            Directory.CreateDirectory(Path.Combine(directory, server.Name));
            await File.WriteAllTextAsync(Path.Combine(directory, server.Name, file.Name), file.Content, cancellationToken);
        }

        await File.WriteAllTextAsync(Path.Combine(directory, "docker-compose.yaml"), Head + Yaml.Write(Describe(app, variables)), cancellationToken);
        await DotEnv.WriteAsync(Path.Combine(directory, ".env"),
            [
                new("COMPOSE_PROJECT_NAME", "The prefix of the names of containers, networks and volumes.", Project),
                new("REGISTRY", "Where the images are, with a slash at the end, such as registry.example.org/. Empty for images on this host.", ""),
                new("PULL_POLICY", "With a REGISTRY: missing. Else never.", "never"),
                new("TAG", "The version of the images to run.", app.Version),
                .. External(app).Select(external => new Variable(external.Variable, $"The port on this host under which {external.Workload.Name} is reached.", external.Port)),
                .. variables.Values,
            ], cancellationToken);
    }

    private static ComposeFile Describe(PublishedApp app, IReadOnlyDictionary<ParameterResource, Variable> variables)
    {
        var services = new Dictionary<string, ComposeService>();
        foreach (var workload in app.Workloads)
        {
            if (workload.Migrates)
            {
                services[MigrationOf(workload)] = Base(app, workload, variables) with
                {
                    Command = ["migrate"],
                    DependsOn = Dependencies(app, workload, servers: true),
                    Restart = "no",
                };
            }

            services[workload.Name] = workload.IsProject ? Service(app, workload, variables) : Server(app, workload, variables);
        }

        return new ComposeFile(
            services,
            app.Servers.Any() ? new Dictionary<string, ComposeNetwork?> { ["default"] = null, [Data] = new(Internal: true) } : new Dictionary<string, ComposeNetwork?>(),
            app.Workloads.SelectMany(workload => workload.Volumes.Select(volume => VolumeOf(workload, volume))).ToDictionary(name => name, _ => (ComposeVolume?)null));
    }

    private static ComposeService Service(PublishedApp app, Workload service, IReadOnlyDictionary<ParameterResource, Variable> variables) =>
        Base(app, service, variables) with
        {
            Command = Write(service.Arguments, variables),
            DependsOn = Dependencies(app, service, servers: true)
                .Concat(service.Migrates ? [new(MigrationOf(service), new ComposeDependency(Completed))] : [])
                .Concat(Dependencies(app, service, servers: false))
                .ToDictionary(),
            // The image has no shell and no curl.
            Healthcheck = service.ProbeOf(ProbeType.Readiness) is null ? null : Check(["dotnet", $"/app/{service.Program}.dll", "healthcheck"]),
            Ports = [.. External(app).Where(external => external.Workload == service).Select(external => $"${{{external.Variable}:-{external.Port}}}:{external.Target}")],
        };

    private static ComposeService Server(PublishedApp app, Workload server, IReadOnlyDictionary<ParameterResource, Variable> variables)
    {
        var image = ServerImage.Of(server.Resource);
        var service = Base(app, server, variables) with
        {
            Hostname = server.Name, // RabbitMQ names its data after it
            Entrypoint = server.EntryPoint is { } entryPoint ? [entryPoint] : [],
            Command = Write(server.Arguments, variables),
            Volumes =
            [
                .. server.Volumes.Select(volume => $"{VolumeOf(server, volume)}:{volume.Path}"),
                .. server.Files.Select(file => $"./{server.Name}/{file.Name}:{file.Path}:ro"),
            ],
            ShmSize = image is { SharedMemory: true } ? "256m" : null,
        };
        return image is not null
            ? service with
            {
                User = image.User.ToString(CultureInfo.InvariantCulture),
                Healthcheck = Check(image.ReadyCommand),
                MemLimit = image.Memory.Replace("Gi", "g", StringComparison.Ordinal).Replace("Mi", "m", StringComparison.Ordinal),
                Tmpfs = image.WritablePaths,
            }
            : service with { MemLimit = null, ReadOnly = false, Tmpfs = [], CapDrop = [] };
    }

    /// <summary>What all containers have. The image of a service already sets a user without rights.</summary>
    private static ComposeService Base(PublishedApp app, Workload workload, IReadOnlyDictionary<ParameterResource, Variable> variables) => new()
    {
        Image = workload.Image ?? $"${{REGISTRY:-}}{Project}/{workload.Name}:${{TAG:?Set TAG in .env to the version of the images}}",
        PullPolicy = workload.IsProject ? "${PULL_POLICY:-never}" : null, // else an image that is missing here would come from Docker Hub, from anyone
        Environment = workload.Environment.ToDictionary(pair => pair.Key, pair => Write(pair.Value, variables)),
        Networks = !workload.IsProject ? [Data] : app.Servers.Any(server => workload.Calls.Contains(server.Name)) ? ["default", Data] : ["default"],
        Restart = "unless-stopped",
        StopGracePeriod = "40s",
        MemLimit = ServiceMemory,
        ReadOnly = true,
        Tmpfs = ["/tmp:size=128m"], // memory, which counts against the limit
        CapDrop = ["ALL"],
        SecurityOpt = ["no-new-privileges:true"],
        Logging = Logging,
    };

    private static ComposeHealthCheck Check(IEnumerable<string> command) => new(["CMD", .. command.Select(Escape)], Interval: "20s", Timeout: "10s", Retries: 3, StartPeriod: "60s");

    /// <summary>The servers or the services that start before it. A service bears the absence of another one.</summary>
    private static Dictionary<string, ComposeDependency> Dependencies(PublishedApp app, Workload workload, bool servers) =>
        (servers ? app.Servers : app.Services).Where(other => workload.Calls.Contains(other.Name))
            .ToDictionary(other => other.Name, other => new ComposeDependency(servers && ServerImage.Of(other.Resource) is not null ? Healthy : Started));

    private static string MigrationOf(Workload service) => $"{service.Name}-migrate";

    private static string VolumeOf(Workload workload, DataVolume volume) => $"{workload.Name}-{volume.Name}";

    private static IEnumerable<(Workload Workload, string Variable, string Port, int Target)> External(PublishedApp app) => app.Workloads
        .SelectMany(workload => workload.Endpoints.Where(endpoint => endpoint.IsExternal).Select(endpoint => (workload, endpoint.Port)))
        .Select((external, index) => (external.workload, $"{VariableName(external.workload.Name)}_PORT", (FirstPort + index).ToString(CultureInfo.InvariantCulture), external.Port));

    private static string[] Write(IEnumerable<Template> templates, IReadOnlyDictionary<ParameterResource, Variable> variables) =>
        [.. templates.Select(template => Write(template, variables))];

    private static string Write(Template template, IReadOnlyDictionary<ParameterResource, Variable> variables) => template.Write(part => part switch
    {
        Literal literal => Escape(literal.Text),
        ParameterValue value => variables[value.Parameter].Reference,
        HostName host => host.Workload,
        _ => throw new NotSupportedException($"{part} cannot be published."),
    });

    private static string Escape(string text) => text.Replace("$", "$$", StringComparison.Ordinal);

    /// <exception cref="DistributedApplicationException">A given value cannot stand in a URI.</exception>
    private static async Task<Dictionary<ParameterResource, Variable>> ReadVariablesAsync(PublishedApp app, IConfiguration configuration, CancellationToken cancellationToken)
    {
        var inUris = app.ParameterValues.Where(value => value.IsUriEncoded).Select(value => value.Parameter).ToHashSet();
        var variables = new Dictionary<ParameterResource, Variable>();
        foreach (var parameter in app.Parameters)
        {
            var given = configuration[$"Parameters:{parameter.Name}"];
            var isGenerated = parameter.Default is KeptSecret;
            var value = isGenerated ? given : await parameter.GetValueAsync(cancellationToken);
            if (inUris.Contains(parameter) && value is not null && Uri.EscapeDataString(value) != value)
            {
                throw new DistributedApplicationException($"Parameters__{parameter.Name} cannot be used: it stands in a URI. Choose letters and digits only.");
            }

            variables[parameter] = new Variable(
                VariableName(ParameterValue.NameOf(parameter)),
                $"{parameter.Description}{(inUris.Contains(parameter) ? " Letters and digits only." : "")}",
                value)
            {
                Advice = PublishTargets.AdviceFor(parameter),
                IsRequired = PublishedApp.IsRequired(parameter),
                IsSecret = parameter.Secret,
            };
        }

        return variables;
    }

    private static string VariableName(string name) => name.ToUpperInvariant().Replace('-', '_');
}

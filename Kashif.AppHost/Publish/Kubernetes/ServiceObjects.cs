using k8s.Models;
using YamlDotNet.RepresentationModel;

namespace Kashif.Publish.Kubernetes;

/// <summary>The objects of one of our services: stateless pods behind a Service, which can be replaced at any time.</summary>
internal static class ServiceObjects
{
    private const string Http = "http";

    public static IEnumerable<Manifest> Of(Workload service, ChartValues values)
    {
        var name = $"services.{Names.Key(service.Name)}";
        yield return Deployment(service, values, name);
        yield return Service(service, values, name);
        yield return new Manifest(new V1PodDisruptionBudget
        {
            Metadata = MetadataOf(service.Name),
            Spec = new V1PodDisruptionBudgetSpec { MaxUnavailable = 1, UnhealthyPodEvictionPolicy = "AlwaysAllow", Selector = new V1LabelSelector { MatchLabels = Names.Selector(service.Name) } },
        });
        yield return Autoscaler(service, values, name);
        if (service.Migrates)
        {
            yield return Migration(service, values, name);
        }
    }

    private static Manifest Service(Workload service, ChartValues values, string name)
    {
        var manifest = new Manifest(new V1Service
        {
            Metadata = MetadataOf(service.Name, Names.ServiceLabels(service.Name)),
            Spec = new V1ServiceSpec { Type = "ClusterIP", ExternalTrafficPolicy = "Local", Selector = Names.Selector(service.Name), Ports = PortsOf(service) },
        });
        values.Add($"{name}.service.annotations", new YamlMappingNode());
        manifest.Add("metadata", "annotations", $".Values.{name}.service.annotations");
        if (!service.IsExternal)
        {
            return manifest.Remove("spec.externalTrafficPolicy");
        }

        // Local keeps the addresses of clients.
        return manifest.OmitIf("spec.externalTrafficPolicy", $"eq .Values.{name}.service.type \"ClusterIP\"")
            .Expose(values, "spec.type", $"{name}.service.type", "LoadBalancer if there is no ingress.")
            .Expose(values, "spec.ports.0.port", $"{name}.service.port");
    }

    private static Manifest Deployment(Workload service, ChartValues values, string name)
    {
        var deployment = new V1Deployment
        {
            Metadata = MetadataOf(service.Name),
            Spec = new V1DeploymentSpec
            {
                Replicas = Math.Max(2, service.Resource.GetReplicaCount()),
                RevisionHistoryLimit = 5,
                Selector = new V1LabelSelector { MatchLabels = Names.Selector(service.Name) },
                Strategy = new V1DeploymentStrategy { Type = "RollingUpdate", RollingUpdate = new V1RollingUpdateDeployment { MaxSurge = 1, MaxUnavailable = 0 } },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta
                    {
                        Labels = Names.ServiceLabels(service.Name),
                        Annotations = new Dictionary<string, string> { ["checksum/parameters"] = PodSettings.ChecksumOf(service) },
                    },
                    Spec = PodOf(service, ContainerOf(service, PodSettings.EnvironmentOf(service.Environment))),
                },
            },
        };
        values.Add($"{name}.image", "");
        return ExposePod(new Manifest(deployment).Expose(values, "spec.replicas", $"{name}.replicas", unless: $".Values.{name}.autoscaling.enabled"), values, name);
    }

    private static Manifest ExposePod(Manifest manifest, ChartValues values, string name)
    {
        values.Add($"{name}.envFrom", new YamlSequenceNode());
        return PodOptions.Expose(manifest, values, name)
            .Append("spec.template.spec.containers.0.envFrom", $".Values.{name}.envFrom");
    }

    private static V1Container ContainerOf(Workload service, IList<V1EnvVar> environment) => new()
    {
        Name = service.Name,
        Image = $"{{{{ include \"kashif.image\" (list . \"{service.Name}\" .Values.services.{Names.Key(service.Name)}) }}}}",
        ImagePullPolicy = "{{ .Values.image.pullPolicy }}",
        Env = environment,
        EnvFrom = [Tls.Source],
        Ports = [.. service.Endpoints.Select(endpoint => new V1ContainerPort { Name = endpoint.Name, ContainerPort = endpoint.Port })],
        // The process has started when it is alive; from then on it is restarted after 30 s of silence.
        StartupProbe = ProbeOf(service.ProbeOf(ProbeType.Liveness), period: 2, failures: 60),
        LivenessProbe = ProbeOf(service.ProbeOf(ProbeType.Liveness), period: 10, failures: 3),
        ReadinessProbe = ProbeOf(service.ProbeOf(ProbeType.Readiness), period: 5, failures: 2),
        // Endpoints and proxies learn late that a pod ends: it serves on meanwhile.
        Lifecycle = new V1Lifecycle { PreStop = new V1LifecycleHandler { Sleep = new V1SleepAction { Seconds = 5 } } },
        Resources = ResourcesOf("250m", "256Mi", "512Mi"),
        SecurityContext = RestrictedContainer(),
        VolumeMounts = [new V1VolumeMount { Name = "tmp", MountPath = "/tmp" }, .. Tls.Mounts],
    };

    private static V1PodSpec PodOf(Workload service, V1Container container) => new()
    {
        AutomountServiceAccountToken = false,
        EnableServiceLinks = false,
        ImagePullSecrets = PodOptions.PullSecrets,
        SecurityContext = RestrictedPod(Names.ServiceUser),
        TerminationGracePeriodSeconds = 60,
        TopologySpreadConstraints =
        [
            Spread(service.Name, "kubernetes.io/hostname"),
            Spread(service.Name, "topology.kubernetes.io/zone"),
        ],
        Containers = [container],
        Volumes = [new V1Volume { Name = "tmp", EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = new ResourceQuantity("256Mi") } }, .. Tls.Volumes],
    };

    private static Manifest Autoscaler(Workload service, ChartValues values, string name)
    {
        values.Add($"{name}.autoscaling.enabled", new YamlScalarNode("true"));
        return new Manifest(new V2HorizontalPodAutoscaler
        {
            Metadata = MetadataOf(service.Name),
            Spec = new V2HorizontalPodAutoscalerSpec
            {
                ScaleTargetRef = new V2CrossVersionObjectReference { ApiVersion = "apps/v1", Kind = "Deployment", Name = Names.Of(service.Name) },
                MinReplicas = 2,
                MaxReplicas = 4,
                Behavior = new V2HorizontalPodAutoscalerBehavior { ScaleUp = new V2HPAScalingRules { StabilizationWindowSeconds = 60 } }, // a start is busy for a moment
                Metrics = [new V2MetricSpec { Type = "Resource", Resource = new V2ResourceMetricSource { Name = "cpu", Target = new V2MetricTarget { Type = "Utilization", AverageUtilization = 75 } } }],
            },
        })
            .When($".Values.{name}.autoscaling.enabled")
            .Set("spec.minReplicas", $".Values.{name}.replicas")
            .Expose(values, "spec.maxReplicas", $"{name}.autoscaling.maxReplicas")
            .Set("spec.maxReplicas", $"max .Values.{name}.autoscaling.maxReplicas .Values.{name}.replicas")
            .Expose(values, "spec.metrics.0.resource.target.averageUtilization", $"{name}.autoscaling.cpuUtilization");
    }

    /// <summary>
    /// Migrates the database before the new version starts. On the first installation it runs beside the services, because a hook would
    /// come before the database: they are not ready until it has succeeded.
    /// </summary>
    private static Manifest Migration(Workload service, ChartValues values, string name)
    {
        var job = $"{service.Name}-migrate";
        // Only what a migration needs: Secrets that are new in a version do not exist yet when the hook runs.
        var container = ContainerOf(service, PodSettings.EnvironmentOf(service.Environment.Where(variable =>
            variable.Key.StartsWith("ConnectionStrings__", StringComparison.Ordinal) || !variable.Value.Parameters.Any())));
        container.Args = ["migrate"];
        container.Ports = null;
        container.StartupProbe = container.LivenessProbe = container.ReadinessProbe = null;
        container.Lifecycle = null;
        var pod = PodOf(service, container);
        pod.RestartPolicy = "OnFailure";
        pod.TopologySpreadConstraints = null;
        return ExposePod(new Manifest(new V1Job
        {
            Metadata = new V1ObjectMeta
            {
                Name = Names.Of($"{job}-{{{{ .Release.Revision }}}}"),
                Labels = Names.Labels(job),
                Annotations = new Dictionary<string, string>(),
            },
            Spec = new V1JobSpec
            {
                BackoffLimit = 10,
                ActiveDeadlineSeconds = 1800,
                TtlSecondsAfterFinished = 300, // a rollback to the first release must not find it
                Template = new V1PodTemplateSpec { Metadata = new V1ObjectMeta { Labels = Names.Labels(job), Annotations = new Dictionary<string, string> { ["kashif/version"] = "{{ .Chart.AppVersion }}" } }, Spec = pod },
            },
        })
            .Set("metadata.annotations", "include \"kashif.migrationAnnotations\" . | nindent 4"), values, name);
    }

    public static V1ObjectMeta MetadataOf(string component, Dictionary<string, string>? labels = null) => new() { Name = Names.Of(component), Labels = labels ?? Names.Labels(component) };

    public static IList<V1ServicePort> PortsOf(Workload workload) =>
        [.. workload.Endpoints.Select(endpoint => new V1ServicePort { Name = endpoint.Name, Port = endpoint.Port, TargetPort = endpoint.Name })];

    public static V1PodSecurityContext RestrictedPod(long user) => new()
    {
        RunAsNonRoot = true,
        RunAsUser = user,
        RunAsGroup = user,
        FsGroup = user,
        FsGroupChangePolicy = "OnRootMismatch", // a recursive change would open the modes of PostgreSQL's and RabbitMQ's files
        SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
    };

    public static V1SecurityContext RestrictedContainer() => new()
    {
        AllowPrivilegeEscalation = false,
        ReadOnlyRootFilesystem = true,
        Capabilities = new V1Capabilities { Drop = ["ALL"] },
    };

    public static V1ResourceRequirements ResourcesOf(string cpu, string memory, string memoryLimit) => new()
    {
        Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new(cpu), ["memory"] = new(memory) },
        Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = new(memoryLimit) },
    };

    private static V1Probe? ProbeOf(HttpProbe? probe, int period, int failures) => probe is null ? null : new V1Probe
    {
        HttpGet = new V1HTTPGetAction { Path = probe.Path, Port = Http, Scheme = Tls.Choose("HTTPS", "HTTP") },
        PeriodSeconds = period,
        FailureThreshold = failures,
        TimeoutSeconds = 5,
    };

    private static V1TopologySpreadConstraint Spread(string component, string key) => new()
    {
        MaxSkew = 1,
        TopologyKey = key,
        WhenUnsatisfiable = "ScheduleAnyway",
        LabelSelector = new V1LabelSelector { MatchLabels = Names.Selector(component) },
    };
}

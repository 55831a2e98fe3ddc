using System.Security.Cryptography;
using System.Text;
using k8s.Models;

namespace Kashif.Publish.Kubernetes;

/// <summary>The objects of a server such as PostgreSQL: one pod with its data on a volume of its own.</summary>
internal static class ServerObjects
{
    public static IEnumerable<Manifest> Of(Workload server, ChartValues values)
    {
        var name = $"servers.{Names.Key(server.Name)}";
        yield return StatefulSet(server, values, name);
        yield return new Manifest(new V1Service
        {
            Metadata = ServiceObjects.MetadataOf(server.Name),
            Spec = new V1ServiceSpec
            {
                ClusterIP = "None", // one pod: its address needs no balancing
                Selector = Names.Selector(server.Name),
                Ports = ServiceObjects.PortsOf(server),
            },
        });
        if (server.Files is not [])
        {
            yield return new Manifest(new V1ConfigMap
            {
                Metadata = new V1ObjectMeta { Name = Names.Of($"{server.Name}-files"), Labels = Names.Labels(server.Name) },
                Data = server.Files.ToDictionary(file => file.Name, file => file.Content),
            });
        }
    }

    private static Manifest StatefulSet(Workload server, ChartValues values, string name)
    {
        var image = ServerImage.Of(server.Resource);
        var data = server.Volumes.FirstOrDefault();
        var environment = PodSettings.EnvironmentOf(server.Environment);
        if (image?.DataVariable is { } variable && data is not null)
        {
            environment.Add(new V1EnvVar { Name = variable, Value = $"{data.Path}/{variable.ToLowerInvariant()}" }); // the volume's root holds lost+found
        }

        var container = new V1Container
        {
            Name = server.Name,
            Image = server.Image,
            ImagePullPolicy = "{{ .Values.image.pullPolicy }}",
            Command = server.EntryPoint is { } entryPoint ? [entryPoint] : null,
            Args = server.Arguments is [] ? null : PodSettings.ArgumentsOf(server),
            Env = environment,
            Ports = [.. server.Endpoints.Select(endpoint => new V1ContainerPort { Name = endpoint.Name, ContainerPort = endpoint.Port })],
            StartupProbe = ProbeOf(image, period: 5, failures: 60, delay: 15), // RabbitMQ's command must not create the cookie before the server does
            LivenessProbe = ProbeOf(image, period: 30, failures: 4),
            ReadinessProbe = ProbeOf(image, period: 10, failures: 3),
            Resources = ServiceObjects.ResourcesOf("250m", image?.Memory ?? "512Mi", image?.Memory ?? "512Mi"),
            SecurityContext = ServiceObjects.RestrictedContainer(),
            VolumeMounts =
            [
                .. server.Volumes.Select(volume => new V1VolumeMount { Name = volume.Name, MountPath = volume.Path }),
                .. image is { SharedMemory: true } ? new[] { new V1VolumeMount { Name = "shm", MountPath = "/dev/shm" } } : [],
                .. Writable(image).Select(path => new V1VolumeMount { Name = "scratch", MountPath = path, SubPath = path.Trim('/').Replace('/', '-') }),
                .. server.Files.Select(file => new V1VolumeMount { Name = "files", MountPath = file.Path, SubPath = file.Name, ReadOnlyProperty = true }),
            ],
        };
        container.SecurityContext.ReadOnlyRootFilesystem = image is not null;
        var manifest = new Manifest(new V1StatefulSet
        {
            Metadata = ServiceObjects.MetadataOf(server.Name),
            Spec = new V1StatefulSetSpec
            {
                ServiceName = Names.Of(server.Name),
                Replicas = 1,
                Selector = new V1LabelSelector { MatchLabels = Names.Selector(server.Name) },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta
                    {
                        Labels = Names.ServerLabels(server.Name),
                        Annotations = new Dictionary<string, string> { ["checksum/parameters"] = PodSettings.ChecksumOf(server), ["checksum/files"] = ChecksumOf(server.Files) },
                    },
                    Spec = new V1PodSpec
                    {
                        AutomountServiceAccountToken = false,
                        EnableServiceLinks = false,
                        SecurityContext = ServiceObjects.RestrictedPod(image?.User ?? Names.ServiceUser),
                        ImagePullSecrets = PodOptions.PullSecrets,
                        TerminationGracePeriodSeconds = 120,
                        Containers = [container],
                        Volumes =
                        [
                            .. Writable(image).Any() ? new[] { new V1Volume { Name = "scratch", EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = new ResourceQuantity("256Mi") } } } : [],
                            .. image is { SharedMemory: true } ? new[] { new V1Volume { Name = "shm", EmptyDir = new V1EmptyDirVolumeSource { Medium = "Memory", SizeLimit = new ResourceQuantity("256Mi") } } } : [],
                            .. server.Files is [] ? [] : new[] { new V1Volume { Name = "files", ConfigMap = new V1ConfigMapVolumeSource { Name = Names.Of($"{server.Name}-files") } } },
                        ],
                    },
                },
                VolumeClaimTemplates =
                [
                    .. server.Volumes.Select(volume => new V1PersistentVolumeClaim
                    {
                        ApiVersion = "v1",
                        Kind = "PersistentVolumeClaim",
                        Metadata = new V1ObjectMeta { Name = volume.Name },
                        Spec = new V1PersistentVolumeClaimSpec
                        {
                            AccessModes = ["ReadWriteOnce"],
                            StorageClassName = "",
                            Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = new("10Gi") } },
                        },
                    }),
                ],
            },
        })
            .Expose(values, "spec.template.spec.containers.0.image", $"{name}.image");
        PodOptions.Expose(manifest, values, name);
        for (var index = 0; index < server.Volumes.Count; index++)
        {
            manifest.Expose(values, $"spec.volumeClaimTemplates.{index}.spec.resources.requests.storage", $"{name}.storage.size", "Only at the installation: Kubernetes cannot change it in a StatefulSet. docs/deployment.md says how to enlarge a volume.")
                .Expose(values, $"spec.volumeClaimTemplates.{index}.spec.storageClassName", $"{name}.storage.className", "Only at the installation. Empty: the cluster's default class.", unless: $"empty .Values.{name}.storage.className");
        }

        return manifest;
    }

    private static string ChecksumOf(IEnumerable<ConfigFile> files) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(files.Select(file => file.Content)))));

    private static IEnumerable<string> Writable(ServerImage? image) => image?.WritablePaths ?? [];

    private static V1Probe? ProbeOf(ServerImage? image, int period, int failures, int? delay = null) => image is null ? null : new V1Probe
    {
        Exec = new V1ExecAction { Command = [.. image.ReadyCommand] },
        PeriodSeconds = period,
        FailureThreshold = failures,
        InitialDelaySeconds = delay,
        TimeoutSeconds = 10,
    };
}

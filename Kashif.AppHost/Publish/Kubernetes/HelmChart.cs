using System.Reflection;
using YamlDotNet.RepresentationModel;

namespace Kashif.Publish.Kubernetes;

/// <summary>Writes a Helm chart: a template file for each workload, and <c>values.yaml</c> with what operators may change.</summary>
internal static class HelmChart
{
    private const string ChartVersion = "1.0.0";

    private const string Header = """
        The settings of Kashif's chart. Put your own settings in another file:
        
          helm upgrade --install kashif . --values production.yaml
        
        docs/deployment.md explains each step.
        """;

    public static async Task WriteAsync(PublishedApp app, string directory, CancellationToken cancellationToken)
    {
        var templates = Path.Combine(directory, "templates");
        if (Directory.Exists(templates))
        {
            Directory.Delete(templates, recursive: true); // files of workloads that are gone
        }

        Directory.CreateDirectory(templates);
        var values = ValuesOf(app);
        await WriteAsync("parameters", [.. SharedObjects.Parameters(app, values), Tls.Settings()]);
        foreach (var service in app.Services)
        {
            await WriteAsync(service.Name, ServiceObjects.Of(service, values));
        }

        foreach (var server in app.Servers)
        {
            await WriteAsync(server.Name, ServerObjects.Of(server, values));
        }

        await WriteAsync("ingress", SharedObjects.Ingresses(app, values));
        await WriteAsync("network-policies", SharedObjects.NetworkPolicies(app));
        AddOptions(values);
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith("chart/", StringComparison.Ordinal)))
        {
            await using var source = assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is missing.");
            await using var target = File.Create(Path.Combine(templates, name["chart/".Length..]));
            await source.CopyToAsync(target, cancellationToken);
        }

        await File.WriteAllTextAsync(Path.Combine(directory, "values.yaml"), values.Write(Header), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(directory, "values.schema.json"), values.WriteSchema(), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(directory, "Chart.yaml"), $"""
            apiVersion: v2
            name: kashif
            description: A civic reporting backend
            type: application
            version: {ChartVersion}
            appVersion: "{app.Version}"
            kubeVersion: ">=1.30.0-0"

            """, cancellationToken);

        Task WriteAsync(string name, IEnumerable<Manifest> manifests) =>
            File.WriteAllTextAsync(Path.Combine(templates, $"{name}.yaml"), string.Concat(manifests.Select(manifest => manifest.Write())), cancellationToken);
    }

    /// <summary>The values of the whole release, in the order in which an operator reads them.</summary>
    private static ChartValues ValuesOf(PublishedApp app)
    {
        var values = new ChartValues();
        values.Explain("image", "The images of our services: <registry>/kashif/<service>:<tag>. `./kashif images` builds them.");
        values.Add("image.registry", "", "For example registry.example.org/city");
        values.Add("image.tag", "", "Empty: the chart's appVersion.");
        values.Add("image.pullPolicy", "IfNotPresent");
        values.Add("image.pullSecrets", new YamlSequenceNode(), "For example [{ name: registry }]");
        values.Explain("settings", "Parameters that are not secret.");
        foreach (var parameter in app.Parameters.Where(parameter => !parameter.Secret))
        {
            values.Add($"settings.{Names.Key(parameter.Name)}", app.ValueOf(parameter), parameter.Description);
        }

        values.Explain("secrets", "Secret parameters. Give a value, or the name of an existing Secret with the key `value`\n(and the key `uri-encoded`, the same percent-encoded, where the chart's own Secret has it).");
        values.Add("secrets.generate", new YamlScalarNode("true"), "Generate the secrets that have no value. Set it to false where Helm cannot read them again: helm template, Argo CD.");
        values.Explain("services", "Our services: stateless, at least two replicas each.\nimage: a whole image name instead of registry and tag, such as one with a digest.\nservice.annotations, nodeSelector, tolerations, affinity, priorityClassName, podAnnotations: as in Kubernetes.\nenvFrom: more settings, from a ConfigMap or Secret of yours (docs/operations.md lists them).\nresources: without a limit of CPU, so that a pod may use what is idle.");
        values.Explain("servers", "One pod each, with its data on a volume. To use a server of your own, publish the chart with its connection string\n(docs/deployment.md): then it has no such section.");
        return values;
    }

    private static void AddOptions(ChartValues values)
    {
        values.Add("tls.enabled", new YamlScalarNode("false"), "HTTPS between our services. The gateway speaks HTTPS too: tell the ingress controller, for example by the annotation\nnginx.ingress.kubernetes.io/backend-protocol: HTTPS (others want it in services.gateway.service.annotations). Servers of your own are asked for TLS in their connection strings.");
        values.Add("tls.secretName", "kashif-internal-tls", "A Secret with tls.crt, tls.key and ca.crt, for the names <release>-<service> and <release>-metrics.");
        values.Add("tls.issuer", "", "The name of a ClusterIssuer of cert-manager that makes this Secret. Empty: you make it.");
        values.Add("networkPolicy.enabled", new YamlScalarNode("true"), "Only the gateway is reachable from outside. A workload accepts only its callers.\nNeeds a network plugin that enforces policies.");
        values.Add("monitoring.enabled", new YamlScalarNode("false"), "A ServiceMonitor and alert rules for the Prometheus operator.");
        values.Add("monitoring.namespace", "monitoring", "The namespace of Prometheus.");
        values.Add("monitoring.labels", new YamlMappingNode(), "Labels by which Prometheus finds them, such as release: prometheus");
    }
}

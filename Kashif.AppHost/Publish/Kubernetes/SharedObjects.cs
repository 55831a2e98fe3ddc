using k8s.Models;

namespace Kashif.Publish.Kubernetes;

/// <summary>The objects of the whole release: parameters, the way in from outside, and who may call whom.</summary>
internal static class SharedObjects
{
    /// <summary>One Secret for each secret parameter. The others are in one ConfigMap.</summary>
    public static IEnumerable<Manifest> Parameters(PublishedApp app, ChartValues values)
    {
        ParameterResource[] settings = [.. app.Parameters.Where(parameter => !parameter.Secret)];
        var map = new Manifest(new V1ConfigMap
        {
            Metadata = new V1ObjectMeta { Name = Names.Settings, Labels = Names.Labels("settings") },
            Data = settings.ToDictionary(setting => setting.Name, app.ValueOf),
        });
        foreach (var setting in settings)
        {
            var value = $"settings.{Names.Key(setting.Name)}";
            map.Set($"data.{setting.Name}", PublishTargets.AdviceFor(setting) is { } advice
                ? $"required \"Set {value} to {advice}.\" .Values.{value} | trimSuffix \"/\" | quote"
                : $".Values.{value} | toString | quote");
        }

        yield return map;
        foreach (var parameter in app.Parameters.Where(parameter => parameter.Secret))
        {
            yield return Secret(app, parameter, values);
        }
    }

    private static Manifest Secret(PublishedApp app, ParameterResource parameter, ChartValues values)
    {
        var key = $"secrets.{Names.Key(parameter.Name)}";
        var isGenerated = parameter.Default is not null;
        values.Add($"{key}.value", "", $"{parameter.Description}{(isGenerated ? " Empty: a random one, which stays." : "")}");
        values.Add($"{key}.existingSecret", "");
        var keys = PodSettings.KeysOf(app, parameter).ToArray();
        var secret = new Manifest(new V1Secret
        {
            Metadata = new V1ObjectMeta
            {
                Name = Names.Of(parameter.Name),
                Labels = Names.Labels("secrets"),
                Annotations = isGenerated ? new Dictionary<string, string> { ["helm.sh/resource-policy"] = "keep" } : null, // the data volumes stay too
            },
            Type = "Opaque",
            StringData = keys.ToDictionary(name => name, _ => ""),
        })
            .When($"not .Values.{key}.existingSecret")
            .Declare($"$value := include \"kashif.secret\" (list . \"{parameter.Name}\" .Values.{key}.value {(isGenerated ? ".Values.secrets.generate" : "false")} \"{key}\" {(isGenerated ? "true" : "false")})");
        foreach (var name in keys)
        {
            secret.Set($"stringData.{name}", name == "value" ? "$value | quote" : "$value | urlquery | replace \"+\" \"%20\" | quote");
        }

        return secret;
    }

    /// <summary>No pod is reachable by default. Its callers reach a workload, and every client reaches the gateway.</summary>
    public static IEnumerable<Manifest> NetworkPolicies(PublishedApp app)
    {
        yield return new Manifest(new V1NetworkPolicy
        {
            Metadata = new V1ObjectMeta { Name = Names.Of("default-deny"), Labels = Names.Labels("network-policy") },
            Spec = new V1NetworkPolicySpec
            {
                PodSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app.kubernetes.io/instance"] = "{{ .Release.Name }}", ["app.kubernetes.io/part-of"] = "kashif" } },
                PolicyTypes = ["Ingress"],
            },
        }).When(".Values.networkPolicy.enabled");
        foreach (var workload in app.Workloads)
        {
            var callers = app.CallersOf(workload).SelectMany(caller => caller.Migrates ? new[] { caller.Name, $"{caller.Name}-migrate" } : [caller.Name]).ToArray();
            if (callers is [] && !workload.IsExternal)
            {
                continue;
            }

            yield return new Manifest(new V1NetworkPolicy
            {
                Metadata = new V1ObjectMeta { Name = Names.Of(workload.Name), Labels = Names.Labels(workload.Name) },
                Spec = new V1NetworkPolicySpec
                {
                    PodSelector = new V1LabelSelector { MatchLabels = Names.Selector(workload.Name) },
                    PolicyTypes = ["Ingress"],
                    Ingress =
                    [
                        new V1NetworkPolicyIngressRule
                        {
                            FromProperty = workload.IsExternal ? null :
                            [
                                new V1NetworkPolicyPeer
                                {
                                    PodSelector = new V1LabelSelector
                                    {
                                        MatchLabels = new Dictionary<string, string> { ["app.kubernetes.io/instance"] = "{{ .Release.Name }}" },
                                        MatchExpressions = [new V1LabelSelectorRequirement { Key = "app.kubernetes.io/name", OperatorProperty = "In", Values = callers }],
                                    },
                                },
                            ],
                            Ports = [.. workload.Endpoints.Where(endpoint => endpoint.Name != "management").Select(endpoint => new V1NetworkPolicyPort { Port = endpoint.Name, Protocol = "TCP" })],
                        },
                    ],
                },
            }).When(".Values.networkPolicy.enabled");
        }
    }

    /// <summary>The way in from outside, to the workloads with an external endpoint.</summary>
    public static IEnumerable<Manifest> Ingresses(PublishedApp app, ChartValues values)
    {
        values.Add("ingress.enabled", new YamlDotNet.RepresentationModel.YamlScalarNode("true"), "The way in. Also set settings.trustedProxies to the network of the ingress controller.");
        foreach (var workload in app.Services.Where(service => service.IsExternal))
        {
            values.Add("ingress.host", "", "Empty: the host of settings.publicUrl.");
            yield return new Manifest(new V1Ingress
            {
                Metadata = new V1ObjectMeta { Name = Names.Of(workload.Name), Labels = Names.Labels(workload.Name), Annotations = new Dictionary<string, string>() },
                Spec = new V1IngressSpec
                {
                    IngressClassName = "",
                    Rules =
                    [
                        new V1IngressRule
                        {
                            Host = "{{ include \"kashif.host\" . }}",
                            Http = new V1HTTPIngressRuleValue
                            {
                                Paths = [new V1HTTPIngressPath { Path = "/", PathType = "Prefix", Backend = new V1IngressBackend { Service = new V1IngressServiceBackend { Name = Names.Of(workload.Name), Port = new V1ServiceBackendPort { Name = workload.Endpoints[0].Name } } } }],
                            },
                        },
                    ],
                    Tls = [new V1IngressTLS { Hosts = ["{{ include \"kashif.host\" . }}"], SecretName = "{{ .Values.ingress.tls.secretName }}" }],
                },
            })
                .When(".Values.ingress.enabled")
                .Expose(values, "spec.ingressClassName", "ingress.className", "Empty: the cluster's default class.", unless: "empty .Values.ingress.className")
                .OmitIf("spec.tls", "empty .Values.ingress.tls.secretName")
                .Expose(values, "metadata.annotations", "ingress.annotations", "For example cert-manager.io/cluster-issuer: letsencrypt");
        }

        values.Add("ingress.tls.secretName", "kashif-tls", "The Secret with the certificate.");
    }
}

using k8s.Models;
using YamlDotNet.RepresentationModel;

namespace Kashif.Publish.Kubernetes;

/// <summary>What an operator may set for each pod.</summary>
internal static class PodOptions
{
    /// <summary>Stands for <c>image.pullSecrets</c>.</summary>
    public static IList<V1LocalObjectReference> PullSecrets => [new() { Name = "registry" }];

    public static Manifest Expose(Manifest manifest, ChartValues values, string name)
    {
        values.Add("image.pullSecrets", new YamlSequenceNode());
        manifest.Expose(values, "spec.template.spec.imagePullSecrets", "image.pullSecrets", unless: "empty .Values.image.pullSecrets")
            .Expose(values, "spec.template.spec.containers.0.resources", $"{name}.resources");
        foreach (var (member, value) in new (string, YamlNode)[]
        {
            ("nodeSelector", new YamlMappingNode()), ("tolerations", new YamlSequenceNode()), ("affinity", new YamlMappingNode()), ("priorityClassName", new YamlScalarNode("") { Style = YamlDotNet.Core.ScalarStyle.DoubleQuoted }),
        })
        {
            values.Add($"{name}.{member}", value);
            manifest.Add("spec.template.spec", member, $".Values.{name}.{member}");
        }

        values.Add($"{name}.podAnnotations", new YamlMappingNode());
        return manifest.Append("spec.template.metadata.annotations", $".Values.{name}.podAnnotations");
    }
}

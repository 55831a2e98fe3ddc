using k8s.Models;

namespace Kashif.Publish.Kubernetes;

/// <summary>
/// The environment of a pod. A value that contains parameters refers to variables in front of it (<c>$(NAME)</c>), so a secret is in
/// its Secret only.
/// </summary>
internal static class PodSettings
{
    private const string Value = "value", UriEncoded = "uri-encoded";

    public static IList<V1EnvVar> EnvironmentOf(IEnumerable<KeyValuePair<string, Template>> environment)
    {
        var variables = environment.Select(variable => (variable.Key, variable.Value)).ToArray();
        var shared = variables.Where(variable => variable.Value is not { Parts: [ParameterValue] }).SelectMany(variable => variable.Value.Parameters).Distinct();
        return
        [
            .. shared.Select(value => Variable(NameOf(value), value)),
            .. variables.Select(variable => variable.Value is { Parts: [ParameterValue value] }
                ? Variable(variable.Key, value)
                : new V1EnvVar { Name = Protected(variable.Key, variable.Value), Value = TextOf(variable.Value) }),
        ];
    }

    public static IList<string> ArgumentsOf(Workload workload) => [.. workload.Arguments.Select(TextOf)];

    /// <summary>The values on which a restart depends: those of the parameters that the pod uses.</summary>
    public static string ChecksumOf(Workload workload)
    {
        var values = workload.Templates.SelectMany(template => template.Parameters).Select(value => value.Parameter).Distinct()
            .Select(parameter => $".Values.{(parameter.Secret ? "secrets" : "settings")}.{Names.Key(parameter.Name)}");
        return $"{{{{ list {string.Join(' ', values)} | toJson | sha256sum }}}}";
    }

    /// <summary>The data of a parameter's Secret or its part of the ConfigMap.</summary>
    public static IEnumerable<string> KeysOf(PublishedApp app, ParameterResource parameter) => app.ParameterValues
        .Where(value => value.Parameter == parameter)
        .Select(value => value.IsUriEncoded ? UriEncoded : Value).Append(Value).Distinct().Order(StringComparer.Ordinal).Reverse();

    private static V1EnvVar Variable(string name, ParameterValue value) => new()
    {
        Name = name,
        ValueFrom = value.Parameter.Secret
            ? new V1EnvVarSource { SecretKeyRef = new V1SecretKeySelector { Name = Names.SecretOf(value.Parameter), Key = value.IsUriEncoded ? UriEncoded : Value } }
            : new V1EnvVarSource { ConfigMapKeyRef = new V1ConfigMapKeySelector { Name = Names.Settings, Key = value.Parameter.Name } },
    };

    /// <summary>With <c>tls.enabled</c>, .NET's variables for HTTP have other names.</summary>
    private static string Protected(string name, Template value) =>
        name == "HTTP_PORTS" ? Tls.Choose("HTTPS_PORTS", "HTTP_PORTS")
        : value is { Parts: [Literal { Text: Tls.Http }, ..] } ? name.Replace("__http__", $"__{Tls.Choose("https", "http")}__", StringComparison.Ordinal)
        : name;

    private static string TextOf(Template template) => template.Write(part => part switch
    {
        Literal { Text: Tls.Http } => $"{Tls.Choose("https", "http")}://",
        Literal literal => literal.Text.Replace("$(", "$$(", StringComparison.Ordinal).Replace("{{", "{{ \"{{\" }}", StringComparison.Ordinal),
        HostName host => Names.Of(host.Workload),
        ParameterValue value => $"$({NameOf(value)})",
        _ => throw new NotSupportedException($"A {part.GetType().Name} cannot be published."),
    });

    private static string NameOf(ParameterValue value) =>
        $"KASHIF_{value.Parameter.Name.Replace('-', '_').ToUpperInvariant()}{(value.IsUriEncoded ? "_URI" : "")}";
}

using System.Globalization;

namespace Kashif.Publish.Kubernetes;

/// <summary>Names of the chart's objects, labels and values.</summary>
internal static class Names
{
    public const string Settings = "{{ .Release.Name }}-settings";

    /// <summary>The user of .NET's chiselled images.</summary>
    public const long ServiceUser = 1654;

    /// <summary>A name of one release, so that two releases fit into a namespace.</summary>
    public static string Of(string resource) => $"{{{{ .Release.Name }}}}-{resource}";

    /// <summary>A key of <c>values.yaml</c>: <c>smtp-host</c> is <c>smtpHost</c>.</summary>
    public static string Key(string name) => string.Concat(name.Split('-').Select((word, index) =>
        index == 0 ? word : string.Concat(word[..1].ToUpper(CultureInfo.InvariantCulture), word.AsSpan(1))));

    /// <summary>The name of the Secret of a parameter: one of the chart, or an existing one.</summary>
    public static string SecretOf(ParameterResource parameter) =>
        $"{{{{ .Values.secrets.{Key(parameter.Name)}.existingSecret | default (printf \"%s-{parameter.Name}\" .Release.Name) }}}}";

    public static Dictionary<string, string> Labels(string component) => new()
    {
        ["app.kubernetes.io/name"] = component,
        ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
        ["app.kubernetes.io/part-of"] = "kashif",
        ["app.kubernetes.io/version"] = "{{ .Chart.AppVersion }}",
        ["app.kubernetes.io/managed-by"] = "{{ .Release.Service }}",
        ["helm.sh/chart"] = "{{ .Chart.Name }}-{{ .Chart.Version }}",
    };

    /// <summary>The labels of a server's pods. The version is not among them: it would restart the server in each upgrade.</summary>
    public static Dictionary<string, string> ServerLabels(string component) => new(Selector(component)) { ["app.kubernetes.io/part-of"] = "kashif" };

    /// <summary>The labels of our services, which serve <c>/metrics</c>.</summary>
    public static Dictionary<string, string> ServiceLabels(string component) => new(Labels(component)) { ["kashif/metrics"] = "true" };

    /// <summary>The labels that select a workload's pods. They never change.</summary>
    public static Dictionary<string, string> Selector(string component) => new()
    {
        ["app.kubernetes.io/name"] = component,
        ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
    };
}

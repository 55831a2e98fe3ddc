using System.Globalization;
using System.Text.RegularExpressions;
using k8s;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Kashif.Publish.Kubernetes;

/// <summary>
/// A Kubernetes object as a Helm template. The typed object holds the defaults; <see cref="Expose"/> moves one of them to
/// <c>values.yaml</c>. Its texts may contain template expressions.
/// </summary>
internal sealed partial class Manifest
{
    private readonly YamlMappingNode _root;
    private readonly List<Func<string, string, string>> _expressions = [];
    private readonly List<string> _declarations = [];
    private string? _condition;

    public Manifest(IKubernetesObject value)
    {
        var type = value.GetKubernetesTypeMetadata();
        (value.ApiVersion, value.Kind) = (type.Group.Length == 0 ? type.ApiVersion : $"{type.Group}/{type.ApiVersion}", type.Kind);
        var stream = new YamlStream();
        stream.Load(new StringReader(KubernetesYaml.Serialize(value)));
        _root = (YamlMappingNode)stream.Documents[0].RootNode;
    }

    /// <summary>Writes the object only if the expression is true.</summary>
    public Manifest When(string condition)
    {
        _condition = condition;
        return this;
    }

    /// <summary>Puts a line with a variable in front of the object.</summary>
    public Manifest Declare(string declaration)
    {
        _declarations.Add(declaration);
        return this;
    }

    /// <summary>Replaces a default by a value of <c>values.yaml</c>.</summary>
    /// <param name="path">Keys and indexes from the root, such as <c>spec.replicas</c>.</param>
    /// <param name="name">The value's path, such as <c>services.auth.replicas</c>.</param>
    /// <param name="unless">An expression; if it is true, the member is left out.</param>
    public Manifest Expose(ChartValues values, string path, string name, string? comment = null, string? unless = null)
    {
        var (parent, key) = Find(path);
        var node = parent[key];
        values.Add(name, node, comment);
        var value = $".Values.{name}";
        Func<string, string, string> line = node switch
        {
            YamlScalarNode { Style: ScalarStyle.Plain } scalar when int.TryParse(scalar.Value, CultureInfo.InvariantCulture, out _) || scalar.Value is "true" or "false" =>
                (indent, member) => $"{indent}{member} {{{{ {value} }}}}",
            YamlScalarNode => (indent, member) => $"{indent}{member} {{{{ {value} | quote }}}}",
            _ => (indent, member) => $"{indent}{member} {{{{- toYaml {value} | nindent {indent.Length + 2} }}}}",
        };
        return Replace(parent, key, unless is null ? line : (indent, member) => $"{{{{- if not ({unless}) }}}}\n{line(indent, member)}\n{{{{- end }}}}");
    }

    /// <summary>Replaces a member by a template expression without braces.</summary>
    public Manifest Set(string path, string expression)
    {
        var (parent, key) = Find(path);
        return Replace(parent, key, (indent, member) => $"{indent}{member} {{{{ {expression} }}}}");
    }

    /// <summary>Adds a member whose content is in <c>values.yaml</c>, unless it is empty there.</summary>
    public Manifest Add(string path, string member, string expression)
    {
        var (parent, key) = Find($"{path}.{member}", isNew: true);
        return Replace(parent, key, (indent, name) => $"{{{{- with {expression} }}}}\n{indent}{name} {{{{- toYaml . | nindent {indent.Length + 2} }}}}\n{{{{- end }}}}");
    }

    public Manifest Remove(string path)
    {
        var (parent, key) = Find(path);
        parent.Children.Remove(key);
        return this;
    }

    /// <summary>Appends the items of a list in <c>values.yaml</c> to a list.</summary>
    public Manifest Append(string path, string expression)
    {
        var (parent, key) = Find(path);
        var node = parent[key];
        return Replace(parent, key, (indent, member) =>
            $"{WithMember(node, indent, member)}\n{{{{- with {expression} }}}}\n{{{{- toYaml . | nindent {indent.Length + DepthOf(node)} }}}}\n{{{{- end }}}}");
    }

    /// <summary>Leaves a member out if the expression is true.</summary>
    public Manifest OmitIf(string path, string condition)
    {
        var (parent, key) = Find(path);
        var node = parent[key];
        return Replace(parent, key, (indent, member) =>
            $"{{{{- if not ({condition}) }}}}\n{WithMember(node, indent, member)}\n{{{{- end }}}}");
    }

    /// <returns>The template's text.</returns>
    public string Write()
    {
        var text = Token().Replace(Yaml.Write(_root), match =>
            _expressions[int.Parse(match.Groups["index"].Value, CultureInfo.InvariantCulture)](match.Groups["indent"].Value, match.Groups["member"].Value));
        string[] lines = [.. _condition is null ? [] : new[] { $"{{{{- if {_condition} }}}}" }, .. _declarations.Select(line => $"{{{{- {line} }}}}"), "---", text, .. _condition is null ? [] : new[] { "{{- end }}" }];
        return string.Join('\n', lines) + "\n";
    }

    private static string WithMember(YamlNode node, string indent, string member) => node is YamlScalarNode
        ? $"{indent}{member} {Yaml.Write(node)}"
        : $"{indent}{member}\n{string.Join('\n', Yaml.Write(node).Split('\n').Select(line => $"{new string(' ', indent.Length + DepthOf(node))}{line}"))}";

    /// <summary>The emitter indents the members of a mapping, but not the items of a list.</summary>
    private static int DepthOf(YamlNode node) => node is YamlMappingNode ? 2 : 0;

    private Manifest Replace(YamlMappingNode parent, YamlNode key, Func<string, string, string> line)
    {
        _expressions.Add(line);
        parent.Children[key] = new YamlScalarNode(string.Create(CultureInfo.InvariantCulture, $"__expression_{_expressions.Count - 1}__"));
        return this;
    }

    private (YamlMappingNode Parent, YamlNode Key) Find(string path, bool isNew = false)
    {
        YamlNode node = _root;
        var keys = path.Split('.');
        foreach (var key in keys[..^1])
        {
            node = node is YamlSequenceNode list ? list.Children[int.Parse(key, CultureInfo.InvariantCulture)] : node[key];
        }

        var parent = (YamlMappingNode)node;
        return (parent, parent.Children.Keys.FirstOrDefault(key => ((YamlScalarNode)key).Value == keys[^1])
            ?? (isNew ? new YamlScalarNode(keys[^1]) : null) ?? throw new ArgumentException($"The object has no member {path}.", nameof(path)));
    }

    [GeneratedRegex(@"^(?<indent>[ -]*)(?<member>[^\s]+:) __expression_(?<index>\d+)__", RegexOptions.Multiline)]
    private static partial Regex Token();
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Kashif.Publish.Kubernetes;

/// <summary>The content of a chart's <c>values.yaml</c>: defaults with comments.</summary>
internal sealed class ChartValues
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly YamlMappingNode _root = [];
    private readonly Dictionary<string, string> _comments = [];

    /// <summary>Adds a default. A value that two objects share is added once.</summary>
    /// <param name="path">Keys separated by dots.</param>
    public void Add(string path, YamlNode value, string? comment = null)
    {
        var keys = path.Split('.');
        var parent = _root;
        foreach (var key in keys[..^1])
        {
            if (!parent.Children.TryGetValue(key, out var child))
            {
                parent.Add(key, child = new YamlMappingNode());
            }

            parent = (YamlMappingNode)child;
        }

        parent.Children.TryAdd(keys[^1], value);
        if (comment is not null)
        {
            Explain(path, comment);
        }
    }

    public void Add(string path, string value, string? comment = null) => Add(path, new YamlScalarNode(value) { Style = ScalarStyle.DoubleQuoted }, comment);

    /// <summary>Sets the comment above a key.</summary>
    public void Explain(string path, string comment) => _comments[path] = comment;

    public string Write(string header)
    {
        var text = new StringBuilder();
        AppendComment(text, "", header);
        Append(text, _root, "", "");
        return text.ToString();
    }

    /// <summary>The schema by which Helm refuses a misspelled or mistyped value.</summary>
    public string WriteSchema()
    {
        var schema = SchemaOf(_root, isClosed: true);
        schema["$schema"] = "https://json-schema.org/draft-07/schema#";
        return schema.ToJsonString(Indented);
    }

    private static JsonObject SchemaOf(YamlNode node, bool isClosed)
    {
        switch (node)
        {
            case YamlMappingNode { Children.Count: > 0 } mapping when isClosed:
                var members = new JsonObject();
                foreach (var (key, value) in mapping.Children)
                {
                    var name = ((YamlScalarNode)key).Value ?? "";
                    members[name] = name == "secrets" ? Texts(value) : SchemaOf(value, isClosed: name != "resources");
                }

                // Helm adds "global" to the values of a chart that is part of another one.
                members["global"] = new JsonObject();
                return new JsonObject { ["type"] = "object", ["properties"] = members, ["additionalProperties"] = false };
            case YamlMappingNode:
                return new JsonObject { ["type"] = "object" };
            case YamlSequenceNode:
                return new JsonObject { ["type"] = "array" };
            case YamlScalarNode { Style: not ScalarStyle.DoubleQuoted, Value: "true" or "false" }:
                return new JsonObject { ["type"] = "boolean" };
            case YamlScalarNode { Style: ScalarStyle.Plain } scalar when int.TryParse(scalar.Value, CultureInfo.InvariantCulture, out _):
                return new JsonObject { ["type"] = "integer", ["minimum"] = 1 };
            default:
                return new JsonObject { ["type"] = new JsonArray("string", "integer") }; // smtpPort: 587
        }
    }

    /// <summary>A secret of digits would reach a template as a number, and print as 1.2e+09.</summary>
    private static JsonObject Texts(YamlNode node) => node is YamlMappingNode mapping
        ? new JsonObject { ["type"] = "object", ["properties"] = new JsonObject(mapping.Children.Select(child => KeyValuePair.Create(((YamlScalarNode)child.Key).Value ?? "", (JsonNode?)Texts(child.Value)))), ["additionalProperties"] = false }
        : new JsonObject { ["type"] = node is YamlScalarNode { Style: ScalarStyle.DoubleQuoted } ? "string" : "boolean" };

    private void Append(StringBuilder text, YamlMappingNode node, string path, string indent)
    {
        foreach (var (keyNode, value) in node.Children)
        {
            var key = ((YamlScalarNode)keyNode).Value;
            var full = path.Length == 0 ? $"{key}" : $"{path}.{key}";
            if (indent.Length == 0)
            {
                text.Append('\n');
            }

            if (_comments.TryGetValue(full, out var comment))
            {
                AppendComment(text, indent, comment);
            }

            if (value is YamlMappingNode { Children.Count: > 0 } mapping)
            {
                text.Append(indent).Append(key).Append(":\n");
                Append(text, mapping, full, indent + "  ");
            }
            else
            {
                text.Append(indent).Append(key).Append(": ").Append(Inline(value)).Append('\n');
            }
        }
    }

    private static void AppendComment(StringBuilder text, string indent, string comment)
    {
        foreach (var line in comment.Split('\n'))
        {
            text.Append(indent).Append(line.Length == 0 ? "#" : $"# {line}").Append('\n');
        }
    }

    private static string Inline(YamlNode value)
    {
        switch (value)
        {
            case YamlMappingNode mapping:
                mapping.Style = YamlDotNet.Core.Events.MappingStyle.Flow;
                break;
            case YamlSequenceNode sequence:
                sequence.Style = YamlDotNet.Core.Events.SequenceStyle.Flow;
                break;
        }

        return Yaml.Write(value);
    }
}

using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Kashif.Publish.Azure;

/// <summary>Writes values in Bicep's syntax, and fills the templates that are embedded in this assembly.</summary>
internal static partial class Bicep
{
    /// <returns>A string literal.</returns>
    public static string Quote(string text) => $"'{Escape(text)}'";

    /// <returns>An array with each item on a line of its own.</returns>
    public static string List(IEnumerable<string> items, string indent = "")
    {
        var lines = string.Concat(items.Select(item => $"{indent}  {item}\n"));
        return lines.Length == 0 ? "[]" : $"[\n{lines}{indent}]";
    }

    /// <returns>The name of a parameter or module: <c>publicUrl</c> of <c>public-url</c>.</returns>
    public static string Identifier(string name) => Separator().Replace(name, match => match.Groups[1].Value.ToUpperInvariant());

    /// <returns>An expression for the template.</returns>
    /// <param name="host">An expression for the host name of a workload.</param>
    /// <param name="port">The port under which a workload is reached.</param>
    public static string Write(Template template, Func<string, string> host, Func<PortNumber, string> port)
    {
        if (template.Parts is [ParameterValue { IsUriEncoded: false } only])
        {
            return ParameterOf(only.Parameter);
        }

        return $"'{template.Write(part => part switch
        {
            PortNumber number => Escape(port(number)),
            Literal literal => Escape(literal.Text),
            ParameterValue { IsUriEncoded: true } value => $"${{uriComponent({ParameterOf(value.Parameter)})}}",
            ParameterValue value => $"${{{ParameterOf(value.Parameter)}}}",
            HostName name => host(name.Workload) is ['\'', .. var fixedName, '\''] ? fixedName : $"${{{host(name.Workload)}}}",
            _ => throw new NotSupportedException($"{part} cannot be published."),
        })}'";
    }

    public static string ParameterOf(ParameterResource parameter) => Identifier(ParameterValue.NameOf(parameter));

    /// <returns>An embedded template whose <c>{{name}}</c> are replaced by values.</returns>
    public static string Fill(string template, params (string Name, string Value)[] values)
    {
        var text = Template(template);
        foreach (var (name, value) in values)
        {
            text = text.Replace($"{{{{{name}}}}}", value, StringComparison.Ordinal);
        }

        return text;
    }

    /// <returns>A file of deployment parameters.</returns>
    public static string Parameters(IEnumerable<(string Name, string Value)> values) => JsonSerializer.Serialize(
        new Dictionary<string, object>
        {
            ["$schema"] = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
            ["contentVersion"] = "1.0.0.0",
            ["parameters"] = values.ToDictionary(value => value.Name, value => new { value = value.Value }),
        }, Indented) + "\n";

    public static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Template(string name)
    {
        using var stream = typeof(Bicep).Assembly.GetManifestResourceStream($"{name}.bicep") ?? throw new InvalidOperationException($"{name}.bicep is not embedded.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string Escape(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).Replace("${", "\\${", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);

    [GeneratedRegex("-(.)")]
    private static partial Regex Separator();
}

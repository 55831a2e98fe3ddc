using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Kashif.OpenApi;

/// <summary>What an XML comment says about a field or parameter.</summary>
/// <param name="Text">Markdown.</param>
/// <param name="Example">Text, or JSON if the field is not a string.</param>
internal sealed record Comment(string? Text, string? Example);

/// <summary>
/// Reads XML comments from the files that the compiler writes beside the assemblies.
/// <code>
/// &lt;param name="Points" example="120"&gt;The balance in points.&lt;/param&gt;      a record's parameter, or a handler's
/// &lt;summary&gt;…&lt;/summary&gt; &lt;example&gt;…&lt;/example&gt;                          a property
/// </code>
/// </summary>
/// <remarks>
/// The source generator of Microsoft.AspNetCore.OpenApi reads only the project that calls <c>AddOpenApi</c>, which is this one, and
/// knows no examples of a record's parameters.
/// </remarks>
internal static partial class XmlComments
{
    private static readonly ConcurrentDictionary<Assembly, Dictionary<string, XElement>> Files = [];

    public static string? Of(Type type) => Text(Member(type, 'T', "")?.Element("summary"));

    public static Comment? Of(MemberInfo? member, string name) => member switch
    {
        PropertyInfo { DeclaringType: { } type } => FromParameter(Member(type, 'T', ""), name) ?? FromProperty(Member(type, 'P', $".{name}")),
        MethodInfo { DeclaringType: { } type } method => FromParameter(Method(type, method.Name), name),
        _ => null,
    };

    private static Comment? FromProperty(XElement? member) =>
        member is null ? null : new Comment(Text(member.Element("summary")), member.Element("example")?.Value.Trim());

    private static Comment? FromParameter(XElement? member, string name) =>
        member?.Elements("param").FirstOrDefault(parameter => parameter.Attribute("name")?.Value == name) is { } parameter
            ? new Comment(Text(parameter), parameter.Attribute("example")?.Value)
            : null;

    private static XElement? Member(Type type, char kind, string suffix)
    {
        var declared = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        return Read(type.Assembly).GetValueOrDefault($"{kind}:{declared.FullName?.Replace('+', '.')}{suffix}");
    }

    /// <summary>Handlers have no overloads.</summary>
    private static XElement? Method(Type type, string name)
    {
        var prefix = $"M:{type.FullName?.Replace('+', '.')}.{name}(";
        return Read(type.Assembly).FirstOrDefault(member => member.Key.StartsWith(prefix, StringComparison.Ordinal)).Value;
    }

    private static Dictionary<string, XElement> Read(Assembly assembly) => Files.GetOrAdd(assembly, static assembly =>
    {
        var file = Path.ChangeExtension(assembly.Location, ".xml");
        return assembly.FullName?.StartsWith("Kashif.", StringComparison.Ordinal) == true && File.Exists(file)
            ? XDocument.Load(file).Descendants("member").ToDictionary(member => member.Attribute("name")?.Value ?? "")
            : [];
    });

    private static string? Text(XElement? element) =>
        element is null ? null : Spaces().Replace(string.Concat(element.Nodes().Select(Markdown)), " ").Trim() is { Length: > 0 } text ? text : null;

    private static string Markdown(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" or "paramref" } reference => $"`{JsonNamingPolicy.SnakeCaseLower.ConvertName(
            (reference.Attribute("cref") ?? reference.Attribute("name"))?.Value.Split('(')[0].Split('.', ':')[^1] ?? "")}`",
        XElement other => other.Value,
        _ => "",
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

using System.Reflection;
using System.Text.RegularExpressions;
using Kashif.Messaging;

namespace Kashif.Architecture.Tests;

/// <summary>The settings of the services, which are properties of options, and of the AppHost, which are names in its source.</summary>
internal sealed partial class KnownSettings
{
    private readonly Dictionary<string, Type> _sections;
    private readonly string _appHost;
    private readonly string _command;

    /// <param name="root">The root of the repository.</param>
    public KnownSettings(BuiltServices services, string root)
    {
        _sections = BuiltServices.ServiceNames.Select(name => services[name].Assembly).Concat([typeof(ServiceIdentity).Assembly, typeof(UnitOfWork).Assembly])
            .SelectMany(assembly => assembly.GetTypes())
            .Select(type => (Type: type, Section: type.GetField("Section", BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)?.GetRawConstantValue() as string))
            .Where(options => options.Section is not null)
            .ToDictionary(options => options.Section ?? "", options => options.Type);
        _appHost = string.Concat(Directory.EnumerateFiles(Path.Combine(root, "Kashif.AppHost"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        _command = File.ReadAllText(Path.Combine(root, "kashif"));
    }

    /// <summary>The settings and commands that a document names and that do not exist.</summary>
    public IEnumerable<string> MissingFrom(string document) =>
    [
        .. Named(document).Where(setting => !Exists(setting)),
        .. OfAppHost(document).Where(name => !IsInAppHost(name)),
        .. Command().Matches(document).Select(match => match.Groups[1].Value)
            .Where(command => !Regex.IsMatch(_command, $@"^  (?:\S*\|)?{command}(?:\|\S*)?\) ", RegexOptions.Multiline)).Select(command => $"./kashif {command}"),
    ];

    /// <summary><c>Auth:Deletion:Grace</c>, <c>Parameters__app-url</c>, and <c>:Poll</c> or <c>__cache</c> after one of these.</summary>
    private static IEnumerable<string> Named(string document)
    {
        var section = "";
        foreach (var setting in Setting().Matches(document).Select(match => (match.Groups[1].Success ? match.Groups[1] : match.Groups[2]).Value.Replace("__", ":", StringComparison.Ordinal)))
        {
            var whole = setting.StartsWith(':') ? section + setting : setting;
            section = whole[..whole.LastIndexOf(':')];
            yield return whole;
        }
    }

    /// <summary>The names in the first column of tables of parameters and settings, where they have no section.</summary>
    private static IEnumerable<string> OfAppHost(string document) =>
        from table in Table().Matches(document)
        from row in table.Value.TrimEnd().Split('\n').Skip(2)
        from name in Name().Matches(row.Split('|')[1])
        select name.Groups[1].Value;

    private bool Exists(string setting)
    {
        var parts = setting.Split(':');
        return parts[0] switch
        {
            "Kestrel" or "Logging" => true, // ASP.NET Core's own
            "Parameters" => parts is [_, var name] && (name.StartsWith('<') || IsInAppHost(name)),
            "ConnectionStrings" => parts is [_, var name] && typeof(ResourceNames).GetFields().Any(field => field.GetRawConstantValue() as string == name),
            _ => Enumerable.Range(1, parts.Length).Any(length =>
                _sections.TryGetValue(string.Join(':', parts[..length]), out var options) && HasProperty(options, parts[length..])),
        };
    }

    private bool IsInAppHost(string name) => _appHost.Contains($"\"{name}\"", StringComparison.Ordinal) || _appHost.Contains($"\"Parameters:{name}\"", StringComparison.Ordinal);

    /// <remarks><c>RateLimits:&lt;limit&gt;:Permits</c> is a setting if any limit has it.</remarks>
    private static bool HasProperty(Type options, string[] path) => path is []
        || options.GetProperties().Any(property => (property.Name == path[0] || path[0].StartsWith('<')) && HasProperty(property.PropertyType, path[1..]));

    [GeneratedRegex(@"`((?:[A-Z]\w*)?(?::(?:[A-Z]\w*|<\w+>))+)`|(?<![\w])((?:[A-Z][A-Za-z]*)?(?:__[\w<>-]+?)+)(?![\w<>-])")]
    private static partial Regex Setting();

    [GeneratedRegex(@"^\| (?:parameter|setting) \|.*\n(?:\|.*\n)*", RegexOptions.Multiline)]
    private static partial Regex Table();

    [GeneratedRegex("`([A-Za-z][A-Za-z-]*)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"\./kashif (\w[\w-]*)")]
    private static partial Regex Command();
}

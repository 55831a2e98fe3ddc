using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Kashif.Architecture.Tests;

/// <summary>The README and <c>docs/</c> name only files that exist.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Documents =>
        [.. Directory.EnumerateFiles(Path.Combine(Root(), "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Root(), "README.md"))
            .Select(file => Path.GetRelativePath(Root(), file)).Order()];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Named_files_and_links_exist(string document)
    {
        var text = File.ReadAllText(Path.Combine(Root(), document));
        var directory = Path.GetDirectoryName(Path.Combine(Root(), document)) ?? "";

        var files = NamedFile().Matches(text).Select(match => match.Groups[1].Value).Select(name => (Name: name, Path: Path.Combine(Root(), name)));
        var links = Link().Matches(text).Select(match => match.Groups[1].Value).Select(name => (Name: name, Path: Path.Combine(directory, name)));

        files.Concat(links).Where(file => !Path.Exists(file.Path)).Select(file => file.Name).Distinct().ShouldBeEmpty();
    }

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file) ?? "", "../.."));

    /// <summary><c>`Kashif.Gateway/Routing/Routes.cs`</c>: a path below a folder of the repository, without a placeholder.</summary>
    [GeneratedRegex(@"`((?:Kashif\.\w+|tests|docs|eng)/[\w./-]*)`")]
    private static partial Regex NamedFile();

    /// <summary><c>[decision 7](decisions/0007-rate-limits.md#why)</c>: the file of a link that stays in the repository.</summary>
    [GeneratedRegex(@"\]\((?!https?:)([\w./-]+)(?:#[\w-]+)?\)")]
    private static partial Regex Link();
}

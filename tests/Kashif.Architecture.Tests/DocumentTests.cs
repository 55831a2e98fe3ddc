using System.Text.RegularExpressions;
using Kashif.Testing;

namespace Kashif.Architecture.Tests;

/// <summary>The README and <c>docs/</c> name only files, routes, settings and commands that exist.</summary>
public sealed partial class DocumentTests(BuiltServices services)
{
    public static TheoryData<string> Documents =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Repository.Root, "README.md"))
            .Select(file => Path.GetRelativePath(Repository.Root, file)).Order()];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Named_files_and_links_exist(string document)
    {
        var text = Read(document);
        var directory = Path.GetDirectoryName(Path.Combine(Repository.Root, document)) ?? "";

        var files = NamedFile().Matches(text).Select(match => match.Groups[1].Value).Select(name => (Name: name, Path: Path.Combine(Repository.Root, name)));
        var links = Link().Matches(text).Select(match => match.Groups[1].Value).Select(name => (Name: name, Path: Path.Combine(directory, name)));

        files.Concat(links).Where(file => !Path.Exists(file.Path)).Select(file => file.Name).Distinct().ShouldBeEmpty();
    }

    /// <summary>The documents about the present; decisions are about their time.</summary>
    public static TheoryData<string> Guides => [.. Documents.Select(document => document.Data).Where(document => !document.Contains("decisions", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Guides))]
    public void Named_routes_exist(string document) => new KnownRoutes(services).MissingFrom(Read(document)).ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(Guides))]
    public void Named_settings_and_commands_exist(string document) => new KnownSettings(services, Repository.Root).MissingFrom(Read(document)).ShouldBeEmpty();

    [Fact]
    public void Missing_routes_and_settings_are_found()
    {
        const string Document = """
            `GET /me`, `POST /me`, `/me`, `/mine`, `DELETE /api-keys/{key}`, `auth/token`, `auth/tokens`, `/api/v1/reports/{id}/photo`, `/health`, `/api/<area>/health`
            `Proxy:Timeout`, `:LongTimeout` and `:Nothing`, `RateLimits:<limit>:Window`, `RateLimits:<limit>:Size`, `Auth`, `Nothing:Auth`, `./kashif run`, `./kashif walk`
            Parameters__app-url=1 Parameters__app=1 ConnectionStrings__auth-db=1 ConnectionStrings__auth-store=1
            | setting | default |
            |---|---|
            | `Containers` | `true` |
            | `Crates` | none |

            """;

        new KnownRoutes(services).MissingFrom(Document).ShouldBe(["POST /me", "/mine", "auth/tokens", "/api/v1/reports/{id}/photo"]);
        new KnownSettings(services, Repository.Root).MissingFrom(Document).ShouldBe(
            ["Proxy:Nothing", "RateLimits:<limit>:Size", "Nothing:Auth", "Parameters:app", "ConnectionStrings:auth-store", "Crates", "./kashif walk"]);
    }

    private static string Read(string document) => File.ReadAllText(Path.Combine(Repository.Root, document));

    /// <summary><c>`Kashif.Gateway/Routing/Routes.cs`</c>: a path below a folder of the repository, without a placeholder.</summary>
    [GeneratedRegex(@"`((?:Kashif\.\w+|tests|docs|eng)/[\w./-]*)`")]
    private static partial Regex NamedFile();

    /// <summary><c>[decision 7](decisions/0007-rate-limits.md#why)</c>: the file of a link that stays in the repository.</summary>
    [GeneratedRegex(@"\]\((?!https?:)([\w./-]+)(?:#[\w-]+)?\)")]
    private static partial Regex Link();
}
